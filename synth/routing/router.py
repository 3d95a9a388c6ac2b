"""``mode=auto``: which voice a clip wants, how sure that is, why, and where in the clip another one is wanted.

Class first: where the picture says clearly what it should sound like
(:mod:`synth.models.vocabulary.sound_selector`), that is ambient sound of that class, unless somebody talks, the
picture is less clear and looks as if a stick struck, or the class is one of single impacts that are clearly seen: they
are to be heard when they are seen, whatever is struck. Else, four measures of a
:class:`synth.routing.glance.Glance`, each -1..2 at most, go through a softmax of linear sums, :data:`WEIGHTS`. They
were fitted by logistic regression (ridge of 0.002 on all but the constants, in which every clip of GRID and Greatest
Hits counts half of a wild one) on one half of 36 clips of Greatest Hits (hits), 20 of GRID (speech) and 52 wild ones;
:mod:`synth.evaluation.router` names the halves and holds the other one against it. The measures themselves and the
ramps in them were chosen in view of all of these clips.

A clip is cut into spans where the scene changes, and where a face comes or goes. A span gets another voice than the
clip as a whole only where that is likelier than :data:`SURE`: a change of voice that is wrong is worse than none.

Importable without torch; looking at a clip loads it.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from synth.ambient_classes import DISPLAY_NAMES
from synth.media import video
from synth.media.picture.views import Views
from synth.models.vocabulary.sound_selector import FITS, SoundSelection, select_sounds
from synth.options import Mode
from synth.result import Range
from synth.sound_names import display_name
from synth.voices.ambient.catalogue.registry import all_sounds
from synth.voices.base import CancelPoll, Progress, ignore_progress, never_cancelled

if TYPE_CHECKING:
    from synth.models.selector import Selection
    from synth.routing.glance import FaceLook, Glance, Window

VOICES: Final = (Mode.HITS, Mode.AMBIENT, Mode.SPEECH)

WEIGHTS: Final[Mapping[str, tuple[float, float, float]]] = {
    "constant": (1.5, 1.6, -3.1),
    "talk": (-2.6, -2.1, 4.7),
    "loudness": (1.0, -0.8, -0.2),
    "striking": (0.7, -1.6, 0.9),
    "scene": (-1.0, 0.8, 0.2),
}
"""Measure -> what it adds for hits, ambient and speech."""

SURE: Final = 0.7
SHORTEST_S: Final = 1.0
"""No range is shorter, unless the clip is."""

_FACE_HEIGHT: Final = (0.12, 0.2)  # of the picture: too far for lips to be read, and near enough
_MOUTH: Final = (0.03, 0.06)  # change of the mouth: still, and talking
_UNVOICED: Final = (0.1, 0.4)
_FITTING: Final = (0.1, 0.4)  # evidence of an ambient class: a baby's mouth moves too
_LOUDNESS: Final = (0.075, 0.01)  # middle and scale of what the hits voice's network expects
_STRIKING: Final = 0.2
_SCENE: Final = 0.4
_ONSET: Final = 0.475  # as the hits voice is calibrated
_FACE_SPEAKS: Final = 0.6  # evidence of a face that fills the clip and talks
_CLASS_PROBABILITY: Final = ((0.2, 0.4, 1.0), (0.72, 0.85, 0.95))  # evidence of a sound, and how likely it is right
_STRUCK, _BESIDE_HITS = 0.8, 0.35  # probability of hits from which on a sound needs more evidence, and how much
_LYING_ABOUT, _WHAT_LIES_ABOUT = frozenset({"foley", "machines"}), 0.5  # things that a stick strikes: more still
_TELLING_RATE_HZ: Final = 0.3  # fewer impacts a second are not worth telling
_CLEAR_RATE_HZ: Final = 1.0  # so many are no accident, where the picture looks as if a stick struck


@dataclass(frozen=True)
class Route:
    """Which voice a clip wants.

    Attributes:
        mode: the likeliest that there is; never ``auto``.
        probabilities: of all three voices, also of one that this release lacks; they sum to 1.
        reason: in words.
        ranges: one, or several where parts of the clip want different voices.
    """

    mode: Mode
    probabilities: Mapping[Mode, float]
    reason: str
    ranges: tuple[Range, ...]

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "mode": self.mode.value,
            "probabilities": {mode.value: round(value, 4) for mode, value in self.probabilities.items()},
            "reason": self.reason,
            "ranges": [one.as_json() for one in self.ranges],
        }


def route_clip(
    source: Path,
    info: video.VideoInfo,
    modes: Collection[Mode],
    *,
    views: Views | None = None,
    progress: Progress = ignore_progress,
    cancelled: CancelPoll = never_cancelled,
) -> Route:
    """Look at a clip, quickly, and choose its voice; the same clip always gets the same answer.

    Args:
        source: the clip.
        info: what :func:`synth.media.video.probe` says of it.
        modes: the voices that there are to choose from; at least one.
        views: what is kept of the clip, see :func:`synth.media.video.read_frames`.

    Raises:
        MediaError: the picture cannot be decoded.
        WeightsError: weights are missing or damaged.
        Cancelled: ``cancelled()`` turned true.
    """
    from synth.routing import glance

    width, height = glance.frame_size(info)
    frames = video.read_frames(
        source, rate_hz=glance.RATE_HZ, width=width, height=height, lenient=True, views=views, cancelled=cancelled
    )
    return route(glance.glance(frames, info.duration_s, progress=progress, cancelled=cancelled), modes)


def route(seen: Glance, modes: Collection[Mode]) -> Route:
    """Choose the voice of a clip that was looked at, and those of its ranges; ``modes`` as for :func:`route_clip`."""
    whole = _Span(seen, 0.0, seen.duration_s)
    probabilities = whole.probabilities()
    mode = _likeliest(probabilities, modes)
    reason = whole.reason(mode)
    wanted = _likeliest(probabilities, VOICES)
    if wanted is not mode:
        reason += f"; {wanted.value} would fit better ({probabilities[wanted]:.2f}), but has no voice in this release"
    spans = _spans(seen)
    chosen = [_choice(span, mode, modes) for span in spans]
    ranges: list[Range] = []
    for first, last in _runs(chosen):
        span = _Span(seen, spans[first].start_s, spans[last].end_s)
        share = span.probabilities()[chosen[first]]
        ranges.append(Range(span.start_s, span.end_s, chosen[first], share, span.reason(chosen[first])))
    if len(ranges) == 1:
        ranges = [Range(0.0, seen.duration_s, mode, probabilities[mode], reason)]
    return Route(mode, probabilities, reason, tuple(ranges))


def measures(windows: Sequence[Window], faces: Sequence[FaceLook]) -> dict[str, float]:
    """What :data:`WEIGHTS` weighs, of a stretch of a clip.

    * ``talk``: how far a face is there that is near enough and whose mouth moves, 0..1; less where the picture shows an
      instrument, or what an ambient class is of, such as a baby;
    * ``loudness``: the 95th percentile of what the hits voice's network expects to hear, -1..2;
    * ``striking``: how far the picture shows what strikes or is struck, 0..1;
    * ``scene``: how far it shows what an ambient class is of, or an animal, 0..1.
    """
    from synth.models.vocabulary import routing

    logits = np.mean([window.logits for window in windows], axis=0) if windows else np.zeros(1000, np.float32)
    loudness = np.concatenate([window.loudness for window in windows]) if windows else np.zeros(1, np.float32)
    fitting = max(_selection(windows).evidence.values()) if windows else 0.0
    middle, scale = _LOUDNESS
    quiet = (1 - _ramp(routing.unvoiced(logits), _UNVOICED)) * (1 - _ramp(fitting, _FITTING))
    return {
        "constant": 1.0,
        "talk": _talk(faces) * quiet,
        "loudness": float(np.clip((np.percentile(loudness, 95) - middle) / scale, -1, 2)),
        "striking": min(1.0, routing.striking(logits) / _STRIKING),
        "scene": min(1.0, (fitting + routing.animals(logits)) / _SCENE),
    }


def softmax(found: Mapping[str, float]) -> dict[Mode, float]:
    """Probabilities of :data:`VOICES` from :func:`measures`."""
    sums = [sum(WEIGHTS[name][column] * value for name, value in found.items()) for column in range(len(VOICES))]
    shares = [math.exp(one - max(sums)) for one in sums]
    return {mode: share / sum(shares) for mode, share in zip(VOICES, shares, strict=True)}


@functools.cache
def _silencing() -> frozenset[str]:
    """Sounds whose sight says that a mouth that moves does something else than talk: it plays, eats, cries."""
    music = {name for name, sound in all_sounds().items() if sound.family == "music"}
    return frozenset({*music, "chopping_food", "crying_baby", "dishes", "frying", "whistling"})


class _Span:
    """A stretch of a clip, with what was seen in it."""

    def __init__(self, seen: Glance, start_s: float, end_s: float) -> None:
        self.start_s, self.end_s = start_s, end_s
        inside = [one for one in seen.windows if start_s <= (one.start_s + one.end_s) / 2 < end_s]
        self.windows = inside or list(seen.windows)
        self.faces = [look for look in seen.faces if start_s <= look.time_s < end_s]

    @functools.cached_property
    def sounds(self) -> SoundSelection | None:
        """What the picture should sound like; ``None`` where nobody looked closely."""
        if not self.windows:
            return None
        cues = {name: float(np.mean([one.cues[name] for one in self.windows])) for name in self.windows[0].cues}
        return select_sounds(np.mean([window.words for window in self.windows], axis=0), cues)

    def probabilities(self) -> dict[Mode, float]:
        shares = softmax(measures(self.windows, self.faces))
        if self.sounds is None or not self._is_of_a_class(shares):
            return shares
        ambient = float(np.interp(self.sounds.best.evidence, *_CLASS_PROBABILITY))
        rest = (1 - ambient) / max(1e-9, shares[Mode.HITS] + shares[Mode.SPEECH])
        return {mode: ambient if mode is Mode.AMBIENT else share * rest for mode, share in shares.items()}

    def _is_of_a_class(self, shares: Mapping[Mode, float]) -> bool:
        """Whether the picture says clearly what it sounds like: more clearly where it looks as if a stick struck."""
        assert self.sounds is not None
        best = self.sounds.best
        needed = FITS
        if shares[Mode.HITS] > _STRUCK:
            sound = all_sounds()[best.name]
            if sound.impacts and self._impacts_hz() >= _CLEAR_RATE_HZ:
                return False
            lies_about = sound.family in _LYING_ABOUT
            needed = _WHAT_LIES_ABOUT if lies_about else _BESIDE_HITS
        if best.evidence < needed:
            return False
        return best.evidence >= _speech_evidence(self.faces, self.sounds)

    def reason(self, mode: Mode) -> str:
        if mode is Mode.SPEECH:
            length_s = self.end_s - self.start_s
            share = sum(look.height >= _FACE_HEIGHT[0] for look in self.faces) / max(1, len(self.faces))
            return f"a talking face was found for {share * length_s:.1f} of {length_s:.1f} s"
        impacts = self._impacts_hz()
        if mode is Mode.HITS and impacts >= _TELLING_RATE_HZ:
            return f"impacts at {impacts:.1f} a second"
        if mode is Mode.HITS:
            return "what is seen in the picture is struck or strikes"
        if self.sounds is not None and self.sounds.fits:
            return f"the scene looks like {display_name(self.sounds.best.name)} ({self.sounds.best.evidence:.2f})"
        scene = _selection(self.windows) if self.windows else None
        if scene is not None and scene.fits:
            return f"the scene looks like {DISPLAY_NAMES[scene.name]} ({scene.probability:.2f})"
        return "neither a talking face nor impacts explain the picture better"

    def _impacts_hz(self) -> float:
        from synth.voices.hits.detector import onset_peaks

        length_s = sum(window.end_s - window.start_s for window in self.windows)
        return sum(len(onset_peaks(window.onset, _ONSET)[0]) for window in self.windows) / max(length_s, 1e-6)


@dataclass(frozen=True)
class _Sight:
    """What the selector needs of several windows."""

    logits_mean: NDArray[np.float32]
    cues: Mapping[str, float]


def _selection(windows: Sequence[Window]) -> Selection:
    from synth.models.selector import select

    logits = np.mean([window.logits for window in windows], axis=0)
    names = windows[0].cues
    return select(_Sight(logits, {name: float(np.mean([one.cues[name] for one in windows])) for name in names}))


def _speech_evidence(faces: Sequence[FaceLook], sounds: SoundSelection) -> float:
    """How much a face speaks for speech, 0..1: not where an instrument, food or a baby is seen."""
    other = max((value for name, value in sounds.evidence.items() if name in _silencing()), default=0.0)
    return _FACE_SPEAKS * _talk(faces) * (1 - min(1.0, 3 * other))


def _talk(faces: Sequence[FaceLook]) -> float:
    near = [look.mouth for look in faces if look.height >= _FACE_HEIGHT[0]]
    if not near:
        return 0.0
    there = float(np.mean([_ramp(look.height, _FACE_HEIGHT) for look in faces]))
    return there * _ramp(float(np.percentile(near, 75)), _MOUTH)  # nobody's mouth moves all the time


def _ramp(value: float, edges: tuple[float, float]) -> float:
    low, high = edges
    return min(1.0, max(0.0, (value - low) / (high - low)))


def _likeliest(probabilities: Mapping[Mode, float], modes: Collection[Mode]) -> Mode:
    return max((mode for mode in VOICES if mode in modes), key=lambda mode: probabilities[mode])


def _choice(span: _Span, whole: Mode, modes: Collection[Mode]) -> Mode:
    if whole is Mode.HITS and span.sounds is not None and all_sounds()[span.sounds.best.name].impacts:
        return whole  # what is struck does not change its voice when it rests
    probabilities = span.probabilities()
    mode = _likeliest(probabilities, modes)
    return mode if probabilities[mode] > SURE else whole


def _spans(seen: Glance) -> list[_Span]:
    """The clip between its cuts and where a face comes or goes, none shorter than :data:`SHORTEST_S`."""
    # Faces are looked for once a second: where the scene changes beside it, that is when the face came or went.
    changes = [one for one in _face_changes(seen.faces) if all(abs(one - cut_s) > SHORTEST_S for cut_s in seen.cuts_s)]
    edges = [0.0]
    for edge_s in sorted({*seen.cuts_s, *changes}):
        if edge_s - edges[-1] >= SHORTEST_S and seen.duration_s - edge_s >= SHORTEST_S:
            edges.append(edge_s)
    edges.append(seen.duration_s)
    return [_Span(seen, start_s, end_s) for start_s, end_s in itertools.pairwise(edges)]


def _face_changes(faces: Sequence[FaceLook]) -> list[float]:
    """When a face comes or goes, by two looks before and two after."""
    near = [look.height >= _FACE_HEIGHT[0] for look in faces]
    changes = []
    for index in range(2, len(near) - 1):
        before, after = near[index - 2 : index], near[index : index + 2]
        if before[0] == before[1] != after[0] == after[1]:
            changes.append((faces[index - 1].time_s + faces[index].time_s) / 2)
    return changes


def _runs(chosen: Sequence[Mode]) -> list[tuple[int, int]]:
    """First and last numbers of equal neighbours."""
    starts = [index for index in range(len(chosen)) if index == 0 or chosen[index] is not chosen[index - 1]]
    return list(zip(starts, [start - 1 for start in [*starts[1:], len(chosen)]], strict=True))
