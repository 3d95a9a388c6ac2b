"""Sound in and out, its rate, its length and its loudness; loudness is checked by ffmpeg's own meter."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from synth.errors import MediaError
from synth.media import audio, ffmpeg
from synth.media.sound import limiter
from tests.support.clips import SOUND_HZ, Zoo, knocks

Sound = NDArray[np.float32]


def tone(hz: float, duration_s: float = 2.0, rate_hz: int = SOUND_HZ, phase: float = 0.0, level: float = 0.5) -> Sound:
    times_s = np.arange(round(duration_s * rate_hz)) / rate_hz
    return (level * np.sin(2 * np.pi * hz * times_s + phase)).astype(np.float32)


def noise(duration_s: float = 2.0, level: float = 0.1) -> Sound:
    return np.random.default_rng(0).normal(0, level, round(duration_s * SOUND_HZ)).astype(np.float32)


# -- reading and writing -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".WAV"])
def test_what_is_written_is_read(tmp_path: Path, suffix: str) -> None:
    sound = tone(440)
    audio.write(tmp_path / f"tone{suffix}", sound, 44_100)
    again, rate_hz = audio.read(tmp_path / f"tone{suffix}")
    assert rate_hz == 44_100
    assert again.dtype == np.float32
    assert len(again) == len(sound)
    assert np.abs(again - sound).max() < 2**-23
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("name", ["voiced.mp4", "voiced.mkv", "voiced.webm"])
def test_the_sound_of_a_video_is_read(zoo: Zoo, name: str) -> None:
    sound, rate_hz = audio.read(zoo[name], 20_000)
    assert rate_hz == 20_000
    assert sound.dtype == np.float32
    wanted = audio.resample(knocks(), SOUND_HZ, 20_000)
    shared = min(len(sound), len(wanted))
    assert shared / 20_000 == pytest.approx(2.0, abs=0.05)
    assert np.corrcoef(sound[:shared], wanted[:shared])[0, 1] > 0.97


@pytest.mark.parametrize("through", ["soundfile", "ffmpeg"])
def test_channels_are_averaged(tmp_path: Path, through: str) -> None:
    both = np.stack([tone(440, level=0.6), tone(440, level=0.2)], axis=1)
    soundfile.write(tmp_path / "both.wav", both, SOUND_HZ, subtype="FLOAT")
    path = tmp_path / "both.wav"
    if through == "ffmpeg":
        path = tmp_path / "both.mkv"
        fence = ffmpeg.Fence(file_bytes=10**7)
        ffmpeg.run(["-v", "error", "-i", f"file:{tmp_path}/both.wav", "-c", "copy", f"file:{path}"], fence=fence)
    sound, _ = audio.read(path)
    np.testing.assert_allclose(sound, tone(440, level=0.4), atol=1e-6)


def test_what_is_not_a_number_is_read_as_silence_and_never_written(tmp_path: Path) -> None:
    broken = np.array([0.1, np.nan, np.inf, -np.inf, 0.2], np.float32)
    soundfile.write(tmp_path / "broken.wav", broken, SOUND_HZ, subtype="FLOAT")
    assert audio.read(tmp_path / "broken.wav")[0].tolist() == pytest.approx([0.1, 0, 0, 0, 0.2])
    with pytest.raises(MediaError, match="not numbers"):
        audio.write(tmp_path / "again.wav", broken, SOUND_HZ)
    assert not (tmp_path / "again.wav").exists()


def test_too_loud_is_clipped_and_not_wrapped(tmp_path: Path) -> None:
    audio.write(tmp_path / "loud.wav", np.array([2.0, -2.0, 0.5], np.float32), SOUND_HZ)
    assert audio.read(tmp_path / "loud.wav")[0].tolist() == pytest.approx([1, -1, 0.5], abs=1e-6)


def test_writing_replaces_at_once(tmp_path: Path) -> None:
    for level in (0.1, 0.2):
        audio.write(tmp_path / "tone.wav", tone(440, level=level), SOUND_HZ)
    assert np.abs(audio.read(tmp_path / "tone.wav")[0]).max() == pytest.approx(0.2, abs=1e-3)
    assert [path.name for path in tmp_path.iterdir()] == ["tone.wav"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("empty.wav", b""),
        ("cut.wav", b"RIFF\xff\xff\xff\x7fWAVEfmt "),
        ("noise.wav", b"RIFF" + bytes(range(256)) * 9),
        ("lies.flac", b"fLaC\x80\x00\x00\x22" + b"\xff" * 34),
        ("text.mp3", b"not a sound at all\n" * 99),
    ],
)
def test_what_is_no_sound(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(MediaError):
        audio.read(tmp_path / name)


def test_a_silent_video_has_no_sound_to_read(zoo: Zoo) -> None:
    with pytest.raises(MediaError):
        audio.read(zoo["plain.mp4"])


@pytest.mark.parametrize("name", ["tone.mp3", "tone.ogg", "tone", "none/tone.wav", "x" * 252 + ".wav"])
def test_where_nothing_can_be_written(tmp_path: Path, name: str) -> None:
    with pytest.raises(MediaError):
        audio.write(tmp_path / name, tone(440), SOUND_HZ)
    assert not list(tmp_path.iterdir())


# -- rate and length -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("from_hz", "to_hz"), [(44_100, 48_000), (48_000, 20_000), (22_050, 44_100)])
def test_resampling_keeps_the_tone(from_hz: int, to_hz: int) -> None:
    sound = audio.resample(tone(1000, rate_hz=from_hz), from_hz, to_hz)
    assert sound.dtype == np.float32
    assert len(sound) == pytest.approx(2 * to_hz, abs=1)
    middle = slice(to_hz // 4, -to_hz // 4)
    np.testing.assert_allclose(sound[middle], tone(1000, len(sound) / to_hz, to_hz)[: len(sound)][middle], atol=1e-3)


def test_resampling_to_the_same_rate_or_an_absurd_one() -> None:
    sound = tone(440)
    assert audio.resample(sound, 48_000, 48_000) is sound
    for rate_hz in (0, -1, 10**7):
        with pytest.raises(MediaError, match="allowed"):
            audio.resample(sound, 48_000, rate_hz)


@given(count=st.integers(0, 300), rate_hz=st.integers(1, 200), duration_s=st.floats(0, 3))
def test_fitting_gives_exactly_the_length(count: int, rate_hz: int, duration_s: float) -> None:
    sound = np.arange(1, count + 1, dtype=np.float32)
    fitted = audio.fit(sound, rate_hz, duration_s)
    kept = min(count, len(fitted))
    assert len(fitted) == round(duration_s * rate_hz)
    assert fitted.dtype == np.float32
    np.testing.assert_array_equal(fitted[:kept], sound[:kept])
    assert not fitted[kept:].any()


# -- loudness ------------------------------------------------------------------------------------------------------


def metered(sound: Sound, folder: Path) -> tuple[float, float]:
    """Integrated loudness and true peak, by ffmpeg's meter."""
    soundfile.write(folder / "metered.wav", sound, SOUND_HZ, subtype="FLOAT")
    how = ("-i", f"file:{folder}/metered.wav", "-af", "ebur128=peak=true", "-f", "null", "-")
    summary = ffmpeg.run(["-nostats", "-v", "info", *how]).stderr.rsplit("Summary:", 1)[1]
    loudness, peak = re.search(r"I: +(\S+) LUFS", summary), re.search(r"Peak: +(\S+) dBFS", summary)
    assert loudness is not None
    assert peak is not None
    return float(loudness.group(1)), float(peak.group(1))


SOUNDS = {
    "tone": tone(440),
    "noise": noise(),
    # Its true peak is 3 dB above every sample. Faded, because at a hard start the filters of two meters ring apart.
    "between samples": tone(SOUND_HZ / 4, phase=np.pi / 4, level=0.9) * np.hanning(2 * SOUND_HZ).astype(np.float32),
    "knocks": knocks(4.0),
    "far too loud": noise(level=3.0),
    "faint": noise(level=1e-3),
    "one side": tone(200) + np.float32(0.3),
    "short knock": knocks(0.45)[round(0.25 * SOUND_HZ) :],
}


@pytest.mark.parametrize("name", SOUNDS)
@pytest.mark.parametrize(("wanted_lufs", "ceiling_dbtp"), [(-20.0, -1.0), (-12.0, -3.0)])
def test_normalised_sounds_are_as_loud_and_as_high_as_asked(
    tmp_path: Path, name: str, wanted_lufs: float, ceiling_dbtp: float
) -> None:
    sound = SOUNDS[name]
    before = sound.copy()
    result, report = audio.normalise(sound, SOUND_HZ, loudness_lufs=wanted_lufs, true_peak_dbtp=ceiling_dbtp)
    np.testing.assert_array_equal(sound, before)
    assert result.shape == sound.shape
    assert result.dtype == np.float32
    loudness, peak = metered(result, tmp_path)
    assert peak <= ceiling_dbtp + 0.1
    assert report.true_peak_dbtp == pytest.approx(peak, abs=0.15)
    assert report.lufs is not None
    if len(sound) > SOUND_HZ / 2:  # ffmpeg measures nothing shorter than its block
        assert report.lufs == pytest.approx(loudness, abs=0.15)
    assert report.warning is not None or report.lufs == pytest.approx(wanted_lufs, abs=1.0)
    assert report.lufs <= wanted_lufs + 0.3
    if wanted_lufs == -20.0:
        assert report.warning is None


@pytest.mark.parametrize("count", [0, 1, 2, 100, 19_199, 19_200, 19_201])
def test_short_and_silent_sounds_are_safe(count: int) -> None:
    for level in (0.0, 1e-9, 0.5):
        sound = np.full(count, level, np.float32)
        result, report = audio.normalise(sound, SOUND_HZ, loudness_lufs=-20, true_peak_dbtp=-1)
        assert len(result) == count
        assert np.isfinite(result).all()
        if level < 0.1:
            np.testing.assert_array_equal(result, sound)
            assert report.gain_db == 0
            assert report.lufs is None
            assert report.warning


def test_gain_has_an_end() -> None:
    sound = noise(level=5e-4)
    result, report = audio.normalise(sound, SOUND_HZ, loudness_lufs=-20, true_peak_dbtp=-1)
    assert report.gain_db == audio.MAX_GAIN_DB
    assert report.warning is not None
    assert "raising it by 40 dB, the most there is, was not enough; another seed or another sound" in report.warning
    np.testing.assert_allclose(result, sound * 100, rtol=1e-4)


def test_a_click_is_not_flattened_for_loudness() -> None:
    click = np.zeros(2 * SOUND_HZ, np.float32)
    click[1000:1010] = 0.5
    result, report = audio.normalise(click, SOUND_HZ, loudness_lufs=-12, true_peak_dbtp=-1)
    assert report.limited
    assert report.warning is not None
    assert "its loudest moments are short" in report.warning
    assert f"ask for a loudness of {report.lufs:.0f} " in report.warning
    assert np.abs(result).max() <= 10 ** (-1 / 20)


def test_without_peaks_in_the_way_it_is_one_gain() -> None:
    sound = knocks(3.0)
    result, report = audio.normalise(sound, SOUND_HZ, loudness_lufs=-30, true_peak_dbtp=-1)
    assert not report.limited
    np.testing.assert_allclose(result, sound * 10 ** (report.gain_db / 20), rtol=1e-5, atol=1e-7)


def test_the_limiter_bends_no_waveform() -> None:
    """A loud second inside a quiet tone is turned down; what is added beside the tone stays 60 dB below it."""
    sound = tone(1000, 3.0, level=0.3)
    sound[SOUND_HZ : 2 * SOUND_HZ] *= 4
    held, limited = limiter.limit(sound, SOUND_HZ, -1.0)
    assert limited
    assert limiter.true_peak_dbtp(held) <= -1.0 + 0.01
    piece = held[round(1.2 * SOUND_HZ) : round(1.8 * SOUND_HZ)] * np.hanning(round(0.6 * SOUND_HZ))
    spectrum = np.abs(np.fft.rfft(piece))
    hz = np.arange(len(spectrum)) / 0.6
    beside = spectrum[(np.abs(hz - 1000) > 50) & (hz > 20)]
    assert 20 * np.log10(spectrum.max() / beside.max()) > 60
    np.testing.assert_array_equal(held[: SOUND_HZ // 2], sound[: SOUND_HZ // 2])


@pytest.mark.parametrize("count", [1, 3, 50, 2**18 - 1, 2**18, 2**18 + 1])
def test_true_peaks_do_not_depend_on_where_blocks_end(count: int) -> None:
    sound = noise(6.0)[:count]
    highest = limiter.peaks(sound)
    assert highest.shape == (count,)
    assert (highest >= np.abs(sound) - 1e-6).all()
    if count > 2**18:
        tail = limiter.peaks(sound[-5000:])
        np.testing.assert_allclose(highest[-4900:], tail[-4900:], atol=1e-6)


@pytest.mark.parametrize("count", [1, 31, 96, 97, 1000, 300_000])
def test_peaks_between_samples_are_those_of_the_definition(count: int) -> None:
    sound = np.random.default_rng(count).standard_normal(count).astype(np.float32)
    padded = np.pad(sound, (15, 16)).astype(np.float64)
    between = [np.abs(np.convolve(padded, phase[::-1], mode="valid")) for phase in limiter._PHASES]
    wanted = np.max([np.abs(sound), *between], axis=0)
    np.testing.assert_allclose(limiter.peaks(sound), wanted, rtol=1e-6)
    stereo = np.stack([sound, -2 * sound], axis=1)
    np.testing.assert_allclose(limiter.peaks(stereo), 2 * wanted, rtol=1e-6)


@pytest.mark.parametrize("count", [0, 1, 32, 33, 5000, (1 << 18) + 40])
def test_the_highest_peak_is_the_highest_of_all(count: int) -> None:
    """Only what may hold it is oversampled: sparse clicks, one of them across the end of a block."""
    random = np.random.default_rng(count)
    sound = (random.standard_normal((count, 2)) * (random.random((count, 1)) < 0.02)).astype(np.float32)
    sound[(1 << 18) - 1 : (1 << 18) + 1] = 9.0
    for one in (sound, np.ascontiguousarray(sound[:, 0])):
        assert limiter.highest_peak(one) == float(limiter.peaks(one).max(initial=0.0))
