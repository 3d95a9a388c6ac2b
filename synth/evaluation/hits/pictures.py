"""The report as pictures, to be looked at: what was predicted beside what is true.

matplotlib is an extra (``sonorize[eval]``); its figures are drawn without a screen.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from synth.dsp.cochleagram import COCHLEAGRAM_BANDS, COCHLEAGRAM_RATE_HZ
from synth.materials import MATERIALS
from synth.metrics import hits
from synth.voices.hits.sound_bank import window

if TYPE_CHECKING:
    from synth.evaluation.hits.clips import Judged

_FRAMES: Final = 8
_TRUE, _FOUND = "#1b7f5c", "#c8452b"


def draw(judged: Sequence[Judged], folder: Path) -> None:
    """Write one picture a clip, the mean cochleagram of each material, and the confusion of materials."""
    for one in judged:
        clip_picture(one, folder / f"clip-{one.seen.clip.name}.png")
    _mean_cochleagrams(judged, folder / "materials-mean-cochleagram.png")
    _confusion(judged, folder / "materials-confusion.png")


def new_figure(rows: int, columns: int, size: tuple[float, float], heights: Sequence[float] | None = None) -> Any:
    """A figure [inches] without a screen, and its axes [rows, columns]."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(layout="constrained", figsize=size)
    FigureCanvasAgg(figure)
    return figure, figure.subplots(rows, columns, squeeze=False, height_ratios=heights)


def clip_picture(one: Judged, target: Path) -> None:
    """Frames, onset probability with hits over the real waveform, and three cochleagrams."""
    figure, axes = new_figure(5, 1, (13, 10), [1.2, 1, 1, 1, 1])
    picked = np.linspace(0, len(one.seen.frames) - 1, _FRAMES).astype(int)
    axes[0, 0].imshow(np.concatenate(list(one.seen.frames[picked]), axis=1))
    axes[0, 0].set_axis_off()
    axes[0, 0].set_title(one.seen.clip.name)
    _waveform(axes[1, 0], one)
    for axis, name, envelopes in zip(
        axes[2:, 0],
        ("real", "predicted", "sounded from the bank"),
        (one.seen.real, one.predicted, one.sounded),
        strict=True,
    ):
        _cochleagram(axis, envelopes, one.seen.duration_s)
        axis.set_ylabel(name)
    axes[4, 0].set_xlabel("seconds")
    figure.savefig(target, dpi=80)


def _waveform(axis: Any, one: Judged) -> None:
    times_s = np.arange(len(one.seen.sound)) / one.seen.sound_rate_hz
    axis.plot(times_s, one.seen.sound / max(1e-6, float(np.abs(one.seen.sound).max())), color="0.75", linewidth=0.5)
    axis.plot(np.arange(len(one.onset)) / COCHLEAGRAM_RATE_HZ, one.onset, color="0.2", linewidth=1)
    for time_s in one.labels_s:
        axis.axvline(time_s, color=_TRUE, linewidth=2, alpha=0.7)
    for hit in one.hits:
        axis.plot([hit.time_s], [hit.confidence], "v", color=_FOUND, markersize=8)
        axis.annotate(hit.material, (hit.time_s, -0.95), fontsize=7, rotation=30, color=_FOUND)
    axis.set(xlim=(0, one.seen.duration_s), ylim=(-1, 1.05))
    axis.set_ylabel("labels |  found v")


def _cochleagram(axis: Any, envelopes: NDArray[np.float32], duration_s: float) -> None:
    axis.imshow(
        envelopes.T, origin="lower", aspect="auto", extent=(0, duration_s, 0, envelopes.shape[1]), vmin=0, vmax=0.8
    )


def _mean_cochleagrams(judged: Sequence[Judged], target: Path) -> None:
    """The paper's figure: the mean window of each material, of real and of predicted sound."""
    present = sorted({truth for one in judged for truth, _ in one.materials})
    figure, axes = new_figure(2, max(1, len(present)), (1.6 * max(1, len(present)) + 1, 4.5))
    for column, name in enumerate(present):
        moments = [(one, hit.time_s) for one in judged for hit in one.seen.clip.hits or () if hit.material == name]
        for row, label in enumerate(("real", "predicted")):
            sheets = [one.seen.real if label == "real" else one.predicted for one, _ in moments]
            cuts = [window(sheet, time_s).features for sheet, (_, time_s) in zip(sheets, moments, strict=True)]
            axes[row, column].imshow(np.mean(cuts, axis=0).reshape(-1, COCHLEAGRAM_BANDS).T, origin="lower")
            axes[row, column].set(xticks=[], yticks=[])
            axes[row, 0].set_ylabel(label)
        axes[0, column].set_title(f"{name} ({len(moments)})", fontsize=9)
    figure.savefig(target, dpi=100)


def _confusion(judged: Sequence[Judged], target: Path) -> None:
    pairs = [pair for one in judged for pair in one.materials]
    present = [name for name in MATERIALS if any(name in pair for pair in pairs)]
    counts = hits.confusion_matrix([t for t, _ in pairs], [g for _, g in pairs], present)
    figure, axes = new_figure(1, 1, (6.5, 6))
    axis = axes[0, 0]
    axis.imshow(counts / np.maximum(1, counts.sum(1, keepdims=True)), cmap="Greys", vmin=0, vmax=1)
    for row, column in zip(*np.nonzero(counts), strict=True):
        axis.annotate(str(counts[row, column]), (column, row), ha="center", va="center", color=_FOUND)
    axis.set(xticks=range(len(present)), yticks=range(len(present)), xlabel="heard as", ylabel="is")
    axis.set_xticklabels(present, rotation=60, ha="right")
    axis.set_yticklabels(present)
    figure.savefig(target, dpi=100)
