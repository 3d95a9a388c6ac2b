"""Recordings as people have them: every kind comes out at its length, with its tone, whoever wrote it."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile

from synth.cli import app as cli
from synth.errors import MediaError
from synth.media import audio, ffmpeg, guard
from synth.media.sound.recordings import SUFFIXES, find_recordings
from synth.media.sound.sound_headers import libsndfile_reads_all
from synth.music.index import MusicIndex
from synth.voices.hits import bank_building
from synth.voices.library import index_file, indexing

RATE_HZ = 44_100
DURATION_S = 6.0
TONE_HZ = 440.0

# suffix -> how it is coded, how far from the tone's own length it may end (lossy coders fill their last frame)
KINDS: dict[str, tuple[tuple[str, ...], float]] = {
    ".wav": ((), 0.0),
    ".adpcm_ms.wav": (("-c:a", "adpcm_ms"), 0.1),
    ".adpcm_ima.wav": (("-c:a", "adpcm_ima_wav"), 0.1),
    ".mulaw.wav": (("-c:a", "pcm_mulaw"), 0.0),
    ".mp3.wav": (("-c:a", "libmp3lame", "-q:a", "6"), 0.1),
    ".rf64": (("-rf64", "always", "-f", "wav"), 0.0),
    ".w64": ((), 0.0),
    ".aiff": ((), 0.0),
    ".aifc": (("-c:a", "pcm_s16le", "-f", "aiff"), 0.0),
    ".ima.aifc": (("-c:a", "adpcm_ima_qt", "-f", "aiff"), 0.1),
    ".double.aifc": (("-c:a", "pcm_f64be", "-f", "aiff"), 0.0),
    ".caf": ((), 0.0),
    ".alac.caf": (("-c:a", "alac"), 0.1),  # ffmpeg leaves its last packet out
    ".au": ((), 0.0),
    ".s8.au": (("-c:a", "pcm_s8"), 0.0),
    ".flac": ((), 0.0),
    ".wv": ((), 0.0),
    ".mp3": ((), 0.1),
    ".ogg": (("-c:a", "libvorbis"), 0.1),
    ".opus": ((), 0.1),
    ".m4a": ((), 0.1),
    ".alac.m4a": (("-c:a", "alac"), 0.0),
    ".aac": ((), 0.1),
    ".v1.wma": (("-c:a", "wmav1"), 0.2),
    ".wma": ((), 0.2),
    ".mka": ((), 0.1),
}


@pytest.fixture(scope="module")
def tone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six seconds that begin at full strength and get quieter: what bit rates mean is not the same throughout."""
    times_s = np.arange(round(DURATION_S * RATE_HZ)) / RATE_HZ
    sound = 0.5 * np.exp(-times_s / 2) * np.sin(2 * np.pi * TONE_HZ * times_s)
    folder = tmp_path_factory.mktemp("tone")
    soundfile.write(folder / "tone.wav", sound, RATE_HZ, subtype="PCM_16")
    return folder / "tone.wav"


def coded(tone: Path, target: Path, *coding: str) -> Path:
    fence = ffmpeg.Fence(file_bytes=10**8)
    ffmpeg.run(["-v", "error", "-i", f"file:{tone}", *coding, "-y", f"file:{target}"], fence=fence)
    return target


def check(path: Path, slack_s: float) -> None:
    """Its length, and that the tone is in it from the beginning to the end."""
    sound, rate_hz = audio.read(path)
    assert len(sound) / rate_hz == pytest.approx(DURATION_S, abs=max(slack_s, 1e-9))
    for first_s in (0.5, DURATION_S - 1.0):
        piece = sound[round(first_s * rate_hz) : round((first_s + 0.5) * rate_hz)]
        strongest = np.argmax(np.abs(np.fft.rfft(piece * np.hanning(len(piece))))) * rate_hz / len(piece)
        assert strongest == pytest.approx(TONE_HZ * rate_hz / rate_hz, abs=4)
        wanted = 0.5 * np.exp(-first_s / 2)
        assert np.abs(piece).max() == pytest.approx(wanted, rel=0.3)


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_read_whole(tone: Path, tmp_path: Path, kind: str) -> None:
    coding, slack_s = KINDS[kind]
    check(coded(tone, tmp_path / f"tone{kind}", *coding), slack_s)


def test_each_kind_that_is_looked_for_is_tested() -> None:
    tested = {os.path.splitext(kind)[1] or kind for kind in KINDS}
    alike = {".wave": ".wav", ".bwf": ".wav", ".aif": ".aiff", ".snd": ".au", ".oga": ".ogg", ".m4b": ".m4a"}
    assert {alike.get(suffix, suffix) for suffix in SUFFIXES} == tested


@pytest.mark.parametrize("coding", [(), ("-c:a", "flac", "-f", "flac"), ("-c:a", "pcm_s24le", "-f", "wav")])
def test_what_was_written_to_a_pipe(tone: Path, tmp_path: Path, coding: tuple[str, ...]) -> None:
    """Nobody went back to write the length into the header."""
    arguments = [*(coding or ("-f", "wav")), "pipe:1"]
    made = ffmpeg.run(["-v", "error", "-i", f"file:{tone}", *arguments]).stdout
    path = tmp_path / ("piped.flac" if "flac" in coding else "piped.wav")
    path.write_bytes(made)
    check(path, 0.0)


def test_a_wav_file_of_size_nought(tone: Path, tmp_path: Path) -> None:
    """A recorder that lost its power."""
    data = bytearray(tone.read_bytes())
    at = data.index(b"data") + 4
    data[4:8] = data[at : at + 4] = bytes(4)
    (tmp_path / "cut.wav").write_bytes(data)
    check(tmp_path / "cut.wav", 0.0)


@pytest.mark.parametrize("name", ["song.wav", "song.flac", "song.aiff"])
def test_the_name_of_a_file_is_not_believed(tone: Path, tmp_path: Path, name: str) -> None:
    coded(tone, tmp_path / "song.mp3").rename(tmp_path / name)
    check(tmp_path / name, 0.1)


def test_only_plain_files_with_their_length_are_libsndfiles(tone: Path, tmp_path: Path) -> None:
    assert libsndfile_reads_all(tone)
    wide = np.zeros((100, 4), np.float32)
    soundfile.write(tmp_path / "wide.wav", wide, RATE_HZ, format="WAVEX", subtype="FLOAT")
    assert libsndfile_reads_all(tmp_path / "wide.wav")
    assert libsndfile_reads_all(coded(tone, tmp_path / "a.flac"))
    assert not libsndfile_reads_all(coded(tone, tmp_path / "b.wav", "-c:a", "libmp3lame"))
    (tmp_path / "cut.wav").write_bytes(b"RIFF\0\0\0\0WAVEfmt ")
    assert not libsndfile_reads_all(tmp_path / "cut.wav")


@pytest.mark.parametrize("coding", [("-c:a", "g722", "-f", "g722"), ("-c:a", "adpcm_swf", "-f", "swf")])
def test_kinds_that_nobody_listed_are_not_opened(tone: Path, tmp_path: Path, coding: tuple[str, ...]) -> None:
    more = ("-ar", "16000") if "g722" in coding else ()
    with pytest.raises(MediaError):
        audio.read(coded(tone, tmp_path / "tone.wav", *more, *coding))


def test_what_is_listed_are_names_that_ffmpeg_knows() -> None:
    for listed, option in (
        (guard.SOUND_FORMATS, "-demuxers"),
        (guard.MORE_AUDIO_DECODERS, "-decoders"),
    ):
        known = subprocess.run([ffmpeg.binary(), option], capture_output=True, text=True, check=True).stdout.split()
        assert set(listed.split(",")) <= set(known)


# --- folders ------------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tone: Path, tmp_path: Path) -> Path:
    """A folder as people have them."""
    root = tmp_path / "mine"
    (root / "wood").mkdir(parents=True)
    for name, coding in {
        "a.caf": (),
        "b.w64": (),
        "c.wma": (),
        "d.aifc": ("-c:a", "pcm_s16le", "-f", "aiff"),
        "e.wv": (),
        "f.wav": ("-c:a", "libmp3lame"),
    }.items():
        coded(tone, root / "wood" / name, *coding)
    (root / "wood" / "old.amr").write_bytes(b"#!AMR\n" + bytes(100))
    (root / "wood" / "broken.mp3").write_bytes(b"no sound at all" * 99)
    (root / "wood" / "notes.txt").write_text("bought in 1999")
    (root / "linked").symlink_to(tone.parent)
    return root


READ = {"wood/a.caf", "wood/b.w64", "wood/c.wma", "wood/d.aifc", "wood/e.wv", "wood/f.wav"}
LEFT_OUT = {"wood/old.amr": "not read", "wood/broken.mp3": "damaged", "linked/": "link"}


def tells(skipped: dict[str, str]) -> None:
    assert set(skipped) == set(LEFT_OUT)
    assert all(part in skipped[name] for name, part in LEFT_OUT.items()), skipped


def test_what_is_passed_over_is_told(folder: Path) -> None:
    found = find_recordings(folder)
    assert set(found.files) == READ | {"wood/broken.mp3"}
    assert set(found.passed_over) == {"wood/old.amr", "linked/"}
    assert ".wav" in found.passed_over["wood/old.amr"]


def test_the_library_takes_all_and_tells_the_rest(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["library", "index", str(folder), "--index", str(tmp_path / "x.library"), "--json"]) == 0
    printed = capsys.readouterr()
    tells(json.loads(printed.out)["skipped"])
    assert all(f"{name} is left out" in printed.err for name in LEFT_OUT)
    with index_file.Index(tmp_path / "x.library") as index:
        assert {one.path for one in index.recordings()} == READ
        assert all(abs(one.duration_s - DURATION_S) < 0.2 for one in index.recordings())


def test_the_music_folder_takes_all_and_tells_the_rest(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["music", "index", str(folder), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    tells(told["skipped"])
    assert {one["path"] for one in told["tracks"]} == READ
    assert cli.main(["music", "index", str(folder)]) == 0
    warned = capsys.readouterr().err
    assert all(name in warned for name in LEFT_OUT)


def test_the_bank_takes_all_and_tells_the_rest(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "bank.safetensors"
    assert cli.main(["bank", "build", str(folder), "-o", str(out), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    tells(told["skipped"])
    assert told["sounds"]["wood"] >= len(READ)
    with pytest.raises(MediaError):
        list(bank_building.recordings_in(folder))


def test_a_better_reader_hears_everything_again(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "linked").unlink()
    for path in list((folder / "wood").iterdir()):
        if path.name not in ("a.caf", "broken.mp3"):
            path.unlink()
    with MusicIndex(tmp_path / "m.sqlite", folder) as music:
        assert music.update().heard == 1
        assert (music.update().heard, music.update().known) == (0, 2)
        monkeypatch.setattr(audio, "READER", "reader of tomorrow")
        assert music.update().heard == 1
    assert audio.READER not in indexing.HEARING
    assert "reader" in indexing.HEARING
