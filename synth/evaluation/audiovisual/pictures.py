"""The lecture's displays for what was learnt from sound and sight, drawn with matplotlib (the ``eval`` extra).

Neighbours across modalities, pictures and spectrograms that a unit likes most with where it likes them, heat maps of
sounding things. Each function writes one or two PNG files.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from synth.errors import OptionError
from synth.models.l3net import L3Net, log_mel
from synth.training.audiovisual.correspondence import Features
from synth.training.audiovisual.data import AVData

UNITS: Final = 6
_BEST: Final = 5
_SHOWN: Final = 8


def _axes(rows: int, columns: int, size: float = 1.6) -> tuple[Any, Any]:
    try:
        import matplotlib
    except ImportError as error:
        raise OptionError("matplotlib is not installed; pip install 'sonorize[eval]' brings it") from error
    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(rows, columns, figsize=(size * columns, size * rows), squeeze=False)
    for one in axes.flat:
        one.set_xticks([])
        one.set_yticks([])
    return figure, axes


def _save(figure: Any, target: Path) -> None:
    from matplotlib import pyplot

    target.parent.mkdir(parents=True, exist_ok=True)
    figure.tight_layout(pad=0.4)
    figure.savefig(target, dpi=90)
    pyplot.close(figure)


def neighbours(found: Features, data: AVData, target: Path) -> None:
    """A row a query: a sound and the pictures nearest to it; the same for pictures and sounds (their spectrograms)."""
    queries = np.linspace(0, len(data.clips) - 1, _SHOWN).astype(int)
    figure, axes = _axes(2 * _SHOWN, _BEST + 1)
    for row, query in enumerate(queries):
        for across, (mine, theirs) in enumerate(((found.sounds, found.pictures), (found.pictures, found.sounds))):
            order = np.argsort(-(theirs @ mine[query]))[:_BEST]
            line = axes[2 * row + across]
            (_spectrogram if across == 0 else _picture)(line[0], data, int(query))
            line[0].set_ylabel("sound" if across == 0 else "picture", fontsize=7)
            for place, number in enumerate(order):
                (_picture if across == 0 else _spectrogram)(line[place + 1], data, int(number))
    _save(figure, target)


def _picture(axis: Any, data: AVData, clip: int) -> None:
    axis.imshow(data.pictures[data.clips[clip].first])
    axis.set_title(", ".join(data.clips[clip].labels), fontsize=6)


def _spectrogram(axis: Any, data: AVData, clip: int) -> None:
    axis.imshow(np.asarray(data.mels[clip, 0, :, :200], np.float32), origin="lower", aspect="auto", cmap="magma")
    axis.set_title(", ".join(data.clips[clip].labels), fontsize=6)


def units(net: L3Net, data: AVData, folder: Path) -> None:
    """``l3-pictures.png`` and ``l3-sounds.png``: a row a unit, what excites it most, and where."""
    with torch.inference_mode():
        seen = net.picture(data.seen(list(range(len(data.pictures))), net.config.vision)).numpy()
        mels = np.asarray(data.mels[:, 0, :, :200], np.float32)
        told = net.sound(torch.from_numpy(mels)).numpy()
    _rows(
        seen,
        lambda axis, number: axis.imshow(data.pictures[number]),
        lambda number: ", ".join(data.clips[data.clip_of[number]].labels),
        folder / "l3-pictures.png",
    )
    _rows(
        told,
        lambda axis, number: axis.imshow(mels[number], origin="lower", aspect="auto", cmap="gray"),
        lambda number: ", ".join(data.clips[number].labels),
        folder / "l3-sounds.png",
        flipped=True,
    )


def _rows(
    maps: NDArray[np.float32],
    show: Callable[[Any, int], Any],
    name: Callable[[int], str],
    target: Path,
    *,
    flipped: bool = False,
) -> None:
    """The units that differ most between items, the items each likes best, the unit's map over them."""
    peaks = maps.max((2, 3))
    contrast = (np.sort(peaks, axis=0)[-_BEST:].mean(0) - peaks.mean(0)) / (peaks.std(0) + 1e-6)
    figure, axes = _axes(UNITS, _BEST)
    for row, unit in enumerate(np.argsort(-contrast)[:UNITS]):
        for column, number in enumerate(np.argsort(-peaks[:, unit])[:_BEST]):
            axis = axes[row, column]
            show(axis, int(number))
            height, width = (int(axis.get_images()[0].get_array().shape[side]) for side in (0, 1))
            heat = cv2.resize(maps[number, unit], (width, height), interpolation=cv2.INTER_LINEAR)
            axis.imshow(
                heat, cmap="inferno", alpha=0.5, aspect="auto" if flipped else None, origin="lower" if flipped else None
            )
            axis.set_title(name(int(number)), fontsize=6)
        axes[row, 0].set_ylabel(f"unit {unit}", fontsize=7)
    _save(figure, target)


def heat_maps(
    maps_of: Callable[[NDArray[np.float16], NDArray[np.float32]], NDArray[np.float32]], data: AVData, target: Path
) -> None:
    """Scenes with what sounds in a box; beside them the maps for their own sound, another's, and silence."""
    mixed = [n for n, clip in enumerate(data.clips) if any(box.sounding for box in clip.boxes[0])]
    shown: Sequence[int] = [mixed[int(at)] for at in np.linspace(0, len(mixed) - 1, _SHOWN)]
    figure, axes = _axes(_SHOWN, 4)
    silence = log_mel(np.zeros(4 * 22050, np.float32))
    for row, number in enumerate(shown):
        clip = data.clips[number]
        other = data.clips[mixed[(mixed.index(number) + len(mixed) // 2) % len(mixed)]]
        sounds = (
            (", ".join(clip.labels), data.mels[number, 0, :, :200]),
            (f"wrong: {', '.join(other.labels)}", data.mels[data.clips.index(other), 0, :, :200]),
            ("silence", silence),
        )
        _boxes(axes[row, 0], data, number)
        for column, (title, mel) in enumerate(sounds, 1):
            found = maps_of(data.maps[clip.first][None], np.asarray(mel, np.float32))[0]
            axes[row, column].imshow(data.pictures[clip.first], extent=(0, 14, 14, 0))
            axes[row, column].imshow(found, cmap="inferno", alpha=0.55, vmin=0, vmax=1, extent=(0, 14, 14, 0))
            axes[row, column].set_title(f"{title} ({found.max():.2f})", fontsize=6)
    _save(figure, target)


def _boxes(axis: Any, data: AVData, number: int) -> None:
    picture = data.pictures[data.clips[number].first].copy()
    side = picture.shape[0]
    for box in data.clips[number].boxes[0]:
        colour = (0, 255, 0) if box.sounding else (255, 60, 60)
        corners = [round(value * side) for value in (box.left, box.top, box.right, box.bottom)]
        cv2.rectangle(picture, (corners[0], corners[1]), (corners[2], corners[3]), colour, 1)
    axis.imshow(picture)
