"""Where the sentences of a script lie in a clip: each is laid against the lips within its own stretch of time.

Shapes: S = spectra of the clip at 100 a second, M = bands.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from synth.errors import OptionError
from synth.media.audio import resample
from synth.voices.base import SpokenWord
from synth.voices.speech import spectra
from synth.voices.speech.typed import alignment
from synth.voices.speech.typed.alignment import FASTEST, SPECTRA_HZ, Path
from synth.voices.speech.typed.script import Cue
from synth.voices.speech.typed.synthesiser import FRAME_S, RATE_HZ, Synthesiser, Utterance

LAG_S: Final = 0.08
"""How much later the synthesiser counts a word to begin than a listener does: the median over the words of sentences of
GRID whose recordings were laid against it, none of them among those that are judged."""

_PER_FRAME: Final = FRAME_S * SPECTRA_HZ  # spectra a frame of the synthesiser
_MARGIN_S: Final = 0.5  # that subtitles may be early or late
_SLACK_S, _SLACK_SHARE = 1.5, 0.25  # the same of sentences whose times were guessed
_TAIL_S: Final = 0.15  # of the synthesiser's own silence, before and after a sentence
_LONGEST_S: Final = 40.0  # stretch of a clip that one sentence is looked for in
_PARTS: Final = 12.0  # of the loudest in dB that is still speech of the lips
_HURRIED: Final = 1.9  # times the synthesiser's own pace, from which on a word does not fit


@dataclass(frozen=True, repr=False)
class Placed:
    """A sentence in its place.

    Attributes:
        utterance: as the synthesiser says it.
        start_s: when :attr:`places` begin in the clip.
        places: of each frame from there, which frame of the utterance it is; NaN is silence.
        words: when each is said.
    """

    utterance: Utterance
    start_s: float
    places: NDArray[np.float64]
    words: tuple[SpokenWord, ...]


@dataclass(frozen=True, repr=False)
class Placement:
    """A script in a clip.

    Attributes:
        sentences: in order of time.
        unplaced: words for which there was no time at all.
        notes: sentences for the person who asked.
    """

    sentences: tuple[Placed, ...]
    unplaced: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def words(self) -> tuple[SpokenWord, ...]:
        """All that are said."""
        return tuple(word for one in self.sentences for word in one.words)


def place(cues: Sequence[Cue], mel: NDArray[np.float32], duration_s: float, synthesiser: Synthesiser) -> Placement:
    """Lay a script against lips.

    Args:
        mel: log mel spectra [S, M] that the lip reader saw; silence where it saw no face.
        duration_s: of the clip.

    Raises:
        OptionError: the text takes longer than the clip, said as fast as it can be; or a subtitle begins after the end.
    """
    said = [(cue, utterance) for cue in cues if (utterance := synthesiser.say(cue.text)) is not None]
    if not said:
        raise OptionError("text holds no word that can be pronounced; it must say what is spoken")
    _refuse_long(said, mel, duration_s)
    notes = []
    moving = _moving(mel)
    if not moving.any():
        notes.append("the mouth does not move in this clip: the words are spread over the time that the face is seen")
        moving = mel.max(1) > spectra.QUIETEST + 1e-3
        moving = moving if moving.any() else np.ones(len(mel), bool)
    placed, unplaced, free = list[Placed](), list[str](), 0
    for (_, utterance), (first, last) in zip(said, _windows(said, moving), strict=True):
        first = max(first, free)
        found = _placed(utterance, mel, first, last)
        if found is None:
            unplaced += utterance.words
            continue
        placed.append(found)
        free = round((found.start_s + len(found.places) * FRAME_S - 2 * _TAIL_S) * SPECTRA_HZ)
    return Placement(tuple(placed), tuple(unplaced), (*notes, *_notes(placed, unplaced)))


def _natural_s(utterance: Utterance) -> float:
    return (utterance.spans[-1][1] - utterance.spans[0][0]) * FRAME_S


def _refuse_long(said: Sequence[tuple[Cue, Utterance]], mel: NDArray[np.float32], duration_s: float) -> None:
    late = next((cue for cue, _ in said if cue.start_s is not None and cue.start_s >= duration_s), None)
    if late is not None:
        raise OptionError(
            f"the subtitle {late.text[:40]!r} begins at {late.start_s:g} s; the clip has {duration_s:.1f} s"
        )
    least_s = sum(_natural_s(utterance) for _, utterance in said) / FASTEST
    if least_s > duration_s:
        raise OptionError(
            f"the text takes {least_s:.1f} s at the fastest pace that can be understood; the clip has "
            f"{duration_s:.1f} s, so shorten the text"
        )


def _moving(mel: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Where the lips seem to say something."""
    loud = alignment.loudness(mel)
    if loud.max() < spectra.QUIETEST + 1.0:
        return np.zeros(len(mel), bool)
    return np.asarray(loud > loud.max() - _PARTS * np.log(10) / 20 * 2)


def _windows(said: Sequence[tuple[Cue, Utterance]], moving: NDArray[np.bool_]) -> Iterator[tuple[int, int]]:
    """First spectrum and end of the stretch that each sentence is looked for in.

    Sentences without times share the time that the mouth moves by how long they are.
    """
    active = np.flatnonzero(moving)
    lengths = np.array([_natural_s(utterance) for _, utterance in said])
    edges = np.concatenate([[0.0], np.cumsum(lengths)]) / lengths.sum() * (len(active) - 1)
    for number, (cue, _) in enumerate(said):
        if cue.start_s is not None and cue.end_s is not None:
            start_s, end_s, slack_s = cue.start_s, cue.end_s, _MARGIN_S
        else:
            start_s, end_s = (active[round(edges[number + end])] / SPECTRA_HZ for end in (0, 1))
            alone = len(said) == 1 and len(moving) <= _LONGEST_S * SPECTRA_HZ
            slack_s = _LONGEST_S if alone else _SLACK_S + _SLACK_SHARE * (end_s - start_s)
        end_s = min(end_s + slack_s, start_s - slack_s + _LONGEST_S) if slack_s < _LONGEST_S else len(moving)
        first = max(0, round((start_s - slack_s) * SPECTRA_HZ))
        yield first, min(len(moving), round(end_s * SPECTRA_HZ))


def _placed(utterance: Utterance, mel: NDArray[np.float32], first: int, last: int) -> Placed | None:
    """A sentence between two spectra of a clip; None where there is no time for it."""
    spoken = spectra.log_mel(resample(utterance.sound(0), RATE_HZ, spectra.RATE_HZ))
    spans = np.asarray(utterance.spans) * _PER_FRAME
    begin, end = int(spans[0, 0]), int(np.ceil(spans[-1, 1]))
    if last - first < 2:
        return None
    path = alignment.align(spoken[begin:end], mel[first:last], np.round(spans[:, 0] - begin).astype(np.int64))
    if path is None:
        path = _hurried(end - begin, last - first)
    if path is None:
        return None
    return _framed(utterance, path, first / SPECTRA_HZ, begin)


def _hurried(sentence: int, clip: int) -> Path | None:
    """A sentence said evenly in all the time that there is, where that is not too little."""
    if clip * FASTEST < sentence:
        return None
    return Path(np.array([0, sentence]), np.array([0, clip]), np.inf)


def _framed(utterance: Utterance, path: Path, offset_s: float, begin: int) -> Placed:
    """The frames of a sentence in the clip, with some of its own silence around it."""
    tail = round(_TAIL_S / FRAME_S)
    first, last = path.of_clip[0] / _PER_FRAME, path.of_clip[-1] / _PER_FRAME
    frames = np.arange(np.ceil(first) - tail, np.floor(last) + tail + 1)
    at = frames * _PER_FRAME
    inside = path.in_sentence(np.clip(at, path.of_clip[0], path.of_clip[-1] - 1e-6))
    inside = np.where(at < path.of_clip[0], path.of_sentence[0] + at - path.of_clip[0], inside)
    inside = np.where(at >= path.of_clip[-1], path.of_sentence[-1] + at - path.of_clip[-1], inside)
    places = (inside + begin) / _PER_FRAME
    places[(places < 0) | (places > utterance.frames - 1)] = np.nan
    start_s = offset_s + float(frames[0]) * FRAME_S
    return Placed(utterance, start_s, places, _words(utterance, path, offset_s, begin))


def _words(utterance: Utterance, path: Path, offset_s: float, begin: int) -> tuple[SpokenWord, ...]:
    found = list[SpokenWord]()
    for text, span in zip(utterance.words, utterance.spans, strict=True):
        start, end = (place * _PER_FRAME - begin for place in span)
        start_s = offset_s + path.in_clip(start) / SPECTRA_HZ
        end_s = offset_s + path.in_clip(end - 1e-6) / SPECTRA_HZ
        pace = (end - start) / SPECTRA_HZ / max(1e-3, end_s - start_s)
        heard_s = max(found[-1].start_s if found else 0.0, start_s - LAG_S, 0.0)
        found.append(SpokenWord(text, heard_s, max(heard_s, end_s), fits=pace <= _HURRIED))
    return tuple(found)


def _notes(placed: Sequence[Placed], unplaced: Sequence[str]) -> Iterator[str]:
    hurried = [word.text for one in placed for word in one.words if not word.fits]
    if hurried:
        yield f"the lips leave too little time for {_listed(hurried)}: said faster than is natural"
    if unplaced:
        yield f"the lips leave no time for {_listed(unplaced)}: left out"


def _listed(words: Sequence[str]) -> str:
    more = f" and {len(words) - 8} more words" if len(words) > 8 else ""
    return ", ".join(repr(word) for word in words[:8]) + more
