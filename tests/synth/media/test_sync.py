"""Sound lies under a copied picture to the sample, as decoders that are not ours find it: PyAV and Chromium.

``docs/FILES.md`` has the table that these tests hold.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium import webdriver

from synth.media import audio, ffmpeg, video
from synth.options import ExistingSound
from tests.support.clicks import CHROMIUM, DRIVER, RATE_HZ, by_chromium, by_pyav, chromium, clicks, lag
from tests.support.clips import FENCE, Zoo, copy

OWN = [
    ("plain.mp4", ".mp4"),
    ("plain.mp4", ".mov"),
    ("plain.mp4", ".mkv"),
    ("plain.webm", ".webm"),
    ("ntsc.mp4", ".mp4"),
    ("variable.mp4", ".mkv"),
    ("late.mp4", ".mp4"),
    ("late.mkv", ".mkv"),
    ("plain.ts", ".mp4"),
]
KEPT = [
    *(("aac", ".mp4", suffix) for suffix in (".mp4", ".mov", ".mkv")),
    *(("pcm_s16le", ".mov", suffix) for suffix in (".mov", ".mkv")),
    *(("flac", source, suffix) for source in (".mp4", ".mkv") for suffix in (".mp4", ".mkv") if source != ".mkv"),
    ("flac", ".mkv", ".mkv"),
    ("libopus", ".mp4", ".mp4"),
    ("libopus", ".mkv", ".mkv"),
    ("libopus", ".webm", ".webm"),
]
WRITTEN = {".mp4": "aac", ".mov": "aac", ".mkv": "flac", ".webm": "libopus"}  # what our own sound is coded as
ONE_SAMPLE = 1
HALF_A_MILLISECOND = 24  # samples


def laid(source: Path, target: Path) -> Path:
    video.remux(source, clicks(video.probe(source).duration_s), RATE_HZ, target, existing=ExistingSound.REPLACE)
    return target


@pytest.mark.parametrize(("name", "suffix"), OWN)
def test_our_clicks_lie_where_they_should(zoo: Zoo, tmp_path: Path, name: str, suffix: str) -> None:
    target = laid(zoo[name], tmp_path / f"result{suffix}")
    decoded, starts_s = by_pyav(target)
    assert abs(lag(decoded, starts_s, clicks(video.probe(zoo[name]).duration_s))) <= ONE_SAMPLE


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
def test_a_picture_that_starts_between_two_milliseconds(zoo: Zoo, tmp_path: Path, suffix: str) -> None:
    source = tmp_path / "late.mp4"
    copy(zoo["plain.mp4"], source, ("-itsoffset", "0.70043"), ("-copyts",))
    assert abs(lag(*by_pyav(laid(source, tmp_path / f"result{suffix}")), clicks())) <= ONE_SAMPLE


def voiced(zoo: Zoo, folder: Path, coding: str, suffix: str) -> Path:
    """A clip with clicks of a coding in a container, as another program wrote it."""
    wav, target = folder / "clicks.wav", folder / f"source{suffix}"
    audio.write(wav, clicks(), RATE_HZ)
    picture = zoo["plain.webm" if suffix == ".webm" else "plain.mp4"]
    how = ("-map", "0:v", "-map", "1:a", "-c:v", "copy", "-c:a", coding, "-strict", "experimental", "-y")
    ffmpeg.run(["-v", "error", "-i", f"file:{picture}", "-i", f"file:{wav}", *how, f"file:{target}"], fence=FENCE)
    return target


@pytest.mark.parametrize(("coding", "from_suffix", "to_suffix"), KEPT)
def test_kept_clicks_stay_where_they_were(
    zoo: Zoo, tmp_path: Path, coding: str, from_suffix: str, to_suffix: str
) -> None:
    source, target = voiced(zoo, tmp_path, coding, from_suffix), tmp_path / f"result{to_suffix}"
    video.remux(source, 0.1 * clicks(), RATE_HZ, target, existing=ExistingSound.KEEP)
    assert lag(*by_pyav(source), clicks()) == 0
    assert lag(*by_pyav(target, track=1), clicks()) == 0


@pytest.mark.parametrize("coding", ["aac", "libopus", "flac"])
def test_kept_clicks_out_of_matroska_lose_what_its_milliseconds_lost(zoo: Zoo, tmp_path: Path, coding: str) -> None:
    """Matroska states when a track begins in whole milliseconds, and mp4 believes it."""
    source, target = voiced(zoo, tmp_path, coding, ".mkv"), tmp_path / "result.mp4"
    video.remux(source, 0.1 * clicks(), RATE_HZ, target, existing=ExistingSound.KEEP)
    assert abs(lag(*by_pyav(target, track=1), clicks())) <= HALF_A_MILLISECOND


def heard_within(coding: str, suffix: str) -> int:
    """Samples: Chromium 156 cuts what precedes the sound by Matroska's milliseconds, older ones did to the sample."""
    return HALF_A_MILLISECOND if coding in ("aac", "libopus") and suffix in (".mkv", ".webm") else 0


@pytest.fixture(scope="module")
def browser() -> Iterator[webdriver.Chrome]:
    if CHROMIUM is None or DRIVER is None:
        pytest.skip("no Chromium with its chromedriver is installed (apt: chromium-driver)")
    with chromium() as found:
        yield found


@pytest.mark.parametrize(("name", "suffix"), OWN[:4])
def test_a_browser_finds_our_clicks_too(
    zoo: Zoo, tmp_path: Path, browser: webdriver.Chrome, name: str, suffix: str
) -> None:
    decoded = by_chromium(browser, laid(zoo[name], tmp_path / f"result{suffix}"))
    within = heard_within(WRITTEN[suffix], suffix)
    assert abs(lag(decoded, 0.0, clicks())) <= within
    assert abs(len(decoded) - len(clicks())) <= 2 * HALF_A_MILLISECOND + within


@pytest.mark.parametrize(
    ("coding", "suffix"),
    [
        *(("aac", ".mp4"), ("aac", ".mkv"), ("flac", ".mp4"), ("flac", ".mkv")),
        *(("libopus", ".mkv"), ("libopus", ".webm"), ("pcm_s16le", ".mov"), ("pcm_s16le", ".mkv")),
    ],
)
def test_a_browser_finds_clicks_of_every_coding(
    zoo: Zoo, tmp_path: Path, browser: webdriver.Chrome, coding: str, suffix: str
) -> None:
    """What PyAV says of these files another decoder says too; in a result they are the same packets."""
    decoded = by_chromium(browser, voiced(zoo, tmp_path, coding, suffix))
    assert abs(lag(decoded, 0.0, clicks())) <= heard_within(coding, suffix)
