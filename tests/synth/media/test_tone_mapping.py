"""HDR frames as nets and screens take them: like the same scene filmed without HDR."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from synth.media import packets, video
from synth.media.picture import tone_mapping
from synth.options import LIMITS
from tests.support.clips import FENCE
from tests.support.mp4_made import ENTRY, dolby_vision, put_into

WIDTH, HEIGHT, FRAMES, RATE_FPS = 160, 120, 12, 12
WHITE_CD_M2 = 203.0


def scene(number: int) -> NDArray[np.float64]:
    """Light on the screen [H, W, 3] in bt709, 1 for diffuse white: greys, colours, a lamp five times as bright."""
    across, down = np.meshgrid(np.linspace(0, 1, WIDTH), np.linspace(0, 1, HEIGHT))
    light = np.stack([0.02 + 0.75 * across**2.2] * 3, axis=-1)
    light[down > 0.5] *= np.array([1.0, 0.5, 0.3])
    light[down > 0.75] *= np.array([0.3, 0.6, 1.6])
    light[5:15, 5 + number : 15 + number] = 4.8
    return light


TO_2020 = np.array([[0.6274, 0.3293, 0.0433], [0.0691, 0.9195, 0.0114], [0.0164, 0.0880, 0.8956]])


def sdr(light: NDArray[np.float64]) -> NDArray[np.float64]:
    """Codes 0..255 that show this light on an ordinary screen (ITU-R BT.1886); brighter than white is cut off."""
    return np.asarray(255 * np.clip(light, 0, 1) ** (1 / 2.4))


def pq(light: NDArray[np.float64]) -> NDArray[np.float64]:
    """SMPTE ST 2084."""
    powered = np.clip(light @ TO_2020.T * WHITE_CD_M2 / 10_000, 0, 1) ** 0.1593017578125
    return np.asarray(((0.8359375 + 18.8515625 * powered) / (1 + 18.6875 * powered)) ** 78.84375)


def hlg(light: NDArray[np.float64]) -> NDArray[np.float64]:
    """ITU-R BT.2100 for a display of 1000 cd/m2: inverse of the system gamma 1.2, then the curve."""
    display = np.clip(light @ TO_2020.T * WHITE_CD_M2 / 1000, 0, 1)
    luminance = np.maximum(display @ np.array([0.2627, 0.6780, 0.0593]), 1e-9)[..., None]
    scene_light = display * luminance ** (1 / 1.2 - 1)
    above = 0.17883277 * np.log(np.maximum(12 * scene_light - 0.28466892, 1e-9)) + 0.55991073
    return np.asarray(np.where(scene_light <= 1 / 12, np.sqrt(3 * scene_light), above))


CURVES = {"smpte2084": pq, "arib-std-b67": hlg}


def filmed(target: Path, transfer: str) -> Path:
    """The scene coded as a phone does, 10 bit, tagged with its transfer."""
    from synth.media import ffmpeg

    codes = [np.rint(np.clip(CURVES[transfer](scene(n)), 0, 1) * 65535).astype("<u2") for n in range(FRAMES)]
    raw = ("-f", "rawvideo", "-pix_fmt", "rgb48le", "-s", f"{WIDTH}x{HEIGHT}", "-framerate", str(RATE_FPS))
    shape = "scale=out_color_matrix=bt2020:out_range=tv,format=yuv420p10le"
    colours = f"log-level=none:pools=1:crf=8:transfer={transfer}:colorprim=bt2020:colormatrix=bt2020nc"
    how = ("-vf", shape, "-c:v", "libx265", "-x265-params", colours, "-tag:v", "hvc1", "-y", f"file:{target}")
    ffmpeg.run(["-v", "error", *raw, "-i", "pipe:0", *how], fence=FENCE, feed=[frame.data for frame in codes])
    return target


def brightness(frames: NDArray[np.uint8]) -> tuple[float, float]:
    low, high = np.percentile(frames.mean(axis=-1), [5, 95])
    return float(low), float(high)


@pytest.mark.parametrize("transfer", list(CURVES))
def test_an_hdr_film_looks_like_the_scene(tmp_path: Path, transfer: str) -> None:
    source = filmed(tmp_path / "hdr.mp4", transfer)
    colours = tone_mapping.of_picture(packets.listing(source, LIMITS).description)
    assert (colours.primaries, colours.transfer) == ("bt2020", transfer)
    read = np.stack(list(video.read_frames(source, rate_hz=RATE_FPS, width=WIDTH, height=HEIGHT)))
    meant = np.stack([sdr(scene(number)) for number in range(FRAMES)])
    ordinary = scene(0).max(axis=-1) < 0.3  # darker than where the range is bent
    assert np.abs(read[0][ordinary] - meant[0][ordinary]).mean() < 6
    assert np.abs(read - meant).mean() < 16
    low, high = brightness(read)
    wanted_low, wanted_high = brightness(meant.astype(np.uint8))
    assert high - low > 0.8 * (wanted_high - wanted_low)
    lamp, white = read[0][8:12, 8:12].mean(), read[0][20:50, -6:].mean()
    assert lamp > white + 15  # what is brighter than white stays apart from it


@pytest.mark.parametrize("transfer", list(CURVES))
def test_a_still_is_mapped_too(tmp_path: Path, transfer: str) -> None:
    source = filmed(tmp_path / "hdr.mp4", transfer)
    video.thumbnail(source, tmp_path / "still.png", 0.5, width=WIDTH)
    still = np.asarray(Image.open(tmp_path / "still.png").convert("RGB")).astype(float)
    frames = list(video.read_frames(source, rate_hz=RATE_FPS, width=WIDTH, height=HEIGHT))
    assert np.abs(still - frames[6]).mean() < 2


def test_profile_5_is_read_in_grey(tmp_path: Path) -> None:
    """Its colours (IPT) taken for others would be green and purple; its light is that of PQ."""
    filmed(tmp_path / "hdr.mp4", "smpte2084")
    put_into(tmp_path / "hdr.mp4", tmp_path / "five.mp4", (*ENTRY, b"hvc1"), dolby_vision(5, 0))
    (first, *_) = video.read_frames(tmp_path / "five.mp4", rate_hz=RATE_FPS, width=WIDTH, height=HEIGHT)
    assert int(np.ptp(first.astype(int), axis=-1).max()) <= 3
    grey = sdr(scene(0))[:50].mean(axis=-1)  # the upper half of the scene is grey
    assert np.abs(first[:50].mean(axis=-1) - grey)[grey < 150].mean() < 8


def test_what_is_no_hdr_is_left_alone() -> None:
    line = "  Stream #0:0: Video: h264 (High), yuv420p({}), 64x48"
    for said in (
        "tv, bt709, progressive",
        "tv, bt2020nc/bt2020/bt709",
        "pc",
        "progressive",
        "tv, smpte170m/bt470bg/unknown",
    ):
        assert tone_mapping.filters(tone_mapping.of_picture(line.format(said)), 64, 48) is None
    hdr = tone_mapping.of_picture(line.format("tv, bt2020nc/bt2020/smpte2084, progressive"))
    assert hdr == tone_mapping.Colours("bt2020nc", "bt2020", "smpte2084")
    assert "tin=smpte2084" in str(tone_mapping.filters(hdr, 64, 48))
