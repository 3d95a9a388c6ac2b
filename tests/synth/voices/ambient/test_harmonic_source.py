"""What a decoder that can sing is told, and that the bank and the voice hand it on."""

from __future__ import annotations

import dataclasses
import functools

import numpy as np
import torch

from synth.ambient_classes import AMBIENT_CLASSES
from synth.dsp.pitch import PitchTrack
from synth.models.samplernn import SampleRNNConfig
from synth.models.visual_to_sound import SMALL, SOURCE_TOLD, VisualToSound
from synth.randomness import uniforms
from synth.voices.ambient import band_envelopes, voice
from synth.voices.ambient.harmonic_source import HarmonicSource

TINY = SampleRNNConfig((64, 16), 16, embedding=8)
STEPS = 300


def _bank(pitch_hz: float) -> band_envelopes.EnvelopeBank:
    levels = [np.full((STEPS, band_envelopes.BANDS), 0.6, np.float32) for _ in AMBIENT_CLASSES]
    track = PitchTrack(np.full(STEPS, pitch_hz, np.float32), np.ones(STEPS, np.float32), np.zeros(STEPS, np.float32))
    return band_envelopes.EnvelopeBank.of(AMBIENT_CLASSES, levels, [track] * len(AMBIENT_CLASSES))


def _network() -> VisualToSound:
    torch.manual_seed(0)
    config = dataclasses.replace(
        SMALL, decoder=TINY, variant="guided", classes=AMBIENT_CLASSES, harmonic_source=True
    )
    return VisualToSound(config).eval()


def test_a_top_frame_is_told_pitch_periodicity_and_its_own_pulses() -> None:
    tone = np.cos(2 * np.pi * 240 * np.arange(16_000) / 16_000).astype(np.float32)
    source = HarmonicSource.measured(tone)
    told = source.frames(10, 5, 64)
    assert told.shape == (5, SOURCE_TOLD + 64)
    assert np.allclose(told[:, 0], (np.log2(240 / 60) + 1) / 4, atol=0.01)
    assert (told[:, 1] > 0.97).all()
    assert np.array_equal(told[:, 2:].ravel(), source.excitation(640, 320))


def test_a_bank_with_pitches_chooses_them_with_the_levels() -> None:
    bank = _bank(300.0)
    guide = bank.choose("dog", np.full(400, 0.5, np.float32), 400, functools.partial(uniforms, 1))
    assert guide.voicing is not None
    assert np.allclose(guide.voicing, [300.0, 1.0])
    assert len(guide.voicing) == len(guide.levels) == 400


def test_what_is_stored_sounds_as_before_and_pitch_is_heard_by_the_decoder() -> None:
    network = _network()
    decoder, other = (voice.unpack(*voice.pack(network, _bank(hz), "fp32")) for hz in (300.0, 600.0))
    assert decoder.bank is not None
    assert decoder.bank.voicing is not None
    assert decoder.bank.voicing.dtype == np.float16
    made = voice.generate("dog", 0.5, [3, 4], decoder=decoder)
    again = voice.generate("dog", 0.5, [3], decoder=decoder)
    assert np.array_equal(made[0], again[0])  # whatever else is made beside it
    assert not np.array_equal(made[0], voice.generate("dog", 0.5, [3], decoder=other)[0])


def test_a_network_that_is_told_more_begins_as_the_one_that_it_is_taught_from() -> None:
    torch.manual_seed(1)
    known = VisualToSound(dataclasses.replace(SMALL, decoder=TINY, classes=AMBIENT_CLASSES)).without_weight_norm()
    taught = _network()
    taught.begin_from(known)
    levels = torch.randint(0, 256, (2, 128))
    told = torch.randn(2, 2, known.config.decoder.conditioning)
    more = torch.cat((told, torch.randn(2, 2, SOURCE_TOLD + 64)), 2)
    before = known.decoder.silence(2)
    with torch.inference_mode():
        expected, _ = known.decoder(before, levels, told, known.decoder.start(2))
        got, _ = taught.decoder(before, levels, more, taught.decoder.start(2))
    assert torch.allclose(expected, got, atol=1e-4)
