"""The speech voice on drawn faces and on spectra of our own: what is read where, what is silent, what is said of it."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from synth import randomness, weights
from synth.dsp.resampling import resample
from synth.errors import Cancelled, MediaError, OptionError
from synth.media import video
from synth.models.speech.lip_words import LipWords, LipWordsConfig
from synth.models.speech.vid2speech import Vid2Speech
from synth.options import Mode, Options
from synth.voices.base import Controls, ignore_progress, never_cancelled
from synth.voices.speech import lip_reading, speaker_reading, spectra
from synth.voices.speech import voice as speech
from tests.support import drawn_faces
from tests.synth.models.speech.test_vid2speech import SMALL

TINY = dataclasses.replace(SMALL, units=0, words=0)
UNIFORMS = functools.partial(randomness.uniforms, 3)


@pytest.fixture
def loud_pack(monkeypatch: pytest.MonkeyPatch) -> speech.VoicePack:
    """An untrained network that takes every face for a loud one, in place of the shipped pack."""
    torch.manual_seed(0)
    network = Vid2Speech(TINY).eval()
    network.fit(torch.randn(50, 80) + 1, torch.randn(50, 321) + 1, torch.zeros(80, 321))
    pack = speech.VoicePack("loud", network, loudness=1.0, contrast=1.0)
    monkeypatch.setattr(speech, "load", lambda _name: pack)
    return pack


def _crops(count: int) -> NDArray[np.uint8]:
    rng = np.random.default_rng(5)
    start = rng.integers(0, 255, (64, 64)).astype(np.float32)
    steps = rng.normal(0, 12, (count, 64, 64)).cumsum(0)
    return np.asarray(np.clip(start + steps, 0, 255), np.uint8)


def _read(network: Vid2Speech, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
    reader = lip_reading.LipReader(network, mirrored=False)
    for crop in crops:
        reader.add(crop)
    return reader.end()


# --- reading ------------------------------------------------------------------------------------------------------


def test_a_short_clip_is_read_in_one_window(loud_pack: speech.VoicePack) -> None:
    crops = _crops(60)
    whole = lip_reading.predict(loud_pack.network, crops, mirrored=False)
    np.testing.assert_allclose(_read(loud_pack.network, crops), whole, atol=1e-5)


@pytest.mark.parametrize("pictures", [99, 100, 101, 149, 150, 151, 233])
def test_every_picture_gets_its_four_spectra(loud_pack: speech.VoicePack, pictures: int) -> None:
    mel = _read(loud_pack.network, _crops(pictures))
    assert mel.shape == (4 * pictures, spectra.BANDS)
    assert np.isfinite(mel).all()


def test_a_long_clip_keeps_few_crops(loud_pack: speech.VoicePack) -> None:
    reader = lip_reading.LipReader(loud_pack.network, mirrored=False)
    most = 0
    for crop in _crops(420):
        reader.add(crop)
        most = max(most, len(reader._crops))
    assert most <= lip_reading.WINDOW + lip_reading.STEP


def test_flow_points_to_where_the_crop_moved() -> None:
    rng = np.random.default_rng(0)
    texture = np.kron(rng.integers(40, 220, (24, 24)), np.ones((4, 4))).astype(np.uint8)
    crops = np.stack([texture[8:72, 12 - 2 * index : 76 - 2 * index] for index in range(3)])
    moved = lip_reading.flow(crops)
    assert moved.shape == (3, 2, 32, 32)
    assert np.all(moved[0] == 0)
    inner = moved[1:, :, 8:24, 8:24]
    assert abs(float(inner[:, 0].mean()) - 2) < 0.5
    assert abs(float(inner[:, 1].mean())) < 0.3


def test_a_mirrored_face_is_read_alike_when_both_are_read(loud_pack: speech.VoicePack) -> None:
    crops = _crops(30)
    both = lip_reading.predict(loud_pack.network, crops, mirrored=True)
    turned = lip_reading.predict(loud_pack.network, np.ascontiguousarray(crops[:, :, ::-1]), mirrored=True)
    # Flow is estimated anew on the mirrored crops, so the two are near each other and not the same.
    alone = lip_reading.predict(loud_pack.network, crops, mirrored=False)
    assert np.abs(both - turned).mean() < 0.5 * np.abs(both - alone).mean()


# --- silence ------------------------------------------------------------------------------------------------------


def test_what_is_far_below_the_voice_is_silence_and_its_edges_are_kept() -> None:
    mel = np.full((300, spectra.BANDS), -4.5, np.float32)
    mel[100:200] = 1.0
    quiet, spoken_s = speech.silenced(mel, loudness=1.0)
    assert abs(spoken_s - 1.0) < 0.1
    assert np.all(quiet[:40] == np.float32(spectra.QUIETEST))
    assert np.all(quiet[260:] == np.float32(spectra.QUIETEST))
    np.testing.assert_array_equal(quiet[95:205], mel[95:205])


def test_a_face_that_says_nothing_is_silent_throughout() -> None:
    mel = np.full((120, spectra.BANDS), -4.0, np.float32)
    quiet, spoken_s = speech.silenced(mel, loudness=1.0)
    assert spoken_s == 0
    assert np.all(quiet == np.float32(spectra.QUIETEST))


def test_long_speech_is_cut_where_it_is_quietest() -> None:
    mel = np.zeros((2500, spectra.BANDS), np.float32)
    mel[795:806] = -5
    mel[1495:1506] = -5
    assert speech.cuts(mel)[:2] == [pytest.approx(800, abs=12), pytest.approx(1500, abs=12)]
    assert speech.cuts(mel[:1000]) == []


def test_the_same_seed_speaks_the_same_and_another_differently(loud_pack: speech.VoicePack) -> None:
    mel = np.random.default_rng(0).normal(0, 1, (150, spectra.BANDS)).astype(np.float32)
    first = speech.speak(loud_pack, mel, UNIFORMS, never_cancelled)
    assert first.shape == (150 * spectra.HOP,)
    np.testing.assert_array_equal(first, speech.speak(loud_pack, mel, UNIFORMS, never_cancelled))
    other = speech.speak(loud_pack, mel, functools.partial(randomness.uniforms, 4), never_cancelled)
    assert np.abs(first - other).max() > 1e-3


def test_pieces_meet_without_a_jump(loud_pack: speech.VoicePack, monkeypatch: pytest.MonkeyPatch) -> None:
    mel = np.full((400, spectra.BANDS), spectra.QUIETEST, np.float32)
    for start in (20, 220):
        mel[start : start + 150] = np.random.default_rng(start).normal(0, 1, (150, spectra.BANDS))
    monkeypatch.setattr(speech, "_PIECE", (150, 250))
    cut = speech.cuts(mel)
    assert len(cut) == 1
    assert 175 <= cut[0] <= 215
    sound = speech.speak(loud_pack, mel, UNIFORMS, never_cancelled)
    assert len(sound) == 400 * spectra.HOP
    around = sound[(cut[0] - 3) * spectra.HOP : (cut[0] + 3) * spectra.HOP]
    assert np.abs(around).max() < 0.01 * np.abs(sound).max()


def test_speaking_can_be_cancelled(loud_pack: speech.VoicePack) -> None:
    with pytest.raises(Cancelled):
        speech.speak(loud_pack, np.zeros((50, spectra.BANDS), np.float32), UNIFORMS, lambda: True)


# --- the voice on pictures ----------------------------------------------------------------------------------------


def _talking(count: int, *, without: range = range(0)) -> Iterator[NDArray[np.uint8]]:
    room = drawn_faces.room()
    for index in range(count):
        gape = 0.5 + 0.5 * np.sin(index)
        yield room if index in without else drawn_faces.draw(room, 180, 150, gape=gape)


def _controls(tmp_path: Path, frames: Iterator[NDArray[np.uint8]], options: Options) -> Controls:
    clip = tmp_path / "clip.mp4"
    video.write_frames(frames, clip, rate_fps=25)
    info = video.probe(clip)
    voice = speech.SpeechVoice()
    width, height = voice.frame_size(info)
    shown = video.read_frames(clip, rate_hz=voice.rate_hz, width=width, height=height)
    return voice.controls(shown, info, options, ignore_progress, never_cancelled)


def test_a_lost_face_is_silent_there_and_the_person_is_told(loud_pack: speech.VoicePack, tmp_path: Path) -> None:
    controls = _controls(tmp_path, _talking(75, without=range(30, 50)), Options(mode=Mode.SPEECH))
    assert controls.track is not None
    assert controls.track.shape == (300, spectra.BANDS)
    assert np.all(controls.track[140:180] == np.float32(spectra.QUIETEST))
    assert controls.track[40:80].max() > 0
    assert any("not seen" in warning and "silence" in warning for warning in controls.warnings)


def test_words_are_told_of_each_run_of_the_face_and_the_sound_stays_the_same(
    loud_pack: speech.VoicePack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = Options(mode=Mode.SPEECH)
    before = _controls(tmp_path, _talking(75, without=range(30, 50)), options)
    assert before.words == ()
    shape = LipWordsConfig(("", "bin"), (), seen=TINY.features + TINY.flow_features, read=2 * TINY.hidden)
    reader = LipWords(shape).eval()
    torch.nn.init.zeros_(reader.to_classes.weight)
    with torch.no_grad():
        reader.to_classes.bias.copy_(torch.tensor([0.0, 9.0]))  # hears its only word always
    named = dataclasses.replace(loud_pack, words=reader)
    monkeypatch.setattr(speech, "load", lambda _name: named)
    controls = _controls(tmp_path, _talking(75, without=range(30, 50)), options)
    assert [word.text for word in controls.words] == ["bin", "bin"]
    assert controls.words[0].start_s == 0
    assert controls.words[0].end_s <= 1.4
    assert controls.words[1].start_s >= 1.8
    assert controls.words[1].end_s == pytest.approx(3.0)
    assert before.track is not None
    assert controls.track is not None
    np.testing.assert_array_equal(controls.track, before.track)
    assert speech.SpeechVoice().render(controls, options, UNIFORMS, never_cancelled).words == controls.words


def test_the_band_above_8_khz_is_filled_and_what_lies_below_stays(loud_pack: speech.VoicePack) -> None:
    mel = np.random.default_rng(0).normal(0, 1, (150, spectra.BANDS)).astype(np.float32)
    rendering = speech.SpeechVoice().render(Controls(1.5, track=mel), Options(), UNIFORMS, never_cancelled)
    assert speech.SpeechVoice.sample_rate_hz == 48_000
    assert rendering.sound.shape == (3 * 150 * spectra.HOP,)
    power = np.square(np.abs(np.fft.rfft(rendering.sound)))
    hz = np.fft.rfftfreq(len(rendering.sound), 1 / 48_000)
    below, above = (power[(hz > low) & (hz < high)].mean() for low, high in ((4000, 7000), (9000, 15_000)))
    assert 1e-4 < above / below < 1
    spoken = speech.speak(loud_pack, mel, UNIFORMS, never_cancelled)
    before = resample(spoken, spectra.RATE_HZ, 48_000)
    changed = np.square(np.abs(np.fft.rfft(rendering.sound - before)))
    assert changed[hz < 7000].mean() < 1e-5 * below


def test_held_frames_are_mixed_from_the_true_ones(loud_pack: speech.VoicePack, monkeypatch: pytest.MonkeyPatch) -> None:
    reading = speaker_reading._Reading(loud_pack.network)
    fed: list[NDArray[np.uint8]] = []
    first, last = np.full((64, 64), 40, np.uint8), np.full((64, 64), 100, np.uint8)
    reading.add(0, first)
    assert reading._reader is not None
    monkeypatch.setattr(reading._reader, "add", fed.append)
    reading.add(1, first, held=True)
    reading.add(2, first, held=True)
    reading.add(3, last)
    assert [int(crop[0, 0]) for crop in fed] == [60, 80, 100]
    reading.add(4, last, held=True)
    reading._let_go(None)
    assert int(fed[-1][0, 0]) == 100


def test_a_clip_without_a_face_is_refused_by_its_frames(loud_pack: speech.VoicePack, tmp_path: Path) -> None:
    with pytest.raises(MediaError, match=r"no face was found in frames 0 to 24 \(0\.0 to 1\.0 s\)"):
        _controls(tmp_path, _talking(25, without=range(25)), Options(mode=Mode.SPEECH))


def test_a_face_that_is_not_there_cannot_be_asked_for(loud_pack: speech.VoicePack, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="this clip has 1"):
        _controls(tmp_path, _talking(25), Options(mode=Mode.SPEECH, face=2))


@pytest.mark.parametrize(
    ("size", "wanted"), [((360, 288), (360, 288)), ((1920, 1080), (640, 360)), ((720, 1280), (270, 480))]
)
def test_frames_keep_their_shape_and_are_never_enlarged(size: tuple[int, int], wanted: tuple[int, int]) -> None:
    info = video.VideoInfo(1.0, 0.0, 25.0, 25, *size, 0, "h264", None, "mp4", False, 1)
    assert speech.SpeechVoice().frame_size(info) == wanted


# --- packs --------------------------------------------------------------------------------------------------------


def test_a_pack_comes_back_as_it_was_stored(loud_pack: speech.VoicePack, tmp_path: Path) -> None:
    tensors, about = speech.pack(loud_pack)
    weights.register(
        "speech-loud", tensors, licence="MIT", kind="voice", summary="A test.", metadata=about, folder=tmp_path
    )
    loaded = weights.load("speech-loud", tmp_path)
    again = speech.unpack("loud", loaded.tensors, loaded.metadata)
    assert (again.loudness, again.contrast) == (1.0, 1.0)
    crops = _crops(20)
    ours, theirs = (lip_reading.predict(one.network, crops, mirrored=False) for one in (loud_pack, again))
    assert np.abs(ours - theirs).max() < 0.02  # half precision


def test_an_unknown_voice_is_refused_with_those_that_are_there() -> None:
    with pytest.raises(OptionError, match="voice is 'nobody'; there are "):
        speech.load("nobody")
