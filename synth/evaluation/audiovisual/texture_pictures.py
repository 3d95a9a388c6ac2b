"""Sound textures to be looked at: clusters with frames and mean statistic, frames beside cochleagrams, units' patches.

The displays of Owens et al. (ECCV 2016, arXiv 1608.07017). matplotlib is an extra (``sonorize[eval]``).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from synth.data.corpora.av_clip import RATE_HZ
from synth.description.textures import TextureReader
from synth.dsp.cochleagram import cochleagram, erb_cutoffs_hz
from synth.evaluation.audiovisual.soundnet import Corpus
from synth.evaluation.hits.pictures import new_figure
from synth.models import sound_texture
from synth.models.sound_texture import BANDS
from synth.training.audiovisual import soundnet_data
from synth.training.audiovisual.data import AVData
from synth.training.audiovisual.texture import Heard, assigned

_FRAMES: Final = 7
_CLUSTERS: Final = 12
_PAIRS: Final = 8
_UNITS: Final = 8
_PATCHES: Final = 7
_PATCH: Final = 3  # positions of the unit's map on a side


def draw(reader: TextureReader, test: Heard, known: Corpus, folder: Path) -> None:
    """Write ``clusters.png``, ``pairs.png``, ``patches.png`` and ``classes-mean-cochleagram.png``."""
    clusters(reader, test, folder / "clusters.png")
    pairs(test.data, known, folder / "pairs.png")
    patches(reader, test, folder / "patches.png")
    means_by_class(known, folder / "classes-mean-cochleagram.png")


def clusters(reader: TextureReader, test: Heard, target: Path) -> None:
    """A row a cluster: pictures whose sounds are of it, and the mean level of each band of its sounds."""
    found = assigned(reader.clusters, test.textures)[:, 0]
    sizes = np.bincount(found, minlength=len(reader.names))
    rows = [int(number) for number in np.argsort(-sizes, kind="stable")[:_CLUSTERS] if sizes[number]]
    figure, axes = new_figure(len(rows), _FRAMES + 1, (1.3 * (_FRAMES + 1) + 0.6, 1.3 * len(rows)))
    centres_hz = erb_cutoffs_hz(BANDS)
    for row, cluster in enumerate(rows):
        for axis in axes[row, :_FRAMES]:
            axis.set(xticks=[], yticks=[], frame_on=False)
        for axis, clip in zip(axes[row, :_FRAMES], np.flatnonzero(found == cluster), strict=False):
            axis.imshow(test.data.pictures[test.data.clips[clip].first])
            axis.set_title(", ".join(test.data.clips[clip].labels).replace("_", " ") or "silence", fontsize=6)
        axes[row, 0].set_ylabel(f"{cluster}: {reader.names[cluster]}", fontsize=7)
        last = axes[row, _FRAMES]
        last.barh(np.arange(BANDS), reader.clusters.bands[cluster], color="#1b7f5c", height=1.0)
        last.set(xlim=(0, max(0.05, float(reader.clusters.bands[rows].max()))), xticks=[], yticks=[0, 10, 20, 30])
        last.set_yticklabels([f"{centres_hz[band]:.0f} Hz" for band in (0, 10, 20, 30)], fontsize=5)
    figure.savefig(target, dpi=100)


def pairs(data: AVData, known: Corpus, target: Path) -> None:
    """Frames beside the cochleagram of a recording of what sounds in them, 3.75 s, 32 bands."""
    shown: list[int] = []
    for number, clip in enumerate(data.clips):
        fresh = clip.labels and clip.labels[0] not in {data.clips[one].labels[0] for one in shown}
        if fresh and clip.labels[0] in known.labels:
            shown.append(number)
    shown = shown[:_PAIRS]
    figure, axes = new_figure(2, max(1, len(shown)), (1.9 * max(1, len(shown)), 3.6))
    for column, number in enumerate(shown):
        clip = data.clips[number]
        sound = known.sounds[known.labels.index(clip.labels[0])][: round(sound_texture.WINDOW_S * RATE_HZ)]
        axes[0, column].imshow(data.pictures[clip.first])
        axes[0, column].set_title(", ".join(clip.labels).replace("_", " "), fontsize=8)
        levels = cochleagram(soundnet_data.levelled(sound), RATE_HZ, bands=BANDS, steps_hz=100)
        axes[1, column].imshow(levels.T, origin="lower", aspect="auto", cmap="magma", vmin=0)
        for row in range(2):
            axes[row, column].set(xticks=[], yticks=[])
    figure.savefig(target, dpi=100)


def patches(reader: TextureReader, test: Heard, target: Path) -> None:
    """A row a unit: the patches of held-out pictures that excite it most, one a clip."""
    data = test.data
    numbers = np.arange(len(data.clip_of))
    with torch.inference_mode():
        maps = np.concatenate(
            [
                reader.net.maps(data.seen(numbers[first : first + 32], reader.net.config.vision)).numpy()
                for first in range(0, len(numbers), 32)
            ]
        )
    peaks = maps.max((2, 3))
    lead = (np.sort(peaks, axis=0)[-_PATCHES:].mean(0) - peaks.mean(0)) / (peaks.std(0) + 1e-6)
    figure, axes = new_figure(_UNITS, _PATCHES, (1.2 * _PATCHES + 0.5, 1.25 * _UNITS))
    for row, unit in enumerate(np.argsort(-lead, kind="stable")[:_UNITS]):
        for axis in axes[row]:
            axis.set(xticks=[], yticks=[])
        seen: set[int] = set()
        for number in np.argsort(-peaks[:, unit], kind="stable"):
            clip = int(data.clip_of[number])
            if clip in seen or len(seen) == _PATCHES:
                continue
            axis = axes[row, len(seen)]
            seen.add(clip)
            axis.imshow(patch(data.pictures[number], maps[number, unit]))
            axis.set_title(", ".join(data.clips[clip].labels).replace("_", " ") or "silence", fontsize=6)
        axes[row, 0].set_ylabel(f"unit {unit}", fontsize=7)
    figure.savefig(target, dpi=100)


def patch(picture: NDArray[np.uint8], heat: NDArray[Any]) -> NDArray[np.uint8]:
    """The square of a picture [H, W, 3] around the highest place of a map, three of its positions wide."""
    rows, columns = heat.shape
    top, left = np.unravel_index(int(heat.argmax()), heat.shape)
    height, width = picture.shape[0] / rows, picture.shape[1] / columns
    first_row = int(np.clip(top - _PATCH // 2, 0, max(0, rows - _PATCH)) * height)
    first_column = int(np.clip(left - _PATCH // 2, 0, max(0, columns - _PATCH)) * width)
    return picture[
        first_row : first_row + max(1, round(_PATCH * height)),
        first_column : first_column + max(1, round(_PATCH * width)),
    ]


def means_by_class(known: Corpus, target: Path) -> None:
    """The mean over its recordings of each class's cochleagram, 3.75 s, sounds brought to one level."""
    names = sorted(set(known.labels))
    columns = min(5, len(names))
    rows = -(-len(names) // columns)
    figure, axes = new_figure(rows, columns, (2.2 * columns, 1.7 * rows))
    count = round(sound_texture.WINDOW_S * RATE_HZ)
    for axis in axes.flat:
        axis.set_axis_off()
    for axis, name in zip(axes.flat, names, strict=False):
        some = [sound for sound, label in zip(known.sounds, known.labels, strict=True) if label == name][:12]
        sheets = [
            cochleagram(soundnet_data.levelled(np.resize(one, count)), RATE_HZ, bands=BANDS, steps_hz=50)
            for one in some
        ]
        axis.imshow(np.mean(sheets, axis=0).T, origin="lower", aspect="auto", cmap="magma", vmin=0)
        axis.set_title(name.replace("_", " "), fontsize=8)
    figure.savefig(target, dpi=100)
