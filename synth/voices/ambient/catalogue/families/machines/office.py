"""On a desk: printer, typewriter, keyboard."""

from __future__ import annotations

import numpy as np

from synth.voices.ambient.catalogue.engines import Texture
from synth.voices.ambient.catalogue.entry import Knob, SoundClass
from synth.voices.ambient.catalogue.parts.control import crossings, gates, phase
from synth.voices.ambient.catalogue.parts.mechanical.electric import tone
from synth.voices.ambient.catalogue.parts.mechanical.struck import blows, burst, rung, together
from synth.voices.ambient.catalogue.parts.mechanical.struck import body as stiff_body
from synth.voices.ambient.catalogue.parts.mix import Mix, coloured_noise, peak
from synth.voices.ambient.catalogue.parts.places import indoors
from synth.voices.ambient.catalogue.parts.timing import uneven_beats
from synth.voices.ambient.catalogue.performance import Samples
from synth.voices.ambient.catalogue.room import Room


def printer(
    n: int,
    rate_hz: int,
    rng: np.random.Generator,
    *,
    body: np.random.Generator,
    time_s: Samples,
    pass_s: float,
    feed: float,
    carriage_hz: float,
) -> Samples:
    """An ink printer: the carriage speeds up, runs and slows; then rollers feed the paper; clicks at each end."""
    feed_s = body.uniform(0.11, 0.34)
    period = pass_s + feed_s + 0.02
    part = (time_s + body.uniform(0, period)) % period
    across = np.clip(part / pass_s, 0, 1)
    speed = np.clip(np.minimum(across, 1 - across) * 7, 0, 1)
    carriage = phase(carriage_hz * speed, n, rate_hz)
    mix = Mix(n, rate_hz, 0.25)
    whirr = mix.noise(rng, (200, -28), (700, -1), (2000, -1), (5000, -10), (10000, -9), (20000, -10))
    stepper = tone(carriage, (0.13, 0.35, 0.39, 0.12, 0, 0.24), body)
    mix.add_raw(1.0, speed**1.5 * (stepper + 0.28 * whirr * (1 + 0.11 * np.sin(2 * np.pi * carriage / 6))))
    since = np.clip((part - pass_s - 0.022) / feed_s, 0, 1)
    rolling = np.clip(np.minimum(since, 1 - since) * 10, 0, 1)
    rollers = phase(rolling * (150 + 350 * since), n, rate_hz)
    rub = mix.noise(rng, (300, -10), (1200, -7), (3000, 3), (9000, -9), (20000, -24))
    mix.add_raw(feed, rolling * (0.18 * np.sin(2 * np.pi * rollers) + 0.16 * np.sin(6 * np.pi * rollers) + 0.49 * rub))
    turn, _ = crossings(time_s / period + (body.uniform()), rng)
    times = np.concatenate([turn / rate_hz, turn / rate_hz + pass_s + 0.006])

    def click() -> Samples:
        blow = burst(rate_hz, body, 0.017, (150, 6), (600, -10), (3000, 3), (9000, -6), (20000, -19))
        return together(blow, 0.95 * stiff_body(rate_hz, body, 0.033, 300, 6000, 40, -1))

    mix.add_raw(2.0, blows(n, rate_hz, rng, times, click, 3))
    mix.through(indoors(rate_hz, body, 0.12, 0.14))
    mix.add_noise(0.19, rng, (60, -7), (200, 11), (800, 7), (4000, -6))
    return 0.14 * mix.signal()


def typewriter(
    n: int,
    rate_hz: int,
    rng: np.random.Generator,
    *,
    body: np.random.Generator,
    strokes_per_s: float,
    bell: float,
    size: float,
) -> Samples:
    """Typebars on paper and platen in bursts; at the end of each line the bell, the carriage, its stop."""
    seconds = n / rate_hz
    end = rng.uniform(0.6, 0.72) * seconds
    times = uneven_beats(seconds, rng, strokes_per_s, 0.35, 0.05)
    times = times[(times < end) | (times > end + 1.1)]
    kind = body.integers(2**32)

    def slug() -> Samples:
        blow = burst(
            rate_hz,
            rng,
            rng.uniform(0.005, 0.008),
            (120, -8),
            (400, -1),
            (1200, 0),
            (3500, -1),
            (7000, -3),
            (20000, -14),
        )
        frame = stiff_body(rate_hz, np.random.default_rng(kind), 0.016 * size, 300 / size, 7000, 60, -1.5)
        return together(1.6 * blow, 0.3 * frame)

    def light() -> Samples:
        blow = burst(rate_hz, rng, 0.004, (300, -8), (1500, 0), (6000, -2), (12000, -6), (20000, -12))
        return together(0.8 * blow, 0.1 * stiff_body(rate_hz, rng, 0.008, 700 / size, 8000, 40))

    out = blows(n, rate_hz, rng, times, slug, 8)
    out += 0.6 * blows(n, rate_hz, rng, times + rng.uniform(0.05, 0.1, len(times)), light, 6)
    out += 0.3 * blows(n, rate_hz, rng, times - rng.uniform(0.012, 0.03, len(times)), light, 4)
    struck = np.zeros(n)
    struck[min(n - 1, int(end * rate_hz))] = 1
    ding = rung(struck, rate_hz, (2380, 2396, 5100, 7900), (0.4, 0.35, 0.2, 0.1), (1, 0.7, 0.5, 0.3))
    out += bell * 0.35 * ding / max(np.abs(ding).max(), 1e-9) * np.abs(out).max()
    back = end + 0.35 + np.arange(0, 0.3, 0.02)
    out += 0.2 * blows(n, rate_hz, rng, back, light, 3)
    rub = coloured_noise(n, rate_hz, rng, (200, -8), (900, 0), (4000, -6), (12000, -14))
    out += 0.1 * gates(n, rate_hz, [end + 0.35], [min(end + 0.67, seconds - 0.02)]) * rub
    out += 1.5 * blows(n, rate_hz, rng, np.array([end + 0.7]), slug, 1)
    return peak(out)


def computer_keyboard(
    n: int, rate_hz: int, rng: np.random.Generator, *, keys_per_s: float, hardness: float, size: float
) -> Samples:
    """Plastic caps that touch, meet their stop and spring back, in the uneven rhythm of typed words."""
    seconds = n / rate_hz
    times = uneven_beats(seconds, rng, keys_per_s, 0.93, rng.uniform(0, 0.11))
    times = times[rng.uniform(size=len(times)) > 0.08]

    def press() -> Samples:
        blow = burst(
            rate_hz,
            rng,
            rng.uniform(0.0025, 0.0081),
            (150, -19),
            (500, -1),
            (1500, -6),
            (3500, hardness * 5 - 3),
            (7000, hardness * 9 - 9),
            (20000, -9),
        )
        return together(1.4 * blow, 0.37 * stiff_body(rate_hz, rng, 0.014, 300 / size, 6000, 50, -1))

    out = blows(n, rate_hz, rng, times, press, 12)
    out += 0.5 * blows(n, rate_hz, rng, times + rng.uniform(0.067, 0.11, len(times)), press, 8)
    return 0.24 * (out + 0.42 * blows(n, rate_hz, rng, times - rng.uniform(0.0049, 0.013, len(times)), press, 6))


CLASSES = (
    SoundClass(
        name="printer",
        audioset=("Printer",),
        singular="a printer",
        plural="printers",
        phrases=("printer", "printing", "inkjet", "fax machine"),
        imagenet=("printer", "photocopier"),
        family="machines",
        knobs=(
            Knob("pass_s", 0.3, 0.8, 1.5, "s", "time of one pass of the carriage"),
            Knob("feed", 0.1, 0.6, 1, "", "level of the paper feed"),
            Knob("carriage_hz", 280, 420, 900, "Hz", "pitch of the carriage motor"),
        ),
        together=("machines", "foley", "people"),
        source=Texture(printer, 4.0, 0.1),
    ),
    SoundClass(
        name="typewriter",
        audioset=("Typewriter", "Typing"),
        singular="a typewriter",
        plural="typewriters",
        phrases=("typewriter", "typing on a typewriter"),
        imagenet=("typewriter keyboard",),
        family="machines",
        knobs=(
            Knob("strokes_per_s", 3, 7, 10, "1/s", "keys a second"),
            Knob("bell", 0, 0.7, 1.5, "", "level of the line's bell"),
            Knob("size", 0.8, 1.7, 2.2, "", "size of the frame"),
        ),
        drives={"strokes_per_s": "activity"},
        worked=True,
        together=("machines", "people"),
        source=Room(Texture(typewriter, 5.0, 0.1), 0.35, 0.3, 4000, floor=0.001),
    ),
    SoundClass(
        name="computer_keyboard",
        audioset=("Computer keyboard", "Typing"),
        singular="a computer keyboard",
        plural="computer keyboards",
        phrases=("typing", "keyboard", "computer keyboard", "laptop typing"),
        imagenet=("computer keyboard", "notebook", "laptop", "space bar", "desktop computer", "mouse"),
        family="machines",
        knobs=(
            Knob("keys_per_s", 3, 7, 12, "1/s", "keys a second"),
            Knob("hardness", 0, 0.6, 1, "", "how hard the caps are"),
            Knob("size", 0.7, 1, 1.4, "", "size of the case"),
        ),
        drives={"keys_per_s": "activity"},
        worked=True,
        together=("machines", "people"),
        source=Room(Texture(computer_keyboard, 4.0, 0.05), 0.25, 0.25, 4000, floor=0.004),
    ),
)
