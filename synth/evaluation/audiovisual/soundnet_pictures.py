"""What SoundNet has learnt, to be looked at: the first filters as waveforms, and what excites later units most.

matplotlib is an extra (``sonorize[eval]``).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from synth.dsp.spectra import mel_spectrogram
from synth.evaluation.hits.pictures import new_figure
from synth.models.soundnet import RATE_HZ, SoundNet, filled

Sound = NDArray[np.float32]

_UNITS: Final = 8
_SOUNDS: Final = 5
_AROUND_S: Final = 1.0  # of a sound that is shown around the moment which excites a unit


def draw(net: SoundNet, sounds: Sequence[Sound], labels: Sequence[str], folder: Path) -> None:
    """Write ``conv1.png`` and, for the last layer before the heads, ``units-<layer>.png``."""
    filters(net, folder / "conv1.png")
    last = net.layer_names[-1]
    favourites(net, last, sounds, labels, folder / f"units-{last}.png")


def filters(net: SoundNet, target: Path) -> None:
    """The first layer's filters, the lowest in pitch first; each beside its spectrum's peak in Hz."""
    weight = net.state_dict()["convolutions.conv1.weight"].numpy()[:, 0]
    spectra = np.abs(np.fft.rfft(weight * np.hanning(weight.shape[1]), 512))
    peaks_hz = spectra.argmax(1) * RATE_HZ / 512
    columns = min(8, len(weight))
    rows = -(-len(weight) // columns)
    figure, axes = new_figure(rows, columns, (1.6 * columns, 1.3 * rows + 0.4))
    times_ms = np.arange(weight.shape[1]) / RATE_HZ * 1000
    for axis in axes.flat:
        axis.set_axis_off()
    for axis, unit in zip(axes.flat, np.argsort(peaks_hz, kind="stable"), strict=False):
        axis.plot(times_ms, weight[unit], color="#1b7f5c", linewidth=1)
        axis.set_title(f"{peaks_hz[unit]:.0f} Hz", fontsize=8)
    figure.suptitle(f"conv1, {times_ms[-1]:.1f} ms each", fontsize=9)
    figure.savefig(target, dpi=100)


def favourites(net: SoundNet, layer: str, sounds: Sequence[Sound], labels: Sequence[str], target: Path) -> None:
    """For the units that tell classes apart best, spectrograms of the sounds that excite them most."""
    heard = [net.hear(filled(sound, net.shortest), (layer,))[layer] for sound in sounds]
    highest = np.stack([steps.max(0) for steps in heard])
    units = telling_units(highest, labels, _UNITS)
    figure, axes = new_figure(len(units), _SOUNDS, (2.1 * _SOUNDS, 1.3 * len(units) + 0.4))
    for row, unit in enumerate(units):
        for column, clip in enumerate(np.argsort(-highest[:, unit], kind="stable")[:_SOUNDS]):
            axis = axes[row, column]
            at_s = (int(heard[clip][:, unit].argmax()) + 0.5) / len(heard[clip]) * len(sounds[clip]) / RATE_HZ
            axis.imshow(_spectrogram(sounds[clip], at_s), origin="lower", aspect="auto", cmap="magma")
            axis.set(xticks=[], yticks=[])
            axis.set_title(labels[clip].replace("_", " "), fontsize=8)
        axes[row, 0].set_ylabel(f"unit {unit}", fontsize=8)
    figure.suptitle(f"{layer}: what excites a unit most, a second each, 0 to 11 kHz (mel)", fontsize=9)
    figure.savefig(target, dpi=90)


def telling_units(highest: NDArray[Any], labels: Sequence[str], count: int) -> list[int]:
    """Of units' highest answers to clips [n, D], those that one class excites more than all others; one a class first.

    A unit is for the class whose mean answer is highest; how much tells is that mean less the next one's, in
    deviations.
    """
    names = sorted(set(labels))
    means = np.stack([highest[[label == name for label in labels]].mean(0) for name in names])
    ordered = np.sort(means, axis=0)
    lead = (ordered[-1] - ordered[-2]) / (highest.std(0) + 1e-9) if len(names) > 1 else highest.std(0)
    best = means.argmax(0)
    chosen: list[int] = []
    seen: set[int] = set()
    for unit in np.argsort(-lead, kind="stable"):
        if int(best[unit]) not in seen:
            seen.add(int(best[unit]))
            chosen.append(int(unit))
    rest = [int(unit) for unit in np.argsort(-lead, kind="stable") if int(unit) not in chosen]
    return (chosen + rest)[:count]


def _spectrogram(sound: Sound, at_s: float) -> NDArray[np.float32]:
    """[64, T] in dB of a second around a moment."""
    count = round(_AROUND_S * RATE_HZ)
    first = int(np.clip(round((at_s - _AROUND_S / 2) * RATE_HZ), 0, max(0, len(sound) - count)))
    mel = mel_spectrogram(sound[first : first + count], RATE_HZ, window=1024, hop=256, bands=64, high_hz=11_000.0)
    level = 10 * np.log10(mel.T + 1e-10)
    return np.asarray(np.maximum(level, level.max() - 60), np.float32)
