"""On a desk: printer, typewriter, keyboard, camera, cash register."""

from __future__ import annotations

import numpy as np

from synth.voices.ambient.catalogue.engines import Events, Texture
from synth.voices.ambient.catalogue.entry import Knob, SoundClass
from synth.voices.ambient.catalogue.parts.control import crossings, gates, phase
from synth.voices.ambient.catalogue.parts.electric import tone
from synth.voices.ambient.catalogue.parts.mix import Mix, coloured_noise, peak
from synth.voices.ambient.catalogue.parts.places import indoors
from synth.voices.ambient.catalogue.parts.struck import add_at, blows, burst, modes, rung, together
from synth.voices.ambient.catalogue.parts.struck import body as stiff_body
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
    n: int, rate_hz: int, rng: np.random.Generator, *, body: np.random.Generator, strokes_per_s: float, bell: float, size: float
) -> Samples:
    """Typebars on paper and platen in bursts; at the end of each line the bell, the carriage, its stop."""
    seconds = n / rate_hz
    end = rng.uniform(0.6, 0.72) * seconds
    times = uneven_beats(seconds, rng, strokes_per_s, 0.35, 0.05)
    times = times[(times < end) | (times > end + 1.1)]
    kind = body.integers(2**32)

    def slug() -> Samples:
        blow = burst(
            rate_hz, rng, rng.uniform(0.005, 0.008), (120, -8), (400, -1), (1200, 0), (3500, -1), (7000, -3), (20000, -14)
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
    times = uneven_beats(seconds, rng, keys_per_s, 0.45, rng.uniform(0, 0.1))
    times = times[rng.uniform(size=len(times)) > 0.08]

    def press() -> Samples:
        blow = burst(
            rate_hz,
            rng,
            rng.uniform(0.002, 0.005),
            (150, -16),
            (500, -8),
            (1500, -1),
            (3500, hardness * 5 - 3),
            (7000, hardness * 9 - 9),
            (20000, -14),
        )
        return together(1.4 * blow, 0.3 * stiff_body(rate_hz, rng, 0.006, 300 / size, 6000, 50, -1))

    out = blows(n, rate_hz, rng, times, press, 12)
    out += 0.5 * blows(n, rate_hz, rng, times + rng.uniform(0.06, 0.11, len(times)), press, 8)
    return 0.25 * (out + 0.3 * blows(n, rate_hz, rng, times - rng.uniform(0.008, 0.02, len(times)), press, 6))


def camera(
    n: int, rate_hz: int, rng: np.random.Generator, *, body: np.random.Generator, exposure_s: float, winder: float
) -> Samples:
    """Mirror up, first curtain, second curtain, mirror down, and a motor that winds on."""
    case_hz = np.array([310, 1450, 2700, 4200, 6300]) * body.uniform(0.93, 1.07, 5)

    def clack(fall_s: float, low_db: float) -> Samples:
        blow = burst(
            rate_hz, rng, fall_s, (150, low_db), (600, -2), (2000, 0), (5000, -1), (10000, -5), (20000, -14)
        )
        return together(blow, 0.5 * modes(rate_hz, case_hz, np.full(5, 0.006), (0.6, 1, 0.8, 0.6, 0.4), rng))

    out = np.zeros(n)
    steps = ((0.0, 1.0, 0.006, -4.0), (0.028, 0.5, 0.003, -14.0), (0.034 + exposure_s, 0.6, 0.003, -14.0))
    for late, gain, fall_s, low_db in (*steps, (0.055 + exposure_s, 0.9, 0.007, -3.0)):
        add_at(out, np.array([late * rate_hz]), np.array([gain]), clack(fall_s, low_db))
    start = 0.09 + exposure_s
    gate = gates(n, rate_hz, [start], [start + 0.16], 0.01)
    gears = tone(phase(620 * body.uniform(0.9, 1.1) * gate, n, rate_hz), (1, 0.6, 0, 0, 0.5))
    grit = coloured_noise(n, rate_hz, rng, (800, -10), (3500, 0), (9000, -4), (20000, -12))
    return peak(out + winder * 0.35 * gate * (gears + grit))


def cash_register(n: int, rate_hz: int, rng: np.random.Generator, *, body: np.random.Generator, drawer: float) -> Samples:
    """Keys, the bell, and a drawer of coins that springs open against its stop."""
    keys = np.array([0.0, 0.13, 0.27]) + rng.uniform(0, 0.03, 3)

    def key() -> Samples:
        blow = burst(rate_hz, rng, 0.01, (150, -4), (700, 0), (3000, -2), (9000, -6), (20000, -14))
        return together(blow, 0.5 * stiff_body(rate_hz, rng, 0.03, 400, 6000, 40, -1))

    out = 0.5 * blows(n, rate_hz, rng, keys, key, 3)
    ding = np.zeros(n)
    ding[int(0.42 * rate_hz)] = 1
    hz = 2550 * body.uniform(0.92, 1.08)
    bell = rung(ding, rate_hz, (hz, hz * 1.006, hz * 2.1, hz * 3.2), (0.5, 0.45, 0.25, 0.12), (1, 0.8, 0.5, 0.4))
    out += 0.9 * bell / max(np.abs(bell).max(), 1e-9)
    slide = gates(n, rate_hz, [0.48], [0.72], 0.03)
    rumble = coloured_noise(n, rate_hz, rng, (120, -4), (400, 0), (1500, -4), (6000, -12))
    out += drawer * 0.12 * slide * rumble
    out += drawer * 0.8 * blows(n, rate_hz, rng, np.array([0.74]), key, 1)
    coins = 0.74 + np.sort(rng.gamma(1.5, 0.07, 24))

    def coin() -> Samples:
        return modes(rate_hz, rng.uniform(3500, 13000, 8), rng.uniform(0.01, 0.05, 8), rng.uniform(0.3, 1, 8), rng)

    out += drawer * 0.07 * blows(n, rate_hz, rng, coins, coin, 8)
    return peak(out)


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
        together=("machines", "people"),
        source=Room(Texture(computer_keyboard, 4.0, 0.05), 0.25, 0.25, 4000, floor=0.004),
    ),
    SoundClass(
        name="camera",
        audioset=("Camera", "Single-lens reflex camera"),
        singular="a camera",
        plural="cameras",
        phrases=("camera shutter", "taking photos", "photographer", "camera click"),
        imagenet=("reflex camera", "Polaroid camera"),
        family="machines",
        knobs=(
            Knob("shots_per_s", 0.25, 0.9, 2.5, "1/s", "photographs a second"),
            Knob("exposure_s", 0.01, 0.07, 0.4, "s", "time between the curtains"),
            Knob("winder", 0, 0.5, 1, "", "level of the winding motor"),
        ),
        drives={"shots_per_s": "onsets"},
        together=("machines", "people"),
        source=Room(Events(camera, rate="shots_per_s", longest_s=0.9, jitter=0.15), 0.3, 0.15, 5000, floor=0.001),
    ),
    SoundClass(
        name="cash_register",
        audioset=("Cash register",),
        singular="a cash register",
        plural="cash registers",
        phrases=("cash register", "till", "checkout"),
        imagenet=("slot",),
        family="machines",
        knobs=(
            Knob("sales_per_s", 0.1, 0.4, 0.7, "1/s", "sales a second"),
            Knob("drawer", 0.3, 1, 1.5, "", "level of the drawer"),
        ),
        together=("machines", "people"),
        source=Room(Events(cash_register, rate="sales_per_s", longest_s=2.0, jitter=0.1, first=0.1), 0.4, 0.2, 5000),
    ),
)
