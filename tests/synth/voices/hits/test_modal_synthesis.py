"""Computed hits and scratches: what must hold of every material, and the order that physics asks for."""

from __future__ import annotations

import functools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from synth.errors import OptionError
from synth.materials import MATERIALS
from synth.randomness import uniforms
from synth.voices.hits import modal_synthesis
from synth.voices.hits.material_acoustics import RECIPES

Floats = NDArray[np.float32]
RATE_HZ = 22_050

RINGING = ("ceramic", "glass", "metal")
KNOCKING = ("drywall", "plastic", "rock", "tile", "wood")
DULL = ("carpet", "cloth", "dirt")


@functools.cache
def _hits(material: str, strength: float = 0.8, size: float = 0.5) -> tuple[Floats, ...]:
    """Five bodies of one material."""
    return tuple(
        modal_synthesis.strike(
            material, strength=strength, size=size, rate_hz=RATE_HZ, uniforms=uniforms(seed, f"test/{material}", 0, 8)
        )
        for seed in range(5)
    )


def _fall_s(sound: Floats, db: float = 30.0) -> float:
    """How long the sound takes from its loudest 5 ms to ``db`` below, for good."""
    steps = sound[: sound.size // 110 * 110].reshape(-1, 110)
    level = 10 * np.log10(np.mean(steps.astype(float) ** 2, axis=1) + 1e-12)
    above = np.flatnonzero(level > level.max() - db)
    return float(above[-1] - level.argmax()) * 110 / RATE_HZ


def _centroid_hz(sound: Floats) -> float:
    power = np.abs(np.fft.rfft(sound[: RATE_HZ // 16].astype(float), 4096)) ** 2
    return float(power @ np.fft.rfftfreq(4096, 1 / RATE_HZ) / power.sum())


def _median(measure: object, material: str, **how: float) -> float:
    return float(np.median([measure(sound) for sound in _hits(material, **how)]))  # type: ignore[operator]


def test_the_table_has_every_material_and_levels_below_full_scale() -> None:
    assert tuple(sorted(RECIPES)) == MATERIALS
    assert all(0 < recipe.level < 1 and 0 < recipe.scratch_level < 1 for recipe in RECIPES.values())


@pytest.mark.parametrize("material", MATERIALS)
@pytest.mark.parametrize("rate_hz", [16_000, 44_100])
def test_a_hit_is_sound(material: str, rate_hz: int) -> None:
    for size in (0.0, 1.0):
        sound = modal_synthesis.strike(
            material, strength=1.0, size=size, rate_hz=rate_hz, uniforms=np.array([0.3, 0.7])
        )
        assert sound.dtype == np.float32
        assert np.isfinite(sound).all()
        assert np.abs(sound).max() == pytest.approx(RECIPES[material].level, rel=1e-3)
        assert 0.02 < sound.size / rate_hz <= modal_synthesis.LONGEST_STRIKE_S + 0.01
        assert abs(float(sound[-1])) < 1e-4
        assert np.abs(sound).argmax() < 0.1 * rate_hz


@pytest.mark.parametrize("material", MATERIALS)
def test_a_scratch_lasts_as_long_as_asked(material: str) -> None:
    sound = modal_synthesis.scratch(
        material, duration_s=0.7, strength=0.9, size=0.4, rate_hz=RATE_HZ, uniforms=uniforms(1, material, 0, 8)
    )
    assert sound.size == round(0.7 * RATE_HZ)
    assert np.isfinite(sound).all()
    assert np.abs(sound).max() == pytest.approx(0.9 * RECIPES[material].scratch_level, rel=1e-3)
    # It is heard all along, not as one hit and its tail.
    parts = np.sqrt(np.mean(sound[: sound.size // 7 * 7].reshape(7, -1) ** 2, axis=1))
    assert parts[1:6].min() > 0.1 * parts.max()


def test_equal_numbers_give_equal_bytes_and_others_another_sound() -> None:
    def hit(numbers: NDArray[np.float32]) -> bytes:
        return modal_synthesis.strike("wood", strength=0.7, size=0.3, rate_hz=RATE_HZ, uniforms=numbers).tobytes()

    def rub(numbers: NDArray[np.float32]) -> bytes:
        return modal_synthesis.scratch(
            "leaf", duration_s=0.2, strength=0.7, size=0.3, rate_hz=RATE_HZ, uniforms=numbers
        ).tobytes()

    numbers, others = uniforms(0, "a", 0, 4), uniforms(0, "b", 0, 4)
    assert hit(numbers) == hit(numbers.copy())
    assert hit(numbers) == hit(numbers.astype(np.float64))
    assert hit(numbers) != hit(others)
    assert rub(numbers) == rub(numbers.copy())
    assert rub(numbers) != rub(others)


def test_what_rings_rings_longer_than_what_knocks_and_what_knocks_longer_than_a_thump_at_least_on_average() -> None:
    falls = {material: _median(_fall_s, material) for material in MATERIALS}
    ringing, knocking, dull = ([falls[name] for name in group] for group in (RINGING, KNOCKING, DULL))
    assert min(ringing) > 1.4 * max(*knocking, *dull)
    assert np.mean(knocking) > 1.1 * np.mean(dull)


def test_soft_bodies_sound_low_and_hard_ones_high() -> None:
    centroids = {material: _median(_centroid_hz, material) for material in MATERIALS}
    assert max(centroids[name] for name in ("carpet", "cloth")) < 400
    assert centroids["cloth"] < centroids["wood"] < centroids["rock"]
    assert centroids["drywall"] < centroids["wood"] < centroids["tile"]
    assert min(centroids[name] for name in ("ceramic", "glass", "rock", "tile")) > 2000


@pytest.mark.parametrize("material", ["cloth", "wood", "metal", "glass", "leaf"])
def test_a_hard_hit_is_brighter_and_louder(material: str) -> None:
    soft, hard = _hits(material, strength=0.2), _hits(material, strength=1.0)
    assert np.median([_centroid_hz(s) for s in soft]) < np.median([_centroid_hz(s) for s in hard])
    assert np.abs(soft[0]).max() < np.abs(hard[0]).max()


@pytest.mark.parametrize("material", ["drywall", "wood", "metal", "glass"])
def test_a_big_body_sounds_deeper_and_longer(material: str) -> None:
    assert _median(_centroid_hz, material, size=1.0) < _median(_centroid_hz, material, size=0.0)
    assert _median(_fall_s, material, size=1.0) > _median(_fall_s, material, size=0.0)


def test_strength_zero_is_silence() -> None:
    numbers = np.array([0.5])
    assert not modal_synthesis.strike("glass", strength=0, size=0.5, rate_hz=RATE_HZ, uniforms=numbers).any()
    assert not modal_synthesis.scratch(
        "glass", duration_s=0.1, strength=0, size=0.5, rate_hz=RATE_HZ, uniforms=numbers
    ).any()


@settings(deadline=None, max_examples=40)
@given(
    st.sampled_from(MATERIALS),
    st.floats(0, 1),
    st.floats(0, 1),
    st.sampled_from([8000, 11_025, 48_000]),
    st.lists(st.floats(0, 1, exclude_max=True, width=32), min_size=1, max_size=5),
    st.floats(0.001, 0.3),
)
def test_nothing_clips_or_breaks(
    material: str, strength: float, size: float, rate_hz: int, numbers: list[float], duration_s: float
) -> None:
    drawn = np.array(numbers, np.float32)
    hit = modal_synthesis.strike(material, strength=strength, size=size, rate_hz=rate_hz, uniforms=drawn)
    rub = modal_synthesis.scratch(
        material, duration_s=duration_s, strength=strength, size=size, rate_hz=rate_hz, uniforms=drawn
    )
    for sound in (hit, rub):
        assert np.isfinite(sound).all()
        assert np.abs(sound).max() <= 1


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"material": "jelly"}, "material is 'jelly'"),
        ({"strength": 1.5}, "strength is 1.5"),
        ({"size": float("nan")}, "size is nan"),
        ({"rate_hz": 100}, "rate_hz is 100"),
        ({"uniforms": np.zeros(0)}, "uniforms is empty"),
        ({"duration_s": 0.0}, "duration_s is 0.0"),
        ({"duration_s": float("inf")}, "duration_s is inf"),
    ],
)
def test_what_is_not_allowed_is_refused_with_a_sentence(change: dict[str, object], complaint: str) -> None:
    asked: dict[str, object] = {
        "material": "wood",
        "duration_s": 0.1,
        "strength": 0.5,
        "size": 0.5,
        "rate_hz": RATE_HZ,
        "uniforms": np.array([0.5]),
        **change,
    }
    material = asked.pop("material")
    with pytest.raises(OptionError) as refusal:
        modal_synthesis.scratch(material, **asked)  # type: ignore[arg-type]
    assert complaint in str(refusal.value)
