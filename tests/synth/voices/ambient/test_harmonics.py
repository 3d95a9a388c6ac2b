"""Harmonics beside a decoder: where, at which pitch and level they sound, and that bank and voice hand them on."""

from __future__ import annotations

import dataclasses
import functools

import numpy as np
import torch
from numpy.typing import NDArray

from synth import weights
from synth.ambient_classes import AMBIENT_CLASSES
from synth.dsp.pitch import pitch_track
from synth.models.samplernn import SampleRNNConfig
from synth.models.visual_to_sound import SMALL, VisualToSound
from synth.randomness import uniforms
from synth.voices.ambient import band_envelopes, voice
from synth.voices.ambient.band_envelopes import BANDS, HOP, RATE_HZ
from synth.voices.ambient.envelope_bank import EnvelopeBank, Guide
from synth.voices.ambient.fine_structure import GROUPS, FineStructure, modulated
from synth.voices.ambient.harmonics import with_harmonics
from synth.voices.ambient.sounding import Decoder

SAMPLES = 32_000
STEPS = SAMPLES // HOP + 1
NOISE = (0.1 * np.random.default_rng(0).standard_normal(SAMPLES)).astype(np.float32)


def _fine(pitch_hz: float, periodicity: NDArray[np.float32] | float, steps: int = STEPS) -> FineStructure:
    fine = FineStructure.unknown(steps)
    fine.pitch_hz[:] = pitch_hz
    fine.periodicity[:] = np.broadcast_to(periodicity, steps)[:, None]
    return fine


def _guide(pitch_hz: float, periodicity: NDArray[np.float32] | float) -> Guide:
    return Guide(np.full((STEPS, BANDS), 0.6, np.float32), _fine(pitch_hz, periodicity))


def _bank(pitch_hz: float, periodicity: float = 1.0) -> EnvelopeBank:
    levels = [np.full((300, BANDS), 0.6, np.float32) for _ in AMBIENT_CLASSES]
    fine = [_fine(pitch_hz, periodicity, 300)] * len(AMBIENT_CLASSES)
    return EnvelopeBank.of(AMBIENT_CLASSES, levels, fine)


def _decoder(bank: EnvelopeBank) -> Decoder:
    torch.manual_seed(0)
    decoder = SampleRNNConfig((64, 16), 16, embedding=8)
    network = VisualToSound(dataclasses.replace(SMALL, decoder=decoder, classes=AMBIENT_CLASSES))
    return voice.unpack(*voice.pack(network, bank, "int8"))


def test_the_pitch_that_was_told_is_heard_where_it_was_told() -> None:
    half = np.repeat([1.0, 0.0], [STEPS // 2, STEPS - STEPS // 2]).astype(np.float32)
    heard = pitch_track(with_harmonics(NOISE, _guide(330.0, half)), RATE_HZ, HOP)
    sung, left = slice(5, STEPS // 2 - 5), slice(STEPS // 2 + 5, -5)
    assert np.abs(heard.pitch_hz[sung] / 330 - 1).max() < 0.02
    assert heard.periodicity[sung].min() > 0.8
    assert np.median(heard.periodicity[left]) < 0.4


def test_levels_are_those_that_were_told_with_and_without_a_pitch() -> None:
    for periodicity in (0.0, 0.6, 1.0):
        got = band_envelopes.band_levels(with_harmonics(NOISE, _guide(100.0, periodicity)))
        apart_db = (got[8:-8, 2:].mean(0) - 0.6) * band_envelopes.RANGE_DB
        assert np.abs(apart_db).max() < 4


def test_without_a_pitch_only_the_levels_are_imposed() -> None:
    guide = _guide(330.0, 0.2)
    assert np.array_equal(with_harmonics(NOISE, guide), band_envelopes.impose(NOISE, guide.levels))
    assert np.array_equal(with_harmonics(NOISE, guide._replace(fine=None)), with_harmonics(NOISE, guide))


def test_the_beginning_does_not_depend_on_how_long_the_sound_is() -> None:
    short = with_harmonics(NOISE[:16_000], _guide(200.0, 1.0))
    assert np.allclose(short[:14_000], with_harmonics(NOISE, _guide(200.0, 1.0))[:14_000], atol=1e-6)


def test_a_bank_with_pitches_chooses_those_of_the_levels() -> None:
    levels = [np.full((300, BANDS), 0.3 + 0.1 * k, np.float32) for k in range(4)]
    tracks = [_fine(100.0 * (k + 1), 1.0, 300) for k in range(4)]
    bank = EnvelopeBank.of(["dog"] * 4, levels, tracks)
    guide = bank.choose("dog", np.full(900, 0.5, np.float32), 900, functools.partial(uniforms, 1))
    assert guide.fine is not None
    assert guide.fine.periodicity.shape == (900, len(GROUPS))
    whole = [k for k in range(900) if np.abs(guide.levels[k, 0] * 10 % 1 - 0.5) > 0.48]  # not between two pieces
    told = np.round((guide.levels[whole, 0] - 0.3) * 10) * 100 + 100
    assert len(whole) > 500
    assert np.array_equal(told, guide.fine.pitch_hz[whole])


def test_what_is_stored_sings_as_before_and_alone_as_beside_others() -> None:
    decoder = _decoder(_bank(300.0))
    assert decoder.bank is not None
    assert decoder.bank.fine is not None
    assert decoder.bank.fine.pitch_hz.dtype == np.float16
    made = voice.generate("dog", 1.0, [3, 4], decoder=decoder)
    assert np.array_equal(made[1], voice.generate("dog", 1.0, [4], decoder=decoder)[0])
    assert np.abs(pitch_track(made[0], RATE_HZ, HOP).pitch_hz[5:-5] / 300 - 1).max() < 0.02


def test_a_decoder_without_pitches_sounds_as_it_did() -> None:
    silent = _decoder(_bank(300.0, 0.0))
    assert silent.bank is not None
    plain = dataclasses.replace(silent, bank=dataclasses.replace(silent.bank, fine=None))
    made, as_before = (voice.generate("rain", 0.5, [1], decoder=one)[0] for one in (silent, plain))
    assert np.array_equal(made, as_before)


def test_harmonics_are_where_the_recording_had_them_and_noise_is_where_it_had_noise() -> None:
    guide = _guide(150.0, 0.0)
    assert guide.fine is not None
    guide.fine.periodicity[:, :2] = 0.9  # below 1.1 kHz, as of an engine
    heard = FineStructure.of(with_harmonics(NOISE, guide)).periodicity[8:-8].mean(0)
    assert heard[0] > 0.75
    assert heard[3:].max() < 0.4


def test_the_flutter_that_was_told_is_heard() -> None:
    blades = 1 + 0.9 * np.sin(2 * np.pi * 18 * np.arange(SAMPLES) / RATE_HZ).astype(np.float32)
    other = (0.1 * np.random.default_rng(1).standard_normal(SAMPLES)).astype(np.float32)
    struck = FineStructure.of(other * blades)
    levels = np.full((STEPS, BANDS), 0.6, np.float32)
    told, steady = (Guide(levels, one) for one in (struck, FineStructure.unknown(STEPS)))
    flutter = [FineStructure.of(with_harmonics(NOISE, guide)).modulation[8:-8].ravel() for guide in (told, steady)]
    wanted = struck.modulation[8:-8].ravel()
    alike = [np.corrcoef(one, wanted)[0, 1] for one in flutter]
    assert alike[0] > 0.65
    assert alike[1] < 0.2
    assert flutter[0].std() > 1.5 * flutter[1].std()


def test_modulation_does_not_depend_on_where_a_sound_is_cut() -> None:
    track = np.random.default_rng(4).uniform(0.2, 2, (STEPS, 8)).astype(np.float32)
    whole = modulated(NOISE, track)
    pieces = [modulated(NOISE[first : first + 5000], track, first) for first in range(0, SAMPLES, 5000)]
    assert np.array_equal(np.concatenate(pieces), whole)


def test_the_decoder_that_ships_knows_the_pitches_of_calls() -> None:
    loaded = weights.load(voice.NETWORK)
    assert len(loaded.tensors["bank.periodicity"]) == len(loaded.tensors["bank.levels"])
    bank = voice.load().bank
    assert bank is not None
    assert bank.fine is not None
    crying = [k for k, label in enumerate(bank.labels) if label == "crying_baby"]
    fine = bank.fine.at(np.concatenate([np.arange(*bank.starts[k : k + 2]) for k in crying]))
    sung = fine.pitch_hz[fine.periodicity.max(1) > 0.8]
    assert len(sung) > 0.3 * len(fine.pitch_hz)
    assert 300 < np.median(sung) < 600  # a baby cries at 350 to 550 Hz
