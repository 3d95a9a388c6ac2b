"""Recordings of a sound library made into the sound of a clip: hits pasted to the sample, beds looped and faded.

A *hit* is a piece of a recording whose own onset falls on the hit's sample, as loud as the hit is strong, and which
gives way to the next one. A *bed* is one recording for as long as it fits: played to its end, then on from a place
that sounds like that end, with an equal-power cross-fade; its loudness follows how lively the picture is.

Importable without torch. Shapes: N = samples at 44.1 kHz, T = steps of a tenth of a second.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from synth import dsp
from synth.errors import Cancelled, MediaError, OptionError
from synth.files import file_sha256
from synth.media import audio
from synth.search.library import Kind, Library, Recording
from synth.search.library_matching import Candidate, Laid
from synth.synthesis import envelopes
from synth.synthesis.base import CancelPoll, Controls, Hit, Rendering, Sound, Uniforms

RATE_HZ: Final = 44_100
HEARD_S: Final = 120.0
"""So much of a longer recording is used, from its beginning: what is known of it was heard there."""
OTHERS: Final = 5

_CHOICE: Final = 4  # the seed chooses among so many of the best, and those that are as good as the best
_MOST_EQUALS: Final = 12
_EQUAL: Final = 1e-6
_NEARLY: Final = 0.15  # what is so much worse than the best is no choice
_FRESH: Final = 2  # hits for which a piece is not heard again, where there is another
_KEPT: Final = 30_000_000  # samples of recordings that are kept decoded: 120 MB
_LEAD_S: Final = 0.005  # before a piece's onset, faded in
_TAIL_S: Final = 0.03
_GIVE_WAY_S: Final = 0.15
_SOFTEST_SHARE: Final = 0.5  # as for exemplars of a bank: 20 dB from the softest hit to the strongest
_GAIN: Final = (1 / 16, 16.0)  # 24 dB either way: more would make music of a recording's hiss
_BED_LUFS: Final = -23.0
_BED_FADE_S: Final = 1.0
_STAYS_SPANS: Final = 4  # two minutes
_CALM_S: Final = 3.0  # a bed of single sounds comes back after so long at the earliest
_SILENT: Final = 10 ** (-70 / 20)
_STEPS_HZ: Final = 10
_BLOCK: Final = 1 << 18


class Shelf:
    """The recordings of a library, decoded when they are wanted."""

    def __init__(self, library: Library) -> None:
        self.library = library
        self._kept: OrderedDict[str, Sound] = OrderedDict()
        self._there: dict[str, bool] = {}

    def has(self, recording: Recording) -> bool:
        """Whether the file is there."""
        if recording.path not in self._there:
            self._there[recording.path] = (self.library.root / recording.path).is_file()
        return self._there[recording.path]

    def sound(self, recording: Recording) -> Sound:
        """The first two minutes of a recording, [N] at 44.1 kHz.

        Raises:
            MediaError: it cannot be read, or is not what was indexed.
        """
        if recording.path in self._kept:
            self._kept.move_to_end(recording.path)
            return self._kept[recording.path]
        file = self.library.root / recording.path
        if file_sha256(file) != recording.sha256:
            raise MediaError(
                f"{recording.path} changed since it was indexed; run `sonorize library index` for {self.library.name!r}"
            )
        sound, rate_hz = audio.read(file)
        sound = dsp.resample(sound[: round(HEARD_S * rate_hz)], rate_hz, RATE_HZ)
        self._kept[recording.path] = sound
        while len(self._kept) > 1 and sum(map(len, self._kept.values())) > _KEPT:
            self._kept.popitem(last=False)
        return sound

    def choose(self, ranked: Sequence[Candidate], draw: float, worn: Sequence[str] = ()) -> Candidate:
        """One of the best few that are there; ``worn`` are names that were heard just before.

        Raises:
            OptionError: none of them is there.
        """
        there = [one for one in ranked if self.has(one.recording)]
        if not there:
            raise OptionError(
                f"no recording of the library {self.library.name!r} that fits is at its place in "
                f"{str(self.library.root)!r}"
            )
        pool = best_of(there)
        fresh = [one for one in pool if one.name not in worn] or pool
        return fresh[int(draw * len(fresh))]


def best_of(ranked: Sequence[Candidate]) -> list[Candidate]:
    """Those that a seed may choose among: four at most that are nearly as good as the best, or all that equal it."""
    if not ranked:
        return []
    best = ranked[0].score
    equal = sum(one.score > best - _EQUAL for one in ranked[:_MOST_EQUALS])
    return [one for one in ranked[: max(_CHOICE, equal)] if one.score > best - _NEARLY]


def _others(ranked: Sequence[Candidate], chosen: Candidate) -> tuple[Candidate, ...]:
    return tuple(one for one in ranked[: OTHERS + 1] if one.name != chosen.name)[:OTHERS]


# --- hits ---------------------------------------------------------------------------------------------------------


def lay_hits(
    shelf: Shelf,
    hits: Sequence[Hit],
    ranked: Iterable[Sequence[Candidate]],
    count: int,
    uniforms: Uniforms,
    cancelled: CancelPoll,
) -> Rendering:
    """Sound [count] of hits in order of time, each a piece out of its ranked candidates."""
    out = np.zeros(count, np.float32)
    usual = float(np.median([one.loudness for entry in shelf.library.entries for one in entry.recording.pieces]))
    laid: list[Laid] = []
    for number, (hit, candidates) in enumerate(zip(hits, ranked, strict=True)):
        if cancelled():
            raise Cancelled("stopped while laying sounds")
        # Keyed by the moment, not by the place in the list: editing one hit leaves those far from it as they were.
        draw = float(uniforms("library hit", round(hit.time_s * 1000), 1)[0])
        chosen = shelf.choose(candidates, draw, [one.chosen.name for one in laid[-_FRESH:]])
        until_s = hits[number + 1].time_s if number + 1 < len(hits) else math.inf
        length = _lay_hit(out, shelf.sound(chosen.recording), chosen, hit, until_s, usual)
        end_s = hit.time_s + length / RATE_HZ
        laid.append(Laid(hit.time_s, end_s, "hit", chosen, _others(candidates, chosen)))
    named = tuple(replace(hit, exemplar=one.chosen.name) for hit, one in zip(hits, laid, strict=True))
    return Rendering(out, named, laid=tuple(laid))


def _lay_hit(out: Sound, sound: Sound, chosen: Candidate, hit: Hit, until_s: float, usual: float) -> int:
    """Add a piece to ``out``, its onset on the hit's sample; how many samples it goes on after that."""
    cut = chosen.cut
    onset = round(cut.onset_s * RATE_HZ)
    first = max(0, onset - round(_LEAD_S * RATE_HZ))
    piece = sound[first : round((cut.end_s + _TAIL_S) * RATE_HZ)].copy()
    wanted = usual * (_SOFTEST_SHARE + (1 - _SOFTEST_SHARE) * hit.strength)
    piece *= np.float32(np.clip((wanted / max(cut.loudness, 1e-6)) ** (1 / dsp.COMPRESSION), *_GAIN))
    lead = onset - first
    piece[:lead] *= np.linspace(0, 1, lead, endpoint=False, dtype=np.float32)
    tail = min(round(_TAIL_S * RATE_HZ), len(piece))
    piece[len(piece) - tail :] *= np.linspace(1, 0, tail, dtype=np.float32)
    contact = round(hit.time_s * RATE_HZ)
    if until_s < math.inf:
        piece = _give_way(piece, round(until_s * RATE_HZ) - contact + lead)
    start = contact - lead
    begin, end = max(0, start), min(len(out), start + len(piece))
    if begin < end:
        out[begin:end] += piece[begin - start : end - start]
    return max(0, len(piece) - lead)


def _give_way(piece: Sound, at: int) -> Sound:
    """A piece that ends softly when the next one begins, at sample ``at`` of it."""
    fade = round(_GIVE_WAY_S * RATE_HZ)
    short = piece[: max(1, at + fade)].copy()
    if at < len(short):
        ending = short[max(0, at) :]
        ending *= np.cos(np.linspace(0, np.pi / 2, fade, dtype=np.float32))[: len(ending)] ** 2
    return short


# --- beds ---------------------------------------------------------------------------------------------------------


def lay_beds(
    shelf: Shelf,
    controls: Controls,
    spans: Iterable[tuple[float, Sequence[Candidate]]],
    count: int,
    uniforms: Uniforms,
    cancelled: CancelPoll,
) -> Rendering:
    """Sound [count] of spans of a clip, each with its ranked candidates; a recording stays for as long as it fits."""
    out = np.zeros(count, np.float32)
    beds = _settle(shelf, spans, controls.duration_s, uniforms)
    for number, bed in enumerate(beds):
        begin = round(bed.start_s * RATE_HZ)
        end = count if number == len(beds) - 1 else min(count, round((bed.end_s + _BED_FADE_S) * RATE_HZ))
        loop = _Loop(shelf.sound(bed.chosen.recording), bed.chosen.recording.kind, uniforms, f"library bed {number}")
        piece = loop.play(end - begin, cancelled)
        piece *= np.float32(_bed_gain(bed.chosen.recording))
        fade = min(round(_BED_FADE_S * RATE_HZ), len(piece))
        if number:
            piece[:fade] *= _rise(fade)
        if number < len(beds) - 1:
            piece[len(piece) - fade :] *= _rise(fade)[::-1]
        out[begin:end] += piece
    _follow(out, controls)
    return Rendering(out, controls.hits, laid=tuple(beds))


def _settle(
    shelf: Shelf, spans: Iterable[tuple[float, Sequence[Candidate]]], duration_s: float, uniforms: Uniforms
) -> list[Laid]:
    """Which recording lies where: the one before goes on while it is among the best few, but not for ever."""
    beds: list[Laid] = []
    stayed = 0
    for number, (start_s, ranked) in enumerate(spans):
        there = best_of([one for one in ranked if shelf.has(one.recording)])
        before = beds[-1].chosen if beds else None
        stayed += 1
        if before and stayed < _STAYS_SPANS and before.name in [one.name for one in there]:
            continue
        draw = float(uniforms("library bed", number, 1)[0])
        chosen = shelf.choose(ranked, draw, [before.name] if before else [])
        stayed = 0
        if before is None or chosen.name != before.name:
            beds.append(Laid(start_s, duration_s, "bed", chosen, _others(ranked, chosen)))
    ends = [*(bed.start_s for bed in beds[1:]), duration_s]
    return [replace(bed, end_s=end_s) for bed, end_s in zip(beds, ends, strict=True)]


def _bed_gain(recording: Recording) -> float:
    if recording.loudness_lufs is None:
        return 1.0
    return float(np.clip(10 ** ((_BED_LUFS - recording.loudness_lufs) / 20), *_GAIN))


class _Loop:
    """A recording that goes on for as long as is wanted."""

    def __init__(self, sound: Sound, kind: Kind, uniforms: Uniforms, stream: str) -> None:
        self._draw, self._stream, self._number = uniforms, stream, 0
        self._again = kind is not Kind.CONTINUOUS
        if self._again:  # barks and ticks: the whole recording with its pauses, and calm after it
            self._sound = np.pad(sound, (0, max(0, round(_CALM_S * RATE_HZ) - len(sound))))
            self._fade = min(round(0.05 * RATE_HZ), len(self._sound) // 4)
        else:
            loud = np.flatnonzero(np.abs(sound) > _SILENT)
            self._sound = sound[loud[0] : loud[-1] + 1] if len(loud) else sound
            self._fade = min(round(_BED_FADE_S * RATE_HZ), len(self._sound) // 4)

    def play(self, count: int, cancelled: CancelPoll) -> Sound:
        """So many samples of it.

        Raises:
            Cancelled: ``cancelled()`` turned true.
        """
        out = np.zeros(count, np.float32)
        rise = _rise(self._fade)
        at, begin = 0, self._first()
        while at < count:
            if cancelled():
                raise Cancelled("stopped while laying a bed")
            piece = self._sound[begin:].copy()
            if at:
                piece[: self._fade] *= rise
            following = at + len(piece) - self._fade
            if following < count:  # the last piece ends with the clip, not with a fade
                piece[len(piece) - self._fade :] *= rise[::-1]
                begin = self._next()
            end = min(count, at + len(piece))
            out[at:end] += piece[: end - at]
            at = max(following, at + 1)
        return out

    def _first(self) -> int:
        """Where it begins: somewhere in its first half, so that seeds differ."""
        if self._again:
            return 0
        return int(self._uniform() * len(self._sound) / 2)

    def _next(self) -> int:
        """Where it goes on from its end: at one of the three places in its first half that sound most like that end."""
        if self._again or self._fade == 0:
            return 0
        profile, steps = self._profile(), max(1, round(self._fade * _STEPS_HZ / RATE_HZ))
        ending = profile[-steps:]
        starts = range(max(1, len(profile) // 2 - steps + 1))
        away = [float(np.abs(profile[start : start + len(ending)] - ending).mean()) for start in starts]
        nearest = np.argsort(away, kind="stable")[:3]
        step = int(nearest[int(self._uniform() * len(nearest))])
        return min(step * RATE_HZ // _STEPS_HZ, len(self._sound) // 2)

    def _profile(self) -> NDArray[np.float32]:
        """Levels in 20 bands every tenth of a second, in tenths of bels, [T, 20]."""
        if not hasattr(self, "_known"):
            energies = dsp.mel_spectrogram(self._sound, RATE_HZ, window=8192, hop=RATE_HZ // _STEPS_HZ, bands=20)
            self._known = np.asarray(10 * np.log10(energies + 1e-6), np.float32)
        return self._known

    def _uniform(self) -> float:
        self._number += 1
        return float(self._draw(self._stream, self._number, 1)[0])


def _rise(count: int) -> NDArray[np.float32]:
    """From nothing to all [count], so that the powers of two cross-faded sounds sum to one."""
    return np.sin(np.linspace(0, np.pi / 2, count, endpoint=False, dtype=np.float32))


def _follow(out: Sound, controls: Controls) -> None:
    """Make ``out`` [N] louder and quieter, in place, as the picture is more and less lively."""
    if controls.track is None or len(controls.track) < 2:
        return
    lift_db = envelopes.lift(np.asarray(controls.track[:, 0], np.float32)) * envelopes.RANGE_DB
    if not lift_db.any():
        return
    steps = np.arange(len(lift_db)) / controls.track_rate_hz * RATE_HZ
    for at in range(0, len(out), _BLOCK):  # in blocks, so that a long clip needs no second copy of itself
        block = out[at : at + _BLOCK]
        block *= (10 ** (np.interp(np.arange(at, at + len(block)), steps, lift_db) / 20)).astype(np.float32)
