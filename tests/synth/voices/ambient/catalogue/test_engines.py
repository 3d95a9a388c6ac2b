"""Engines: any length, the same bytes whole or in chunks, onsets where the picture has them."""

from __future__ import annotations

from types import MappingProxyType

import numpy as np
import pytest

from synth.voices.ambient.catalogue.engines import Events, Layers, Texture, stream
from synth.voices.ambient.catalogue.performance import Curve, Performance, Samples, Source
from synth.voices.ambient.catalogue.room import Room, impulse_response
from synth.voices.ambient.catalogue.walk import Walk

RATE_HZ = 16_000
_RISING = Curve(np.array([3.0, 6.0, 1.0, 9.0]), rate_hz=1.0)


def _performance(seed: int = 3, **more: Samples) -> Performance:
    knobs = MappingProxyType({"pace": _RISING, "loud": Curve.of(0.5)})
    return Performance(seed=seed, stream="test", rate_hz=RATE_HZ, knobs=knobs, **more)


def _hiss(n: int, rate_hz: int, rng: np.random.Generator, walk: Walk, phase: Samples) -> Samples:
    return np.asarray(rng.standard_normal(n) * walk(3.0) + np.sin(2 * np.pi * phase))


def _click(n: int, rate_hz: int, rng: np.random.Generator, index: int, body: np.random.Generator) -> Samples:
    ring = np.exp(-np.arange(n // 2) / 300) * np.sin(np.arange(n // 2) * body.uniform(0.1, 0.4))
    return np.asarray(ring * rng.uniform(0.5, 1) * (1 + index % 2))


_TEXTURE = Texture(_hiss, 0.5, 0.1, phase_of="pace", gain="loud")
_SOURCES: dict[str, Source] = {
    "texture": _TEXTURE,
    "regular events": Events(_click, "pace", 0.4, jitter=0.2),
    "poisson events": Events(_click, 12.0, 0.4, "poisson", gain="loud"),
    "layers": Layers((("loud", _TEXTURE), (0.3, Events(_click, "pace", 0.4)), (1.0, Events(_click, "pace", 0.4)))),
    "room": Room(Layers(((1.0, _TEXTURE), (0.5, Events(_click, "pace", 0.4)))), 1.7, "loud", floor=0.01),
}


@pytest.mark.parametrize("name", _SOURCES)
@pytest.mark.parametrize("chunk", [777, 16_000, 30_001])
def test_chunked_is_whole(name: str, chunk: int) -> None:
    whole = _SOURCES[name].open(_performance()).read(0, 4 * RATE_HZ)
    reader = _SOURCES[name].open(_performance())
    pieces = [reader.read(at, min(chunk, len(whole) - at)) for at in range(0, len(whole), chunk)]
    assert np.concatenate(pieces).tobytes() == whole.tobytes()
    assert whole.std() > 1e-3


@pytest.mark.parametrize("name", _SOURCES)
def test_a_place_is_the_same_without_what_came_before(name: str) -> None:
    whole = _SOURCES[name].open(_performance()).read(0, 4 * RATE_HZ)
    assert _SOURCES[name].open(_performance()).read(40_000, 5000).tobytes() == whole[40_000:45_000].tobytes()


@pytest.mark.parametrize("name", _SOURCES)
def test_another_seed_is_another_sound(name: str) -> None:
    ours, theirs = (_SOURCES[name].open(_performance(seed)).read(0, 2 * RATE_HZ) for seed in (3, 4))
    assert np.abs(ours - theirs).max() > 0.01


def test_a_stream_has_the_asked_length() -> None:
    blocks = list(stream(_TEXTURE, _performance(), 2.3))
    assert [len(block) for block in blocks] == [16_000, 16_000, 4800]


def test_noise_keeps_its_level_over_cross_fades() -> None:
    source = Texture(lambda n, rate_hz, rng: rng.standard_normal(n), 0.25, 0.125)
    sound = source.open(_performance()).read(0, 60 * RATE_HZ).reshape(240, -1)
    level = np.sqrt((sound.reshape(240, 50, -1) ** 2).mean(axis=(0, 2)))  # over the time within a segment
    np.testing.assert_allclose(level, 1.0, atol=0.04)


def test_what_turns_goes_on_turning_over_cross_fades() -> None:
    source = Texture(lambda n, rate_hz, rng, phase: np.cos(2 * np.pi * phase), 0.5, 0.1, "gain", phase_of="pace")
    sound = source.open(_performance()).read(0, 3 * RATE_HZ)
    time_s = np.arange(len(sound)) / RATE_HZ
    np.testing.assert_allclose(sound, np.cos(2 * np.pi * _RISING.integral(time_s)), atol=1e-9)


def test_regular_events_follow_the_curve_of_their_rate() -> None:
    source = Events(lambda n, rate_hz, rng: np.ones(1), "pace", 0.1, jitter=0.0, first=0.0)
    at = np.flatnonzero(source.open(_performance()).read(0, 3 * RATE_HZ)) / RATE_HZ
    np.testing.assert_allclose(at, _RISING.inverse_integral(np.arange(len(at), dtype=float)), atol=1 / RATE_HZ)


def test_poisson_events_come_at_their_rate() -> None:
    source = Events(lambda n, rate_hz, rng: np.ones(1), 20.0, 0.1, "poisson")
    counts = source.open(_performance()).read(0, 60 * RATE_HZ).reshape(60, -1).sum(1)
    assert counts.mean() == pytest.approx(20, abs=2)
    assert 0.6 < counts.var() / counts.mean() < 1.5


def test_the_pictures_onsets_say_when_and_how_loud() -> None:
    source = Events(lambda n, rate_hz, rng: np.array([0.0, 0.0, 1.0]), "pace", 0.1, lead_s=2 / RATE_HZ)
    performance = _performance(onsets_s=np.array([0.5, 1.0]), onset_gains=np.array([1.0, 0.25]))
    sound = source.open(performance).read(0, 2 * RATE_HZ)
    np.testing.assert_array_equal(np.flatnonzero(sound), [8000, 16_000])
    np.testing.assert_array_equal(sound[[8000, 16_000]], [1.0, 0.25])


def test_the_body_stays_while_events_change() -> None:
    drawn: list[float] = []

    def event(n: int, rate_hz: int, rng: np.random.Generator, body: np.random.Generator) -> Samples:
        drawn.append(body.random())
        return rng.standard_normal(8)

    Events(event, 5.0, 0.1).open(_performance()).read(0, 2 * RATE_HZ)
    assert len(drawn) > 5
    assert len(set(drawn)) == 1


def test_a_room_answers_a_click_with_its_response() -> None:
    click = Events(lambda n, rate_hz, rng: np.ones(1), "pace", 0.1)
    performance = _performance(onsets_s=np.array([0.9]))
    dry = click.open(performance).read(0, 3 * RATE_HZ)
    wet = Room(click, 1.2, 0.5).open(performance).read(0, 3 * RATE_HZ)
    at = round(0.9 * RATE_HZ)
    np.testing.assert_allclose(wet[: at + 1], dry[: at + 1], atol=1e-6)
    assert np.sum((wet - dry) ** 2) == pytest.approx(0.25, rel=0.01)


def test_a_room_dies_away_in_its_reverberation_time() -> None:
    response = impulse_response(np.random.default_rng(5), RATE_HZ, 1.0, dark_hz=20_000)
    energy_db = 10 * np.log10(np.cumsum(response[::-1] ** 2)[::-1])
    fall_db = energy_db[round(0.1 * RATE_HZ)] - energy_db[round(0.6 * RATE_HZ)]
    assert fall_db == pytest.approx(30, abs=6)  # 60 dB in a second
