"""How late the sound of each clip is against its own picture, and clips put in time.

Sound and picture of a corpus' clips are seldom cut at the same moment: in GRID, speaker 1, the sound is early or late
by 18 ms (standard deviation), by another amount in each clip. Nobody hears that. But whoever learns spectra every 10 ms
off such clips learns the mean of spectra that are moved against each other, or learns each clip's offset by heart.

How it is measured: something small predicts a few mel bands from the pixels of the mouth, and the offset of a clip is
the lag at which its sound correlates most with what was predicted. The predictor never saw the clip that it measures
(cross-fitting): a network that was trained on a clip knows the clip's offset. First a ridge regression; then a
perceptron, trained on sound that the regression has put in time.

What is not measured is what all clips share (:mod:`synth.training.speech.lip_offset` does that): the median of the
offsets is 0. Where two halves of the same clip do not agree, nothing can be measured and little is moved: offsets are
multiplied by their reliability (Spearman and Brown's formula on the correlation of the halves).

Shapes: C clips, T pictures, S = 4 T spectra, P components of the pixels, K mel bands.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import torch
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional
from tqdm import tqdm

from synth.files import write_whole
from synth.training.speech.data import Talking, between
from synth.training.speech.lip_offset import beside, shifted
from synth.voices.speech import spectra

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Predictor = Callable[[Sequence[Floats]], list[Floats]]
"""Windows of pixels of some clips, [T, ...] each, to mel bands [S, K] each."""

FEWEST_CLIPS: Final = 20
"""With fewer nothing is measured: the predictor would learn from too little."""
WITHIN_S: Final = 0.12
"""The largest offset that is looked for, either way."""

STEPS_SHARE: Final = 0.75
"""Steps of each perceptron that measures offsets beside those of the network, each some forty times cheaper."""

_SIDE, _INNER = 28, slice(4, 60)  # pixels of the mouth's crop, made small
_COMPONENTS: Final = 80
_REACH: Final = 8  # pictures to either side that the predictor sees
_GROUPED: Final = 4  # mel bands that are taken together
_FOLDS: Final = 5
_RIDGE: Final = 300.0
_HIDDEN, _BATCH, _LEARNING_RATE = 640, 512, 2e-3
_LOUDEST_BELOW: Final = -2.5  # standardised levels below count as silence
_LAGS: Final = round(WITHIN_S * spectra.RATE_HZ / spectra.HOP)
_EACH: Final = spectra.SPECTRA_A_PICTURE


@dataclass(frozen=True)
class ClipOffsets:
    """How late the sound of each clip is.

    Attributes:
        late_s: of each clip, positive where its sound is late; their median is 0.
        reliability: share of what was measured that is no chance, 0 to 1; ``late_s`` was multiplied by it.
    """

    late_s: Sequence[float]
    reliability: float

    @property
    def deviation_s(self) -> float:
        """Standard deviation of the offsets."""
        return float(np.std(self.late_s)) if len(self.late_s) else 0.0


def measure(talking: Sequence[Talking], steps: int, seed: int) -> ClipOffsets:
    """The offset of each clip.

    Args:
        steps: that each perceptron is trained for; 1200 are enough for an hour of clips.
        seed: of the folds, of the perceptrons and of their batches.
    """
    if len(talking) < FEWEST_CLIPS:
        return ClipOffsets([0.0] * len(talking), 0.0)
    seen, heard = _components([one.mouth for one in talking], seed), _bands(talking)
    folds = np.random.default_rng(seed).permutation(len(talking)) % _FOLDS
    lags, spoken = np.zeros(len(talking)), dict[int, Floats]()
    for name, fit in (("by regression", _ridge), ("by perceptron", lambda x, y: _perceptron(x, y, steps, seed))):
        for fold in tqdm(range(_FOLDS), desc=f"offsets {name}", unit="fold", disable=None):
            others, own = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
            wanted = [_at(heard[k], len(seen[k]), lags[k]) for k in others]
            predict = fit([seen[k] for k in others], wanted)
            spoken.update(zip(own.tolist(), predict([seen[k] for k in own]), strict=True))
        lags = np.array([_lag(spoken[k], heard[k], 0, len(spoken[k])) for k in range(len(talking))])
        lags -= np.median(lags)
    middles = [len(spoken[k]) // 2 for k in range(len(talking))]
    halves = np.array(
        [
            (_lag(spoken[k], heard[k], 0, middle), _lag(spoken[k], heard[k], middle, len(spoken[k])))
            for k, middle in enumerate(middles)
        ]
    )
    agreed = float(np.corrcoef(*halves.T)[0, 1]) if halves.std(0).min() > 0 else 0.0
    reliability = 2 * agreed / (1 + agreed) if agreed > 0 else 0.0
    late_s = reliability * lags * spectra.HOP / spectra.RATE_HZ
    return ClipOffsets([float(one) for one in late_s], reliability)


def in_time(talking: Talking, late_s: float) -> Talking:
    """The clip with its sound, and the times of its words, moved forward by ``late_s``."""
    sound = shifted(talking.sound, -late_s, spectra.RATE_HZ)
    words = talking.words and tuple((start - late_s, end - late_s, text) for start, end, text in talking.words)
    return dataclasses.replace(talking, sound=sound, words=words)


def put_in_time(
    seen: Sequence[Talking], folder: Path, steps: int, seed: int, *, resume: bool
) -> tuple[list[Talking], dict[str, float]]:
    """The clips with each one's sound in time with its picture, and how far they were out.

    Args:
        folder: of the run; what was measured is kept there, and taken from there by a run that goes on.
        steps: of the network that is to be trained.
    """
    kept = folder / "offsets.json"
    names = [one.name for one in seen]
    found = _kept_offsets(kept, names) if resume else None
    if found is None:
        found = measure(seen, max(1, round(STEPS_SHARE * steps)), seed)
        folder.mkdir(parents=True, exist_ok=True)
        told = {"clips": names, "late_s": list(found.late_s), "reliability": found.reliability}
        write_whole(kept, json.dumps(told).encode())
    moved = [in_time(one, late_s) for one, late_s in zip(seen, found.late_s, strict=True)]
    figures = {"offsets_ms_deviation": 1000 * found.deviation_s, "offsets_reliability": found.reliability}
    return moved, {name: round(value, 3) for name, value in figures.items()}


def _kept_offsets(path: Path, names: Sequence[str]) -> ClipOffsets | None:
    """What an earlier run of the same clips measured."""
    try:
        told = json.loads(path.read_text())
        return ClipOffsets(told["late_s"], told["reliability"]) if told["clips"] == names else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _components(crops: Sequence[NDArray[np.uint8]], seed: int) -> list[Floats]:
    """Leading principal components of the mouth in each picture and its neighbours, a row a picture."""
    from sklearn.decomposition import PCA

    small = [
        np.stack([cv2.resize(one[_INNER, _INNER], (_SIDE, _SIDE), interpolation=cv2.INTER_AREA) for one in clip])
        for clip in crops
    ]
    flat = [one.reshape(len(one), -1).astype(np.float32) for one in small]
    flat = [(one - one.mean()) / max(float(one.std()), 1.0) for one in flat]
    pooled = np.concatenate([one[::7] for one in flat])
    kept = min(_COMPONENTS, *pooled.shape)
    reduce = PCA(kept, random_state=seed, svd_solver="randomized").fit(pooled)
    scale = max(float(reduce.explained_variance_[0]) ** 0.5, 1e-6)
    return [_around(np.asarray(reduce.transform(one) / scale, np.float32)) for one in flat]


def _around(values: Floats) -> Floats:
    """Each row with its neighbours, and a one for the constant: [T, P] -> [T, (2 * reach + 1) * P + 1]."""
    held = np.pad(values, ((_REACH, _REACH), (0, 0)), mode="edge")
    windows = sliding_window_view(held, 2 * _REACH + 1, 0).reshape(len(values), -1)
    return np.concatenate([windows, np.ones((len(values), 1), np.float32)], 1)


def _bands(talking: Sequence[Talking]) -> list[Floats]:
    """Standardised levels in groups of mel bands, and silence after the end: [S + lags, K] a clip."""
    levels = [spectra.log_mel(one.sound, _EACH * len(one.mouth) + _LAGS + 1) for one in talking]
    levels = [one.reshape(len(one), -1, _GROUPED).mean(2) for one in levels]
    pooled = np.concatenate(levels)
    mean, scale = pooled.mean(0), np.maximum(pooled.std(0), 0.1)
    return [np.asarray(np.maximum((one - mean) / scale, _LOUDEST_BELOW), np.float32) for one in levels]


def _at(heard: Floats, pictures: int, lag: float) -> Floats:
    """Levels ``lag`` spectra later, [T, 4 K]."""
    return between(heard, np.arange(_EACH * pictures) + lag).reshape(pictures, -1)


def _lag(said: Floats, heard: Floats, start: int, end: int) -> float:
    """Where spectra ``start`` to ``end`` of a prediction [S, K] fit the sound best, in spectra, by a parabola."""
    first, last = max(start, _LAGS), min(end, len(said) - _LAGS)
    if last - first < 2:
        return 0.0
    ours = said[first:last] - said[first:last].mean(0)
    fits = []
    for lag in range(-_LAGS, _LAGS + 1):
        theirs = heard[first + lag : last + lag]
        theirs = theirs - theirs.mean(0)
        fits.append(float(np.vdot(ours, theirs)) / max(float(np.linalg.norm(ours) * np.linalg.norm(theirs)), 1e-9))
    top = int(np.argmax(fits))
    if not 0 < top < 2 * _LAGS:
        return float(top - _LAGS)
    return top - _LAGS + beside(fits, top)


def _ridge(seen: Sequence[Floats], wanted: Sequence[Floats]) -> Predictor:
    gram = np.zeros((seen[0].shape[1],) * 2)
    cross = np.zeros((seen[0].shape[1], wanted[0].shape[1]))
    for one, other in zip(seen, wanted, strict=True):
        gram += one.T @ one
        cross += one.T @ other
    found = np.linalg.solve(gram + _RIDGE * np.eye(len(gram)), cross).astype(np.float32)
    return lambda clips: [(clip @ found).reshape(_EACH * len(clip), -1) for clip in clips]


def _perceptron(seen: Sequence[Floats], wanted: Sequence[Floats], steps: int, seed: int) -> Predictor:
    rows, levels = torch.from_numpy(np.concatenate(seen)).bfloat16(), torch.from_numpy(np.concatenate(wanted))
    torch.manual_seed(seed)
    network = nn.Sequential(
        nn.Dropout(0.1), *_layer(rows.shape[1]), *_layer(_HIDDEN), nn.Linear(_HIDDEN, levels.shape[1])
    )
    optimiser = torch.optim.AdamW(network.parameters(), lr=_LEARNING_RATE, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, _LEARNING_RATE, max(steps, 2), pct_start=0.1)
    draws = torch.Generator().manual_seed(seed)
    for _ in range(steps):
        chosen = torch.randint(len(rows), (_BATCH,), generator=draws)
        optimiser.zero_grad()
        functional.l1_loss(_forward(network, rows[chosen]), levels[chosen]).backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()
    network.eval()

    def predict(clips: Sequence[Floats]) -> list[Floats]:
        with torch.inference_mode():
            return [_forward(network, torch.from_numpy(one)).numpy().reshape(_EACH * len(one), -1) for one in clips]

    return predict


def _layer(inputs: int) -> tuple[nn.Module, ...]:
    return nn.Linear(inputs, _HIDDEN), nn.LayerNorm(_HIDDEN), nn.GELU(), nn.Dropout(0.3)


def _forward(network: nn.Module, rows: Tensor) -> Tensor:
    with torch.autocast("cpu", dtype=torch.bfloat16):
        said: Tensor = network(rows)
    return said.float()
