"""The hits voice's ear: frames in, hits and a predicted cochleagram out, through the two-stream network.

Frames are taken as they come; of each only 128 numbers are kept (half a kilobyte), so an hour of picture needs 27 MB.

Shapes: T = frames, S = sound steps (90 a second), H x W = one frame, D = features of a frame.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final, Self

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from synth.dsp.cochleagram import COCHLEAGRAM_RATE_HZ
from synth.dsp.curves import peaks_of, smoothed
from synth.errors import Cancelled
from synth.materials import MATERIALS
from synth.models import eight_bit
from synth.models.half_precision import halved
from synth.models.reproducible import reproducible_inference
from synth.models.two_stream import Prediction, TwoStream, TwoStreamConfig
from synth.shapes import Arrays
from synth.voices.base import CancelPoll, Frame, Hit

PICTURES: Final = 8
_AT_ONCE: Final = 48
_MEASURED: Final = ("pca_", "evidence_", "material_")
_SHORTEST_GAP_S: Final = 0.15
_SMOOTHING_STEPS: Final = 2.0
_WEAKEST: Final = 0.15

Eye = Callable[[NDArray[np.uint8]], NDArray[np.float32]]
"""RGB pictures [K, H, W, 3] -> features [K, A] of the RGB stream's backbone, each picture's by itself."""


@dataclass(frozen=True)
class Calibration:
    """How the network's numbers become hits; chosen on training data and kept with the weights.

    Attributes:
        threshold: smallest onset probability that counts as a hit.
        quiet, loud: predicted envelope energy that means strength 0 and 1.
    """

    threshold: float = 0.3
    quiet: float = 0.0
    loud: float = 1.0


@dataclass(frozen=True, repr=False)
class Heard(Arrays):
    """What the network says about one clip, one row a sound step.

    Attributes:
        onset: float32 [S], probability that a contact begins.
        cochleagram: float32 [S, 42], predicted compressed envelopes.
        materials: float32 [S, 17], log-probabilities in the order of ``MATERIALS``.
    """

    onset: NDArray[np.float32]
    cochleagram: NDArray[np.float32]
    materials: NDArray[np.float32]

    def __post_init__(self) -> None:
        self.require(onset="S", cochleagram="S 42", materials="S 17")


def build(tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> tuple[TwoStream, Calibration]:
    """The network and its calibration out of a weights file, ready to listen."""
    model = TwoStream(TwoStreamConfig.from_dict(json.loads(metadata["config"])))
    model.load_state_dict(eight_bit.restored(tensors))
    return model.eval(), Calibration(**json.loads(metadata["calibration"]))


def pack(
    model: TwoStream, calibration: Calibration, *, eight_bits: bool = False
) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The tensors, in half precision or their matrices in eight bits, and the metadata that :func:`build` reads."""
    state = model.state_dict()
    # What was measured rather than learned stays exact: rounding it would shift every band of every sound.
    learnt = {name: value for name, value in state.items() if not name.startswith(_MEASURED)}
    tensors = state | (eight_bit.rounded(learnt) if eight_bits else halved(learnt))
    about: dict[str, Any] = {"config": model.config.as_dict(), "calibration": vars(calibration)}
    return tensors, {name: json.dumps(value) for name, value in about.items()}


def hear(
    model: TwoStream,
    eye: Eye,
    frames: Iterable[Frame],
    *,
    expected_frames: int,
    progress: Callable[[float], None] = lambda _: None,
    cancelled: CancelPoll = lambda: False,
) -> Heard:
    """Look at a clip once, in order.

    Args:
        frames: uint8 [H, W, 3] at ``model.config.video_rate_hz``.
        expected_frames: about how many will come; the RGB stream looks at eight of them, evenly spread.
        progress: told the fraction done.
        cancelled: polled every frame.

    Raises:
        Cancelled: ``cancelled()`` turned true.
    """
    features: list[Tensor] = []
    window: list[NDArray[np.uint8]] = []
    width, height = model.config.width, model.config.height
    with _Glances(eye, expected_frames) as glances:
        for index, frame in enumerate(frames):
            if cancelled():
                raise Cancelled("stopped while looking at the picture")
            glances.offer(index, frame)
            small = cv2.resize(frame, (width, height), interpolation=cv2.INTER_AREA)
            grey = np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), np.uint8)
            # Nothing was before the first frame: it is its own neighbour, as is the last.
            window.extend([grey, grey] if index == 0 else [grey])
            if len(window) == _AT_ONCE + 2:
                features.append(_encode(model, window))
                window = window[-2:]
                progress(min(1.0, index / max(1, expected_frames)))
        if not window:
            empty = np.zeros((0, 42), np.float32)
            return Heard(np.zeros(0, np.float32), empty, np.zeros((0, len(MATERIALS)), np.float32))
        features.append(_encode(model, [*window, window[-1]]))
        return _conclude(model, torch.cat(features), glances.mean())


class _Glances:
    """What the RGB stream's backbone sees in eight frames of a clip, in a thread beside the decoding of others.

    The paper's sees the first frame; the mean over eight is less at the mercy of one hand in the way.
    """

    def __init__(self, eye: Eye, expected_frames: int) -> None:
        self._eye = eye
        self._wanted = {int((k + 0.5) * max(1, expected_frames) / PICTURES) for k in range(PICTURES)}
        self._first: Frame | None = None
        self._pool = ThreadPoolExecutor(1, "glance")
        self._begun: list[Future[NDArray[np.float32]]] = []

    def offer(self, index: int, frame: Frame) -> None:
        """Take a frame if it is one of the eight."""
        self._first = frame.copy() if self._first is None else self._first
        if index in self._wanted:
            self._begun.append(self._pool.submit(self._eye, frame[None].copy()))

    def mean(self) -> NDArray[np.float32]:
        """Features [A]: the mean over those that came, or of the first frame where none of them did."""
        if not self._begun and self._first is not None:
            return np.asarray(self._eye(self._first[None])[0])
        return np.asarray(np.concatenate([one.result() for one in self._begun]).mean(0))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)


def hear_arrays(model: TwoStream, grey: NDArray[np.uint8], picture: NDArray[np.float32]) -> Heard:
    """As :func:`hear`, for a clip that is in memory already.

    Args:
        grey: uint8 [T, H, W] at the network's size and rate, T at least 1.
        picture: float32 [A], the eye's numbers.
    """
    padded = np.concatenate([grey[:1], grey, grey[-1:]])
    features = [_encode(model, list(padded[first : first + _AT_ONCE + 2])) for first in range(0, len(grey), _AT_ONCE)]
    return _conclude(model, torch.cat(features), picture)


def _encode(model: TwoStream, window: list[NDArray[np.uint8]]) -> Tensor:
    with reproducible_inference():
        return model.encode_motion(torch.from_numpy(np.stack(window)))


def _conclude(model: TwoStream, motion: Tensor, picture: NDArray[np.float32]) -> Heard:
    with reproducible_inference():
        scene = model.encode_appearance(torch.from_numpy(picture)[None])[0]
        parts = [_rows(model, prediction) for prediction in model.temporal_in_chunks(motion, scene)]
    return Heard(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def _rows(model: TwoStream, prediction: Prediction) -> tuple[NDArray[np.float32], ...]:
    onset = torch.sigmoid(prediction.onset_logits[0])
    cochleagram = model.from_pca(prediction.coefficients[0])
    materials = torch.log_softmax(prediction.material_logits[0], dim=-1)
    return onset.numpy(), cochleagram.numpy(), materials.numpy()


def find_hits(heard: Heard, calibration: Calibration) -> tuple[Hit, ...]:
    """Contacts in order of time: peaks of the onset probability, with strength and material read around each."""
    times_s, confidences = onset_peaks(heard.onset, calibration.threshold)
    hits = []
    for time_s, confidence in zip(times_s, confidences, strict=True):
        strength = (energy_at(heard, time_s) - calibration.quiet) / max(1e-6, calibration.loud - calibration.quiet)
        chances = material_votes(heard, time_s)
        hits.append(
            Hit(
                time_s=float(time_s),
                strength=float(np.clip(strength, _WEAKEST, 1.0)),
                material=MATERIALS[int(chances.argmax())],
                confidence=float(confidence),
                probabilities=dict(zip(MATERIALS, map(float, chances), strict=True)),
            )
        )
    return tuple(hits)


def energy_at(heard: Heard, time_s: float) -> float:
    """Predicted loudness of a moment: the largest mean over bands from just before it to a tenth of a second after."""
    step = min(int(time_s * COCHLEAGRAM_RATE_HZ), len(heard.cochleagram) - 1)
    return float(heard.cochleagram[max(0, step - 2) : step + 9].mean(1).max())


def material_votes(heard: Heard, time_s: float) -> NDArray[np.float64]:
    """Probabilities [17] of what is touched at a moment, from the steps around it."""
    step = min(int(time_s * COCHLEAGRAM_RATE_HZ), len(heard.materials) - 1)
    votes = heard.materials[max(0, step - 4) : step + 8].mean(0).astype(np.float64)
    chances = np.exp(votes - votes.max())
    return np.asarray(chances / chances.sum())


def onset_peaks(onset: NDArray[np.float32], threshold: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Times in seconds and heights of the peaks of an onset probability [S] that reach ``threshold``."""
    if not len(onset):
        return np.zeros(0), np.zeros(0)
    smooth = smoothed(onset, _SMOOTHING_STEPS)
    # Zeros to either side: a contact at the very first or last step is a peak too.
    padded = np.concatenate([[0.0], smooth, [0.0]])
    peaks = peaks_of(padded, height=threshold, distance=round(_SHORTEST_GAP_S * COCHLEAGRAM_RATE_HZ))
    return (peaks - 1) / COCHLEAGRAM_RATE_HZ, padded[peaks]
