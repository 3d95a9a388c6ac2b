"""The ambient report as pictures: what was made beside what is real, who takes it for what, how training went.

matplotlib is an extra (``sonorize[eval]``); its figures are drawn without a screen.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from synth.dsp.spectra import mel_spectrogram
from synth.errors import MediaError
from synth.evaluation.ambient.yamnet import RATE_HZ
from synth.evaluation.hits.pictures import new_figure
from synth.metrics.hits import confusion_matrix

if TYPE_CHECKING:
    from synth.evaluation.ambient.judged_sets import Judged, Verdict

_MADE: Final = 8
_REAL: Final = 3
_COLUMN: Final = 256  # samples that share a column of a waveform
_COLOURS: Final = {"made": "#c8452b", "real": "#1b7f5c", "shaped": "#5b6b9e"}

Sound = NDArray[np.float32]


def draw(judged: Judged, verdicts: Sequence[Verdict], result: Mapping[str, Any], folder: Path) -> None:
    """Write one sheet a class, the confusions of every judge, and accuracies beside floors and ceilings."""
    for label in judged.classes:
        shaped = judged.shaped.of_class(label)[:_REAL] if judged.shaped else []
        sheet(
            label,
            judged.generated.of_class(label)[:_MADE],
            judged.held_out.of_class(label)[:_REAL],
            shaped,
            folder / f"ambient-{label}.png",
        )
    overview(judged, folder / "ambient-overview.png")
    confusions(verdicts, judged.generated.labels, judged.classes, folder / "ambient-confusion.png")
    accuracies(result["class_accuracy"], folder / "ambient-accuracy.png")


def sheet(label: str, made: Sequence[Sound], real: Sequence[Sound], shaped: Sequence[Sound], target: Path) -> None:
    """Waveform and log-mel spectrogram of what was made; below it real sounds, and noise with the same band levels."""
    columns = max(_MADE, len(made))
    figure, axes = new_figure(4, columns, (2.4 * columns, 7.2), [1, 1.6, 1, 1.6])
    for axis in axes.flat:
        axis.set_axis_off()
    for column, sound in enumerate(made):
        _sound(axes[:2, column], sound, f"made, seed {column}", _COLOURS["made"])
    for column, sound in enumerate(real):
        _sound(axes[2:, column], sound, "real, held out", _COLOURS["real"])
    for column, sound in enumerate(shaped):
        _sound(axes[2:, _REAL + column], sound, "noise, same levels", _COLOURS["shaped"])
    figure.suptitle(label.replace("_", " "))
    figure.savefig(target, dpi=70)


def overview(judged: Judged, target: Path) -> None:
    """Log-mel spectrograms, one row a class, two of each: real ones, the floor, another build's or without fine
    structure, and what was made."""
    names = {"shaped": "floor: noise, same levels", "plain": "without fine structure"}
    if judged.beside is not None:
        names = {"shaped": names["shaped"], "beside": "another build"}
    further = {name: judged.further[key] for key, name in names.items() if key in judged.further}
    sets = {"real, held out": judged.held_out, **further, "made": judged.generated}
    columns = [(name, one, number) for name, one in sets.items() for number in range(2)]
    rows = len(judged.classes)
    figure, axes = new_figure(rows, len(columns), (1.9 * len(columns), 1.05 * rows), [1] * rows)
    for number_of_row, (row, label) in enumerate(zip(axes, judged.classes, strict=True)):
        for axis, (name, one, number) in zip(row, columns, strict=True):
            known = one.of_class(label)
            _spectrogram(axis, known[number % len(known)])
            axis.set(xticks=[])
            if number_of_row == 0:
                axis.set_title(name, fontsize=9)
        row[0].set_ylabel(label.replace("_", "\n"), fontsize=9)
    figure.savefig(target, dpi=80)


def _sound(axes: Any, sound: Sound, title: str, colour: str) -> None:
    duration_s = len(sound) / RATE_HZ
    axes[0].set_axis_on()
    columns = np.pad(sound, (0, -len(sound) % _COLUMN)).reshape(-1, _COLUMN)
    times_s = np.arange(len(columns)) * _COLUMN / RATE_HZ
    axes[0].fill_between(times_s, columns.min(1), columns.max(1), color=colour, linewidth=0.3)
    axes[0].set(xlim=(0, duration_s), ylim=(-1, 1), xticks=[], yticks=[])
    axes[0].set_title(title, fontsize=8)
    axes[1].set_axis_on()
    _spectrogram(axes[1], sound)


def _spectrogram(axis: Any, sound: Sound) -> None:
    mel = mel_spectrogram(sound, RATE_HZ, window=1024, hop=256, bands=80, low_hz=40.0)
    extent = (0, len(sound) / RATE_HZ, 0, 1)
    axis.imshow(10 * np.log10(mel + 1e-7).T, origin="lower", aspect="auto", extent=extent, vmin=-60, vmax=20)
    axis.set(yticks=[])
    axis.tick_params(labelsize=6)


def confusions(verdicts: Sequence[Verdict], asked: Sequence[str], classes: Sequence[str], target: Path) -> None:
    """One column a judge: what real sounds are taken for above, generated ones below."""
    figure, axes = new_figure(2, len(verdicts), (4.2 * len(verdicts), 8.6))
    for column, verdict in enumerate(verdicts):
        _confusion(axes[0, column], verdict.real_labels, verdict.real, classes)
        _confusion(axes[1, column], asked, verdict.generated, classes)
        axes[0, column].set_title(f"{verdict.name}\nreal", fontsize=9)
        axes[1, column].set_title("generated", fontsize=9)
        axes[1, column].set_xlabel("taken for")
    axes[0, 0].set_ylabel("is")
    axes[1, 0].set_ylabel("was asked for")
    figure.savefig(target, dpi=80)


def _confusion(axis: Any, truth: Sequence[str], taken: Sequence[str], classes: Sequence[str]) -> None:
    counts = confusion_matrix(truth, taken, classes)
    axis.imshow(counts / np.maximum(1, counts.sum(1, keepdims=True)), cmap="Greys", vmin=0, vmax=1)
    for row, column in zip(*np.nonzero(counts), strict=True):
        axis.annotate(str(counts[row, column]), (column, row), ha="center", va="center", color="#c8452b", fontsize=8)
    axis.set(xticks=range(len(classes)), yticks=range(len(classes)))
    axis.set_xticklabels([name.replace("_", " ") for name in classes], rotation=60, ha="right", fontsize=7)
    axis.set_yticklabels([name.replace("_", " ") for name in classes], fontsize=7)


def accuracies(figures: Mapping[str, Any], target: Path) -> None:
    """Class accuracy of every judge: floor, control, generated and ceiling, with 95 % intervals."""
    judges = [name for name in figures if name != "chance"]
    first = figures[judges[0]]
    rows = [name for name, one in first.items() if isinstance(one, Mapping) and "accuracy" in one]
    figure, axes = new_figure(1, 1, (2.2 + 2.2 * len(judges), 4.5))
    axis = axes[0, 0]
    for k, row in enumerate(rows):
        known = [(x, figures[name][row]) for x, name in enumerate(judges) if figures[name][row] is not None]
        places = [x + (k - len(rows) / 2) / (len(rows) + 1) for x, _ in known]
        heights = [one["accuracy"] for _, one in known]
        # Rounding may leave an end of an interval a hair inside of its share.
        below = [max(0.0, one["accuracy"] - one["interval_95"][0]) for _, one in known]
        above = [max(0.0, one["interval_95"][1] - one["accuracy"]) for _, one in known]
        axis.bar(places, heights, 1 / (len(rows) + 1), yerr=[below, above], label=row, error_kw={"linewidth": 0.8})
    axis.axhline(figures["chance"], color="0.4", linewidth=0.8, linestyle=":")
    axis.set(xticks=range(len(judges)), ylim=(0, 1), ylabel="class accuracy")
    axis.set_xticklabels(judges, fontsize=8)
    figure.legend(fontsize=7, loc="outside lower center", ncols=3)
    figure.savefig(target, dpi=100)


def bits_bars(bits: Mapping[str, float], target: Path) -> None:
    """Bits a sample by name, least last: uniform and unigram floors beside the variants."""
    ordered = sorted(bits.items(), key=lambda pair: -pair[1])
    figure, axes = new_figure(1, 1, (7, 0.4 * len(ordered) + 1))
    axes[0, 0].barh([name for name, _ in ordered], [value for _, value in ordered], color="0.6")
    for row, (_, value) in enumerate(ordered):
        axes[0, 0].annotate(f"{value:.3f}", (value, row), fontsize=8, va="center")
    axes[0, 0].set_xlabel("bits a sample, held out (less is better)")
    figure.savefig(target, dpi=100)


def training_curves(logs: Mapping[str, Path], target: Path, figure_name: str = "bits") -> None:
    """One line a run: a figure of its ``log.jsonl`` over steps.

    Raises:
        MediaError: a log is missing or holds no such figure.
    """
    figure, axes = new_figure(1, 1, (8, 4.5))
    for name, log in logs.items():
        steps, values = read_log(log, figure_name)
        axes[0, 0].plot(steps, values, linewidth=1, label=f"{name} ({values[-1]:.3f})")
    axes[0, 0].set(xlabel="steps", ylabel=f"{figure_name}, in training")
    axes[0, 0].legend(fontsize=8)
    figure.savefig(target, dpi=100)


def read_log(log: Path, figure_name: str) -> tuple[list[int], list[float]]:
    """Steps and values of one figure of a run's ``log.jsonl``.

    Raises:
        MediaError: the log is missing or holds no such figure.
    """
    try:
        rows = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines() if line]
        found = [(int(row["step"]), float(row[figure_name])) for row in rows]
    except (OSError, KeyError, ValueError, TypeError) as error:
        raise MediaError(f"{log} is no log of a training run with {figure_name!r}: {error!r}") from error
    if not found:
        raise MediaError(f"{log} is empty")
    return [step for step, _ in found], [value for _, value in found]
