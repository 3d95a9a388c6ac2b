"""A click track, and where other decoders than ours find its clicks: PyAV (libav's libraries) and Chromium."""

from __future__ import annotations

import base64
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import av
import numpy as np
from numpy.typing import NDArray
from selenium import webdriver

RATE_HZ: Final = 48_000
CLICKS_S: Final = (0.25, 0.7, 1.1, 1.6)
CHROMIUM: Final = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
DRIVER: Final = shutil.which("chromedriver")
_REACH: Final = 4096  # samples within which a click is looked for

Floats = NDArray[np.float64]


def clicks(duration_s: float = 2.0) -> NDArray[np.float32]:
    """Silence with short bursts of 3 kHz, whose middles lie at :data:`CLICKS_S`: float32 [N] of one channel."""
    sound = np.zeros(round(duration_s * RATE_HZ))
    around = np.arange(-64, 65)
    for at_s in filter(lambda one_s: one_s < duration_s - 0.1, CLICKS_S):
        sound[round(at_s * RATE_HZ) + around] += 0.5 * np.exp(-((around / 12) ** 2)) * np.cos(around * np.pi / 8)
    return sound.astype(np.float32)


def by_pyav(path: Path, track: int = 0) -> tuple[Floats, float]:
    """A sound track as PyAV decodes it, its samples in order [N], and when it starts after the picture, in seconds."""
    with av.open(str(path)) as container:
        picture = container.streams.video[0]
        tick = Fraction(picture.time_base or 1)
        shown = [packet.pts * tick for packet in container.demux(picture) if packet.pts is not None]
    pieces: list[Floats] = []
    began: Fraction | None = None
    with av.open(str(path)) as container:
        sound = container.streams.audio[track]
        assert sound.rate == RATE_HZ
        for frame in container.decode(sound):
            began = Fraction(frame.pts or 0) * Fraction(frame.time_base or 1) if began is None else began
            pieces.append(_samples(frame))
    assert began is not None
    return np.concatenate(pieces), float(began - min(shown))


def _samples(frame: Any) -> Floats:
    values = frame.to_ndarray()
    if frame.format.is_packed:
        values = values.reshape(-1, frame.layout.nb_channels).T
    scale = 2.0 ** (8 * values.dtype.itemsize - 1) if values.dtype.kind == "i" else 1.0
    return np.asarray(values.astype(np.float64).mean(axis=0) / scale)


@contextmanager
def chromium() -> Iterator[webdriver.Chrome]:
    """A Chromium without a window."""
    options = webdriver.ChromeOptions()
    options.binary_location = str(CHROMIUM)
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    browser = webdriver.Chrome(options, webdriver.ChromeService(str(DRIVER)))
    try:
        yield browser
    finally:
        browser.quit()


_DECODING: Final = """
const [file, rate, done] = arguments;
const bytes = Uint8Array.from(atob(file), one => one.charCodeAt(0));
new OfflineAudioContext(1, 1, rate).decodeAudioData(bytes.buffer).then(sound => {
  const samples = new Uint8Array(sound.getChannelData(0).buffer);
  let text = "";
  for (let at = 0; at < samples.length; at += 8192) text += String.fromCharCode(...samples.subarray(at, at + 8192));
  done(btoa(text));
}, error => done("error: " + error));
"""


def by_chromium(browser: webdriver.Chrome, path: Path) -> Floats:
    """The sound of a file as ``decodeAudioData`` gives it: [N] at :data:`RATE_HZ`."""
    told = browser.execute_async_script(_DECODING, base64.b64encode(path.read_bytes()).decode(), RATE_HZ)
    assert not told.startswith("error"), told
    return np.frombuffer(base64.b64decode(told), np.float32).astype(np.float64)


def lag(decoded: Floats, starts_s: float, laid: NDArray[np.float32]) -> int:
    """By how many samples the clicks come too late, where the decoded sound starts so long after the picture."""
    found = np.zeros(len(laid) + 2 * _REACH)
    begin = _REACH + round(starts_s * RATE_HZ)
    skipped = max(0, -begin)
    piece = decoded[skipped : skipped + len(found) - max(begin, 0)]
    found[max(begin, 0) : max(begin, 0) + len(piece)] = piece
    return int(np.argmax(_likeness(found, laid))) - _REACH


def _likeness(found: Floats, laid: NDArray[np.float32]) -> Floats:
    size = 1 << int(np.ceil(np.log2(len(found) + len(laid))))
    product = np.fft.rfft(found, size) * np.conj(np.fft.rfft(laid, size))
    return np.asarray(np.fft.irfft(product, size)[: 2 * _REACH + 1])
