"""Band levels, and choosing them from a bank for a picture."""

from __future__ import annotations

import functools

import numpy as np
import pytest
from numpy.typing import NDArray

from synth.randomness import uniforms
from synth.voices.ambient import band_envelopes
from synth.voices.ambient.band_envelopes import BANDS, HOP, RATE_HZ
from synth.voices.ambient.envelope_bank import EnvelopeBank, lift

DRAW = functools.partial(uniforms, 3)


def _tone(hz: float, seconds: float = 1.0, amplitude: float = 1.0) -> NDArray[np.float32]:
    return (amplitude * np.sin(2 * np.pi * hz * np.arange(round(seconds * RATE_HZ)) / RATE_HZ)).astype(np.float32)


def test_a_tone_lies_in_its_band_and_a_tenth_of_it_20_db_lower() -> None:
    low, high = band_envelopes.band_levels(_tone(200)), band_envelopes.band_levels(_tone(5000))
    assert low.shape == (RATE_HZ // HOP + 1, BANDS)
    assert low[30].argmax() < 4 < 11 < high[30].argmax()
    quiet = band_envelopes.band_levels(_tone(200, amplitude=0.1))
    assert low[30].max() - quiet[30].max() == pytest.approx(20 / band_envelopes.RANGE_DB, abs=0.003)
    assert band_envelopes.loudness(low)[30] == pytest.approx(1.0, abs=0.05)
    assert not band_envelopes.band_levels(np.zeros(4000, np.float32)).any()


def test_reading_at_frames_is_linear_and_does_not_depend_on_pieces() -> None:
    track = np.random.default_rng(0).random((50, BANDS)).astype(np.float32)
    whole = band_envelopes.at_frames(track, 0, 180, 64)
    pieces = [band_envelopes.at_frames(track, first, 60, 64) for first in (0, 60, 120)]
    assert np.array_equal(whole, np.concatenate(pieces))
    assert whole[0] == pytest.approx(track[0] * 0.875 + track[1] * 0.125)
    assert np.array_equal(band_envelopes.at_frames(track[:1], 0, 4, 64), np.repeat(track[:1], 4, 0))
    assert np.array_equal(band_envelopes.at_frames(track, 10_000, 1, 64)[0], track[-1])


def _bank(tracks: list[NDArray[np.float32]], label: str = "dog") -> EnvelopeBank:
    return EnvelopeBank.of([label] * len(tracks), tracks)


def _with_peaks(at: tuple[int, ...], steps: int = 188) -> NDArray[np.float32]:
    track = np.full((steps, BANDS), 0.2, np.float32)
    for place in at:
        track[place : place + 12] = 0.7
    return track


def test_a_bank_gives_its_tracks_back() -> None:
    tracks = [np.random.default_rng(i).random((40 + i, BANDS)).astype(np.float32) for i in range(3)]
    bank = _bank(tracks)
    for index, track in enumerate(tracks):
        assert np.abs(bank.track(index) - track).max() <= 0.5 / 255 + 1e-6


def test_the_piece_that_moves_like_the_picture_is_taken() -> None:
    bank = _bank([_with_peaks((20,)), _with_peaks((90,)), _with_peaks((150,))])
    for place in (20, 90, 150):
        activity = np.full(188, 0.1, np.float32)
        activity[place : place + 12] = 0.9
        chosen = band_envelopes.loudness(bank.choose("dog", activity, 188, DRAW).levels)
        assert abs(int(chosen.argmax()) - place) < 12


def test_still_pictures_leave_levels_as_they_were_recorded() -> None:
    bank = _bank([_with_peaks((20, 120))])
    chosen = bank.choose("dog", np.full(188, 0.3, np.float32), 188, DRAW).levels
    assert np.array_equal(chosen[:156], bank.track(0)[:156])  # then the next piece fades in


def test_long_pictures_are_covered_without_gaps_and_seeds_differ() -> None:
    rng = np.random.default_rng(0)
    bank = _bank([(0.3 + 0.2 * rng.random((300, BANDS))).astype(np.float32) for _ in range(8)])
    activity = np.full(2000, 0.5, np.float32)
    one = bank.choose("dog", activity, 2000, DRAW).levels
    assert one.shape == (2000, BANDS)
    assert one.min() > 0.25
    assert np.array_equal(one, bank.choose("dog", activity, 2000, DRAW).levels)
    other = bank.choose("dog", activity, 2000, functools.partial(uniforms, 4)).levels
    assert not np.array_equal(one, other)


def test_recordings_shorter_than_a_piece_are_repeated() -> None:
    bank = _bank([_with_peaks((5,), 30)])
    chosen = bank.choose("dog", np.full(100, 0.5, np.float32), 100, DRAW).levels
    assert (band_envelopes.loudness(chosen) > 0.6).sum() > 20


def test_loudness_follows_activity_within_bounds_and_silence_stays() -> None:
    activity = np.concatenate([np.zeros(100), np.ones(100)]).astype(np.float32)
    moved = lift(activity)
    assert moved[150] > moved[50]
    assert moved.min() >= -0.12
    assert moved.max() <= 0.06
    assert not lift(np.full(50, 0.7, np.float32)).any()
    silent = _bank([np.zeros((188, BANDS), np.float32)])
    assert not silent.choose("dog", activity[:188], 188, DRAW).levels.any()


def test_imposed_levels_are_heard() -> None:
    rng = np.random.default_rng(0)
    noise = (0.1 * rng.standard_normal(RATE_HZ)).astype(np.float32)
    wanted = band_envelopes.band_levels(noise).copy()
    wanted[:, :8] -= 0.2
    wanted[30:, 12:] += 0.1
    got = band_envelopes.band_levels(band_envelopes.impose(noise, wanted))
    assert np.abs(got[4:-4] - wanted[4:-4])[:, [*range(7), *range(13, 16)]].mean() < 0.03
    assert band_envelopes.impose(noise, wanted).shape == noise.shape


def test_imposing_a_sounds_own_levels_changes_nothing() -> None:
    noise = (0.1 * np.random.default_rng(1).standard_normal(9999)).astype(np.float32)
    assert np.abs(band_envelopes.impose(noise, band_envelopes.band_levels(noise)) - noise).max() < 1e-4
    assert not band_envelopes.impose(np.zeros(5000, np.float32), np.full((5, BANDS), 0.5, np.float32)).any()


def test_blocks_of_a_long_sound_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    noise = (0.1 * np.random.default_rng(2).standard_normal(40_000)).astype(np.float32)
    track = np.random.default_rng(3).random((157, BANDS)).astype(np.float32)
    whole = band_envelopes.impose(noise, track)
    monkeypatch.setattr(band_envelopes, "_BLOCK", 13)
    assert np.array_equal(band_envelopes.impose(noise, track), whole)
