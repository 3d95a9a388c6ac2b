"""Heat maps of the localizer, to be looked at: for the right sound, for another one and for silence.

matplotlib is an extra (``sonorize[eval]``); its figures are drawn without a screen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from synth.boxes import Box
from synth.data.corpora.av_clip import RATE_HZ
from synth.description.localization import AttentionReader
from synth.evaluation.audiovisual.pointing import cases
from synth.evaluation.hits.pictures import new_figure
from synth.metrics.localization import enlarged
from synth.models.attention_localizer import AttentionLocalizer
from synth.models.l3net import log_mel
from synth.training.audiovisual.data import AVData

if TYPE_CHECKING:
    from synth.evaluation.audiovisual.marked_frames import Frame

_ROWS: Final = 10
_SOUNDING, _SILENT = "#39d98a", "#ff6b57"
Mel = NDArray[np.float32]


def draw(nets: Mapping[str, AttentionLocalizer], test: AVData, frames: Sequence[Frame], out: Path) -> None:
    """Write ``localizer-<net>.png`` for each net, and ``localizer-real.png`` of the first one."""
    out.mkdir(parents=True, exist_ok=True)
    for name, net in nets.items():
        scenes(AttentionReader(net), test, out / f"localizer-{name}.png")
    if frames:
        real_frames(AttentionReader(next(iter(nets.values()))), frames, out / "localizer-real.png")


def scenes(reader: AttentionReader, test: AVData, target: Path) -> None:
    """A row a scene with a silent thing: the picture, then its maps with four sounds."""
    some = [case for case in cases(test) if case.silent][:_ROWS]
    silence = log_mel(np.zeros(4 * RATE_HZ, np.float32))
    columns = ("what is there", "own sound", "sound of the silent thing", "sound of another scene", "silence")
    figure, axes = new_figure(len(some), len(columns), (2.2 * len(columns), 2.3 * len(some)))
    for row, case in zip(axes, some, strict=True):
        boxes = (*case.sounding, *case.silent)
        _show(row[0], test.pictures[case.picture], None, boxes)
        sounds: tuple[Mel | None, ...] = (
            mel_of(test, case.clip),
            next((mel_of(test, k) for k, c in enumerate(test.clips) if c.labels == (case.silent[0].label,)), None),
            mel_of(test, (case.clip + len(test.clips) // 2) % len(test.clips)),
            silence,
        )
        for axis, mel in zip(row[1:], sounds, strict=True):
            if mel is None:
                axis.set_axis_off()
                continue
            found, firmness = reader.maps_of(test.maps[case.picture][None], mel)
            _show(axis, test.pictures[case.picture], found[0], boxes)
            axis.set_xlabel(f"firmness {firmness:.2f}", fontsize=8)
        row[0].set_xlabel(" + ".join(box.label for box in case.sounding), fontsize=8)
    for axis, title in zip(axes[0], columns, strict=True):
        axis.set_title(title, fontsize=9)
    figure.savefig(target, dpi=70)


def real_frames(reader: AttentionReader, frames: Sequence[Frame], target: Path) -> None:
    """Marked frames of real clips with their own sound."""
    columns = 8
    rows = -(-len(frames) // columns)
    figure, axes = new_figure(rows, columns, (1.9 * columns, 2.1 * rows))
    for axis in axes.flat:
        axis.set_axis_off()
    for axis, frame in zip(axes.flat, frames, strict=False):
        found, firmness = reader.maps_of(frame.maps, frame.mel)
        axis.set_axis_on()
        _show(axis, frame.picture, found[0], (frame.box,))
        axis.set_xlabel(f"{frame.box.label} {firmness:.2f}", fontsize=8)
    figure.savefig(target, dpi=70)


def mel_of(data: AVData, clip: int) -> Mel:
    """The spectrogram of a whole clip."""
    return np.asarray(data.mels[clip, 0], np.float32)


def _show(axis: Any, picture: NDArray[np.uint8], found: NDArray[np.float32] | None, boxes: Sequence[Box]) -> None:
    side = picture.shape[0]
    axis.imshow(picture)
    if found is not None:
        axis.imshow(enlarged(found, side), cmap="inferno", vmin=0, vmax=1, alpha=0.6)
    for box in boxes:
        x, y = np.array([box.left, box.right]) * side, np.array([box.top, box.bottom]) * side
        colour = _SOUNDING if box.sounding else _SILENT
        axis.plot(x[[0, 1, 1, 0, 0]], y[[0, 0, 1, 1, 0]], color=colour, linewidth=1.2)
    axis.set(xticks=[], yticks=[], xlim=(0, side), ylim=(side, 0))
