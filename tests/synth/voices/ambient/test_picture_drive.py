"""What the picture does to a sound: knobs stay near their default, events come when things strike, pans follow."""

from __future__ import annotations

import numpy as np
import pytest

from synth.voices.ambient.catalogue.registry import all_sounds
from synth.voices.ambient.optical_flow import MOTION, RATE_HZ, SIDE_PX, Motion
from synth.voices.ambient.picture_drive import EXCURSION, drive_of, first_move_s, onsets_of, turned

STEPS = 160


def motion(**columns: float) -> np.ndarray:
    """Rows of motion, the same all the time."""
    rows = np.zeros((STEPS, len(MOTION)), np.float32)
    for name, value in columns.items():
        rows[:, MOTION.index(name)] = value
    return rows


def strokes(times_s: list[float]) -> np.ndarray:
    """Speed of a hand that swings for a third of a second and stops dead."""
    speed = np.full(STEPS, 0.05, np.float32)
    for time_s in times_s:
        end = round(time_s * RATE_HZ)
        speed[end - 5 : end] = np.linspace(0.2, 2.0, 5)
    return speed


@pytest.mark.parametrize("name", sorted(all_sounds()))
def test_every_driven_knob_stays_in_its_range_and_at_its_default_for_what_is_usual(name: str) -> None:
    sound = all_sounds()[name]
    for knob_name in sound.drives:
        knob = sound.knob(knob_name)
        values = turned(knob, np.linspace(0, 1, 21, dtype=np.float32))
        assert values[10] == pytest.approx(knob.default)
        assert (np.diff(values) >= 0).all()
        assert knob.low <= values[0] <= values[-1] <= knob.high
        if knob.default < knob.high:
            assert values[-1] > knob.default
            assert values[-1] - knob.default <= (EXCURSION + 1e-6) * (knob.high - knob.default)


def test_who_stops_dead_strikes() -> None:
    found, strengths = onsets_of(strokes([2.0, 4.0, 7.0]), np.zeros(STEPS, np.float32))
    np.testing.assert_allclose(found, [2.0, 4.0, 7.0], atol=0.1)
    assert ((strengths >= 0.5) & (strengths <= 1)).all()


def test_steady_motion_and_cuts_strike_nothing() -> None:
    assert not len(onsets_of(np.full(STEPS, 0.5, np.float32), np.zeros(STEPS, np.float32))[0])
    cut = np.zeros(STEPS, np.float32)
    cut[round(4 * RATE_HZ)] = 1
    np.testing.assert_allclose(onsets_of(strokes([2.0, 4.0]), cut)[0], [2.0], atol=0.1)


def test_blows_come_when_the_picture_strikes_and_not_more_often_than_may_be() -> None:
    times = [1.0, 1.5, 2.0, 4.0, 7.0]
    rows = motion()
    rows[:, MOTION.index("speed_p98")] = strokes(times)
    drive = drive_of(rows, np.full(STEPS, 0.4, np.float32), np.full(STEPS, 0.5, np.float32))
    hammer = drive.strikes(all_sounds()["hammer"])
    assert hammer is not None
    np.testing.assert_allclose(hammer[0], times, atol=0.1)
    thunder = drive.strikes(all_sounds()["thunder"])
    assert thunder is not None
    assert (np.diff(thunder[0]) >= 1 / all_sounds()["thunder"].knob("strikes_per_s").high).all()
    assert drive.strikes(all_sounds()["cello"]) is None


@pytest.mark.parametrize(
    "name", ["drum_kit", "bass_drum", "snare_drum", "cymbal", "xylophone", "vibraphone", "gong", "singing_bowl"]
)
def test_an_instrument_that_is_struck_sounds_when_it_is_seen_to_be(name: str) -> None:
    rows = motion()
    rows[:, MOTION.index("speed_p98")] = strokes([2.0, 5.0, 8.0])
    drive = drive_of(rows, np.full(STEPS, 0.35, np.float32), np.full(STEPS, 0.5, np.float32))
    found = drive.strikes(all_sounds()[name])
    assert found is not None
    np.testing.assert_allclose(found[0], [2.0, 5.0, 8.0], atol=0.1)


def test_a_knob_that_is_fixed_is_not_turned() -> None:
    drive = drive_of(motion(), np.linspace(0, 1, STEPS, dtype=np.float32), np.full(STEPS, 0.5, np.float32))
    rain = all_sounds()["rain"]
    assert set(drive.curves(rain, {})) == {"drops_per_s"}
    assert not drive.curves(rain, {"drops_per_s": 500.0})
    values = drive.curves(rain, {})["drops_per_s"].values
    assert values[-1] > 1.5 * values[0]


def test_the_place_follows_what_moves_by_itself() -> None:
    rng = np.random.default_rng(2)
    picture = rng.integers(0, 255, (SIDE_PX, SIDE_PX, 1)).astype(np.uint8).repeat(3, axis=2)
    disc = np.hypot(*(np.mgrid[:24, :24] - 11.5)) < 11
    places = []
    seen = Motion()
    for step in range(12):
        frame = picture.copy()
        at = 80 + step % 2 * 3
        patch = frame[40:64, at : at + 24]
        patch[disc] = rng.integers(0, 255, (disc.sum(), 1)).astype(np.uint8)
        seen.step(frame)
        if seen.position is not None:
            places.append(seen.position)
    assert places
    assert 0.65 < np.median(places) < 0.95


def test_a_still_picture_says_nothing() -> None:
    nothing = np.zeros(0, np.float32)
    drive = drive_of(np.zeros((0, len(MOTION)), np.float32), nothing, nothing)
    assert drive.pan.value(1.0) == pytest.approx(0)
    assert drive.strikes(all_sounds()["hammer"]) is None
    assert float(drive.curves(all_sounds()["rain"], {})["drops_per_s"].values[0]) == pytest.approx(
        all_sounds()["rain"].knob("drops_per_s").default
    )


def test_when_something_begins_to_move() -> None:
    activity = np.zeros(STEPS, np.float32)
    assert first_move_s(activity) is None  # a picture that stays as it is says nothing of when
    activity[50:] = 0.4
    activity[48:50] = 0.05
    begins_s = first_move_s(activity)
    assert begins_s == pytest.approx(48 / RATE_HZ)
    activity[10] = 0.05  # something moves a little, and rests
    assert first_move_s(activity) is None
    activity[:] = 0.4
    assert first_move_s(activity) is None
    activity[:2] = 0.0
    assert first_move_s(activity) is None  # as good as from the beginning
    assert first_move_s(np.zeros(0, np.float32)) is None
