"""How a voice learns its pitch, and the pack that comes out: it says a pitch, and reads the same spectra as before."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from synth.models.speech.lip_pitch import LipPitch, LipPitchConfig
from synth.models.speech.vid2speech import Vid2Speech
from synth.training.speech import data, pitch_reader
from synth.training.speech.data import Example, Talking
from synth.training.speech.pitch_reader import PitchTask, Voiced
from synth.voices.speech import lip_reading, pitch, voice
from tests.synth.training.test_speech import CONFIG, _talking

GRID = LipPitchConfig(read=4, bands=80, width=8, hidden=8)


@pytest.fixture(scope="module")
def talking() -> list[Talking]:
    return [_talking(seed) for seed in range(3)]


@pytest.fixture(scope="module")
def examples(talking: list[Talking]) -> list[Example]:
    return [data.example(one, CONFIG) for one in talking]


@pytest.fixture(scope="module")
def base() -> Vid2Speech:
    torch.manual_seed(0)
    return Vid2Speech(dataclasses.replace(CONFIG, units=0, words=0)).eval()


def test_a_pitch_is_shared_between_its_neighbours_on_the_grid() -> None:
    pitch_hz = np.array([0, 60, 123.4, 400], np.float32)
    shares = pitch_reader.shares_of(pitch_hz, GRID)
    np.testing.assert_allclose(shares.sum(1), 1, atol=1e-5)
    assert shares[0, 0] == 1
    assert (shares[1:] > 0).sum(1).max() <= 2
    np.testing.assert_allclose(2 ** (shares[1:, 1:] @ GRID.grid()), pitch_hz[1:], rtol=1e-3)


def test_the_pitch_of_a_hum_is_known_and_silence_has_none() -> None:
    times_s = np.arange(16_000) / 16_000
    hum = sum(np.cos(2 * np.pi * 140 * k * times_s) / k for k in range(1, 8)) * 0.1 * (times_s < 0.5)
    found = pitch_reader.pitch_of(hum.astype(np.float32), 120, GRID)
    assert found.shape == (120,)
    np.testing.assert_allclose(found[5:45], 140, rtol=0.01)
    assert not found[56:].any()


def test_a_batch_depends_on_its_seed_and_index_and_short_clips_are_held() -> None:
    rng = np.random.default_rng(0)
    short = Voiced(
        rng.normal(size=(20, 4)).astype(np.float16),
        rng.normal(size=(80, 80)).astype(np.float16),
        np.full(80, 120, np.float32),
    )
    task = PitchTask(LipPitch(GRID), [short], 0)
    first, again, second = task.batch(0), task.batch(0), task.batch(1)
    assert torch.equal(first.mel, again.mel)
    pictures = pitch_reader.WINDOW_PICTURES
    assert first.read.shape == second.read.shape == (pitch_reader.BATCH, pictures, 4)
    assert first.shares.shape == (pitch_reader.BATCH, 4 * pictures, GRID.pitches + 1)
    assert torch.equal(first.read[0, 20:], first.read[0, 19:20].expand(pictures - 20, -1))


def test_what_features_say_of_the_pitch_is_learnt_and_reaches_as_far(tmp_path: Path) -> None:
    """Clips whose features tell the pitch: glides about 120 Hz, the second half of each unvoiced."""
    rng = np.random.default_rng(0)
    clips = []
    for _ in range(12):
        octaves = 0.4 * rng.uniform(-1, 1) * np.linspace(-1, 1, 60)
        read = np.stack([octaves, np.arange(60) < 30, octaves**2, np.ones(60)], 1)
        pitch_hz = np.repeat(120 * 2**octaves * (np.arange(60) < 30), 4).astype(np.float32)
        clips.append(Voiced(read.astype(np.float16), np.zeros((240, 80), np.float16), pitch_hz))
    config = dataclasses.replace(GRID, dropout=0.0, hidden=16)
    model, figures = pitch_reader.fit_pitch_reader(clips, config, tmp_path, 150, 0, resume=True)
    assert figures["apart_voicing_error"] < 0.1
    assert figures["apart_pitch_correlation"] > 0.7
    assert model.config.median_hz == pytest.approx(120, rel=0.1)
    assert 1 <= model.config.spread <= 1.6
    track = pitch.track_of(model.config, pitch_reader.answers_of(model, clips[0]))
    assert track.shape == (240, 2)
    assert track[:110, 1].mean() > 0.5 > track[130:, 1].mean()


def test_a_voice_learns_its_pitch_and_reads_as_before(
    talking: list[Talking], examples: list[Example], base: Vid2Speech, tmp_path: Path
) -> None:
    reader, figures = pitch_reader.train_pitch_reader(base, examples, talking, tmp_path, 20, 0, resume=True)
    first = json.loads((tmp_path / "log.jsonl").read_text().splitlines()[0])
    assert figures["pitch_loss"] <= first["pitch_loss"]
    again, _ = pitch_reader.train_pitch_reader(base, examples, talking, tmp_path, 20, 0, resume=True)
    pairs = zip(reader.state_dict().values(), again.state_dict().values(), strict=True)
    assert all(torch.equal(one, other) for one, other in pairs)

    back = voice.unpack("me", *voice.pack(voice.VoicePack("me", base, 1.0, 1.0, pitch=reader)))
    assert back.pitch is not None
    assert back.pitch.config == reader.config
    mels = []
    for head in (None, back.pitch):
        reading = lip_reading.LipReader(back.network, pitch=head)
        for crop in examples[0].crops:
            reading.add(crop)
        mels.append(reading.end())
    answers = reading.pitches()
    assert answers.shape == (4 * len(examples[0].crops), reader.config.pitches + 1)
    np.testing.assert_array_equal(mels[0], mels[1])
