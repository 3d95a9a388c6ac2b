"""aiSFX as a second judge: an embedding of sound effects under which recordings of one thing lie close together.

Ma et al., "Representation Learning for the Automatic Indexing of Sound Effects Libraries" (ISMIR 2022). Network and
weights come in the pip package ``aisfx`` 0.1.2 (MIT, weights CC BY 4.0); the spectrogram is ours, after the paper: 96
mel bands (HTK) of 2048 samples at 44.1 kHz every 1024, log10(1 + 10000 x).
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from synth.dsp.spectra import mel_filters
from synth.errors import WeightsError

Floats = NDArray[np.float32]

RATE_HZ: Final = 44_100
PACKAGE: Final = "aisfx"
_WINDOW: Final = 2048
_HOP: Final = 1024
_BANDS: Final = 96
_FRAMES: Final = 100  # of a block
_LOUDEST: Final = 9.457798957824707  # what the network's training divided by
_LEVEL: Final = 0.5


class EffectsNet:
    """The embedding of a sound, 512 numbers of length 1, on one thread of the CPU.

    Raises:
        WeightsError: the package with the network is not installed.
    """

    def __init__(self) -> None:
        found = importlib.util.find_spec(PACKAGE)
        if found is None or found.origin is None:
            raise WeightsError(f"aiSFX is not installed; pip install --no-deps {PACKAGE}==0.1.2 brings it")
        self._torch = importlib.import_module("torch")
        model = importlib.import_module(f"{PACKAGE}.models.cnn2d")
        file = Path(found.origin).parent / "models" / "checkpoint.pth"
        weights, _ = self._torch.load(file, map_location="cpu", weights_only=False)
        self._net = model.EmbeddingNet("max", 3, 1, 64)
        prefix = "embedding_net."
        self._net.load_state_dict({k.removeprefix(prefix): v for k, v in weights.items() if k.startswith(prefix)})
        self._net.eval()
        filters = mel_filters(RATE_HZ, window=_WINDOW, bands=_BANDS, low_hz=0.0, high_hz=RATE_HZ / 2, htk=True)
        self._filters = (filters / np.maximum(filters.sum(1, keepdims=True), 1e-9)).T

    def embed(self, sound: NDArray[Any]) -> Floats:
        """Embedding [512] of ``sound`` [N] at 44.1 kHz: the mean over blocks of 2.3 s that overlap by half."""
        heard = np.asarray(sound, np.float32)
        heard = heard * np.float32(_LEVEL / max(1e-6, float(np.abs(heard).max(initial=0.0))))
        least = _WINDOW + (_FRAMES - 1) * _HOP
        heard = np.pad(heard, (0, max(0, least - len(heard))))
        frames = np.lib.stride_tricks.sliding_window_view(heard, _WINDOW)[::_HOP] * np.hanning(_WINDOW)
        mel = np.log10((np.abs(np.fft.rfft(frames)) ** 2 @ self._filters) * 1e4 + 1) / _LOUDEST
        starts = range(0, len(mel) - _FRAMES + 1, _FRAMES // 2)
        blocks = np.stack([mel[at : at + _FRAMES] for at in starts]).astype(np.float32)
        with self._torch.no_grad():
            mean = self._net(self._torch.from_numpy(blocks)).numpy().mean(0)
        return np.asarray(mean / max(1e-9, float(np.linalg.norm(mean))), np.float32)


@functools.cache
def installed_aisfx() -> EffectsNet | str:
    """The network, or a sentence why it is not there."""
    try:
        return EffectsNet()
    except WeightsError as error:
        return str(error)
