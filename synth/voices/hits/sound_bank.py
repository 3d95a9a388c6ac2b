"""A sound bank: exemplars of hits and scratches that are found by how they sound, and pasted.

Example-based synthesis as in Owens et al., "Visually Indicated Sounds" (CVPR 2016, arXiv 1512.08512): a window of
half a second of predicted envelopes around each predicted hit is compared (L1) with the windows of the exemplars; the
nearest one's waveform is transferred. Ours differs in two ways: windows are compared without their background and at
equal loudness, which a gain restores, so that one exemplar serves soft and hard hits. A bank is one safetensors file.

Shapes: M = exemplars, N = samples, T = time steps at 90 Hz, W = 45 steps of a window, F = 42 bands.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save as as_safetensors

from synth.dsp.cochleagram import COCHLEAGRAM_BANDS, COCHLEAGRAM_RATE_HZ, COMPRESSION
from synth.dsp.resampling import resample
from synth.errors import MediaError, OptionError, WeightsError
from synth.files import write_whole
from synth.materials import MATERIALS
from synth.shapes import Arrays

Floats = NDArray[np.float32]

WINDOW_HALF_STEPS: Final = 22  # 0.24 s on either side of the hit
WINDOW_STEPS: Final = 2 * WINDOW_HALF_STEPS + 1
FEATURES: Final = WINDOW_STEPS * COCHLEAGRAM_BANDS
BANK_RATE_HZ: Final = 48_000
_BACKGROUND_SHARE: Final = 0.15
ACTIONS: Final = ("hit", "scratch", "step")
STRUCK: Final = ("hit", "scratch")
"""The actions of a drumstick, between which a search chooses where none is asked for; a step has to be asked for."""

FORMAT: Final = "sonorize-bank"
VERSION: Final = 1
_TENSORS: Final = ("waveforms", "ends", "contacts", "features", "loudness")


@dataclass(frozen=True)
class Window:
    """What is heard within a quarter of a second of a moment.

    Attributes:
        features: [W * F] envelopes without their background, time-major, divided by ``loudness``; zeros in silence.
        loudness: largest L2 norm over bands of one step, in units of compressed envelopes.
    """

    features: Floats
    loudness: float


def window(envelopes: NDArray[Any], time_s: float) -> Window:
    """The window of a cochleagram [T, F] around ``time_s``; beyond the ends there is silence.

    A sound that is ``g`` times as strong has envelopes ``g ** 0.3`` times as large: the division leaves the same
    features. A band's background is what it exceeds in 85 of 100 steps; it is taken off, because rooms hiss and
    computed sounds do not: the computed hit nearest to a real one then is of the right material in 25% of the cases,
    with the background left in 14% (class average over 9 materials, 60 hits of Greatest Hits; chance is 6%).
    """
    first = round(time_s * COCHLEAGRAM_RATE_HZ) - WINDOW_HALF_STEPS
    cut = np.zeros((WINDOW_STEPS, COCHLEAGRAM_BANDS), np.float32)
    found = np.maximum(envelopes[max(first, 0) : max(first + WINDOW_STEPS, 0)], 0)
    if len(found):
        background = np.quantile(found, _BACKGROUND_SHARE, axis=0)
        cut[max(-first, 0) : max(-first, 0) + len(found)] = np.maximum(found - background, 0)
    loudness = float(np.linalg.norm(cut, axis=1).max())
    return Window((cut / loudness if loudness > 0 else cut).ravel(), loudness)


@dataclass(frozen=True, repr=False)
class Exemplar(Arrays):
    """One sound of a bank.

    Attributes:
        name: unique in its bank.
        material: one of :data:`synth.materials.MATERIALS`.
        action: ``"hit"``, ``"scratch"`` or ``"step"``.
        waveform: float16 [N] at the bank's rate.
        contact: the sample at which the stick touches.
        features: [W * F] of :func:`window`.
        loudness: of :func:`window`; tells strong hits from weak ones.
    """

    name: str
    material: str
    action: str
    waveform: NDArray[np.float16]
    contact: int
    features: NDArray[np.float16]
    loudness: float

    def __post_init__(self) -> None:
        self.require(waveform="N", features="D")

    @property
    def sound(self) -> Floats:
        """The waveform [N] as float32."""
        return self.waveform.astype(np.float32)

    def gain_for(self, loudness: float) -> float:
        """Factor on the waveform that gives it ``loudness``: the inverse of the compression of envelopes."""
        return (max(loudness, 0.0) / self.loudness) ** (1 / COMPRESSION) if self.loudness > 0 else 0.0


@dataclass(frozen=True)
class Match:
    """One answer of :meth:`Bank.nearest`: which exemplar, and its L1 distance."""

    index: int
    distance: float


@dataclass(frozen=True)
class Bank:
    """Exemplars that share a rate, with where they are from.

    Attributes:
        exemplars: in a fixed order, at least one.
        licence: under which the bank may be used.
        source: what the sounds are: computed, or whose recordings.
        how: how the bank was made, in a sentence.
        rate_hz: of all waveforms.

    Raises:
        OptionError: no exemplar at all, a name that comes twice, or an unknown material or action.
    """

    exemplars: tuple[Exemplar, ...]
    licence: str
    source: str
    how: str
    rate_hz: int = BANK_RATE_HZ
    _places: dict[str, int] = field(init=False, repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        if not self.exemplars:
            raise OptionError("a sound bank needs at least one sound")
        for index, one in enumerate(self.exemplars):
            if one.material not in MATERIALS:
                raise OptionError(f"sound {one.name!r} has material {one.material!r}; allowed: {', '.join(MATERIALS)}")
            if one.action not in ACTIONS:
                raise OptionError(f"sound {one.name!r} has action {one.action!r}; allowed are {', '.join(ACTIONS)}")
            if one.name in self._places:
                raise OptionError(f"the name {one.name!r} comes twice in the sound bank")
            self._places[one.name] = index

    @cached_property
    def materials(self) -> tuple[str, ...]:
        """The materials that the bank has sounds of, in the order of :data:`synth.materials.MATERIALS`."""
        present = {one.material for one in self.exemplars}
        return tuple(name for name in MATERIALS if name in present)

    def at_rate(self, rate_hz: int) -> Bank:
        """The same sounds at another rate; contacts move with their samples."""
        if rate_hz == self.rate_hz:
            return self
        moved = [
            replace(
                one,
                waveform=resample(one.sound, self.rate_hz, rate_hz).astype(np.float16),
                contact=one.contact * rate_hz // self.rate_hz,
            )
            for one in self.exemplars
        ]
        return replace(self, exemplars=tuple(moved), rate_hz=rate_hz)

    def find(self, name: str) -> Exemplar:
        """The exemplar of that name.

        Raises:
            OptionError: there is none.
        """
        if name not in self._places:
            raise OptionError(f"exemplar {name!r} is not in the sound bank")
        return self.exemplars[self._places[name]]

    def nearest(
        self, features: NDArray[Any], material: str | None = None, k: int = 1, action: str | None = None
    ) -> list[Match]:
        """The ``k`` exemplars nearest to ``features`` [W * F] or [W, F], nearest first; fewer where there are fewer.

        Distance is L1, as in the paper; ``features`` must be normalised as by :func:`window`. ``material`` and
        ``action`` narrow the choice, without an action to :data:`STRUCK`; equally near ones come in the bank's order.

        Raises:
            OptionError: the bank has no such sound, or ``k`` is below 1.
            ValueError: the features have another length than the bank's.
        """
        if k < 1:
            raise OptionError(f"k is {k}; it must be at least 1")
        wanted = np.asarray(features, np.float32).ravel()
        if wanted.size != self._features.shape[1]:
            raise ValueError(f"{wanted.size} features were given; the bank has {self._features.shape[1]}")
        rows = [
            index
            for index, one in enumerate(self.exemplars)
            if material in (None, one.material) and one.action in ((action,) if action else STRUCK)
        ]
        if not rows:
            asked = " ".join(word for word in (material, action) if word)
            raise OptionError(f"the sound bank has no sound of {asked}; it has {', '.join(self.materials)}")
        distances = np.abs(self._features[rows] - wanted).sum(axis=1, dtype=np.float64)
        order = np.argsort(distances, kind="stable")[:k]
        return [Match(rows[place], float(distances[place])) for place in order]

    @cached_property
    def _features(self) -> Floats:
        return np.stack([one.features for one in self.exemplars]).astype(np.float32)

    def as_bytes(self) -> bytes:
        """The whole bank in the safetensors format; equal banks give equal bytes."""
        sizes = [one.waveform.size for one in self.exemplars]
        tensors: dict[str, NDArray[Any]] = {
            "waveforms": np.concatenate([one.waveform for one in self.exemplars]).astype(np.float16),
            "ends": np.cumsum(sizes, dtype=np.int64),
            "contacts": np.array([one.contact for one in self.exemplars], np.int64),
            "features": np.stack([one.features for one in self.exemplars]).astype(np.float16),
            "loudness": np.array([one.loudness for one in self.exemplars], np.float32),
        }
        labels = [[one.name, one.material, one.action] for one in self.exemplars]
        about = {
            "version": VERSION,
            "rate_hz": self.rate_hz,
            "licence": self.licence,
            "source": self.source,
            "how": self.how,
            "exemplars": labels,
        }
        # One key only: safetensors writes several in an order that changes from run to run.
        return as_safetensors(tensors, {FORMAT: json.dumps(about, ensure_ascii=False)})

    def save(self, path: Path) -> None:
        """Write the bank, whole or not at all.

        Raises:
            WeightsError: the folder cannot be written.
        """
        try:
            write_whole(path, self.as_bytes())
        except MediaError as error:
            raise WeightsError(f"the sound bank is not kept: {error}") from error

    @classmethod
    def load(cls, path: Path) -> Bank:
        """Read a bank.

        Raises:
            WeightsError: the file is missing, damaged, or no sound bank of this version.
        """
        try:
            with safe_open(path, framework="numpy") as opened:
                about = _about(path, dict(opened.metadata() or {}))
                tensors = {name: opened.get_tensor(name) for name in _TENSORS}
        except (SafetensorError, OSError) as error:
            raise WeightsError(f"the sound bank {path} cannot be read: {error}") from error
        try:
            return cls(
                exemplars=_exemplars(tensors, about["exemplars"]),
                licence=str(about["licence"]),
                source=str(about["source"]),
                how=str(about["how"]),
                rate_hz=int(about["rate_hz"]),
            )
        except (KeyError, ValueError, TypeError, OptionError) as error:
            raise WeightsError(f"the sound bank {path} is damaged: {error}") from error


def _about(path: Path, metadata: dict[str, str]) -> dict[str, Any]:
    """What a bank's file says about itself."""
    if FORMAT not in metadata:
        raise WeightsError(f"{path} is not a sound bank: its metadata has no {FORMAT!r}")
    try:
        about = dict(json.loads(metadata[FORMAT]))
    except (ValueError, TypeError) as error:
        raise WeightsError(f"the sound bank {path} is damaged: its metadata cannot be read") from error
    if about.get("version") != VERSION:
        raise WeightsError(f"the sound bank {path} has version {about.get('version')}; this code reads {VERSION}")
    return about


def _exemplars(tensors: dict[str, NDArray[Any]], labels: Sequence[Sequence[str]]) -> tuple[Exemplar, ...]:
    """Exemplars from a file's arrays, each checked against the others.

    Raises:
        ValueError: they do not fit together.
    """
    count = len(labels)
    waveforms, features = tensors["waveforms"], tensors["features"]
    ends = tensors["ends"].astype(np.int64)
    starts = np.concatenate((np.zeros(1, np.int64), ends[:-1]))
    contacts, loudness = tensors["contacts"], tensors["loudness"]
    if not (ends.shape == contacts.shape == loudness.shape == (count,) and features.shape == (count, FEATURES)):
        raise ValueError(f"its arrays do not hold {count} sounds each")
    if waveforms.ndim != 1 or not count or ends[-1] != waveforms.size:
        raise ValueError("its waveforms have another length than stated")
    if np.any(starts >= ends) or np.any(contacts < 0) or np.any(contacts >= ends - starts):
        raise ValueError("a sound's start, contact and end are out of order")
    if not (np.isfinite(waveforms).all() and np.isfinite(features).all() and np.all(loudness >= 0)):
        raise ValueError("it holds values that are no numbers")
    return tuple(
        Exemplar(
            name=str(name),
            material=str(material),
            action=str(action),
            waveform=waveforms[starts[k] : ends[k]].astype(np.float16, copy=False),
            contact=int(contacts[k]),
            features=features[k].astype(np.float16, copy=False),
            loudness=float(loudness[k]),
        )
        for k, (name, material, action) in enumerate(labels)
    )
