"""Hits out of a sound library: pieces of recordings pasted to the sample.

A piece's own onset falls on the hit's sample; it is as loud as the hit is strong, and gives way to the next one.
Importable without torch. Shapes: N = samples at 44.1 kHz.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from synth.dsp.cochleagram import COMPRESSION
from synth.errors import Cancelled
from synth.voices.base import CancelPoll, Hit, Rendering, Sound, Uniforms
from synth.voices.library.matching import Candidate, Laid
from synth.voices.library.recordings import GAIN_RANGE, RATE_HZ, Recordings, others_of

_FRESH: Final = 2  # hits for which a piece is not heard again, where there is another
_LEAD_S: Final = 0.005  # before a piece's onset, faded in
_TAIL_S: Final = 0.03
_GIVE_WAY_S: Final = 0.15
_SOFTEST_SHARE: Final = 0.5  # as for exemplars of a bank: 20 dB from the softest hit to the strongest


def lay_hits(
    recordings: Recordings,
    hits: Sequence[Hit],
    ranked: Iterable[Sequence[Candidate]],
    count: int,
    uniforms: Uniforms,
    cancelled: CancelPoll,
) -> Rendering:
    """Sound [count] of hits in order of time, each a piece out of its ranked candidates."""
    out = np.zeros(count, np.float32)
    usual = float(np.median([one.loudness for entry in recordings.library.entries for one in entry.recording.pieces]))
    laid: list[Laid] = []
    for number, (hit, candidates) in enumerate(zip(hits, ranked, strict=True)):
        if cancelled():
            raise Cancelled("stopped while laying sounds")
        # Keyed by the moment, not by the place in the list: editing one hit leaves those far from it as they were.
        draw = float(uniforms("library hit", round(hit.time_s * 1000), 1)[0])
        chosen = recordings.choose(candidates, draw, [one.chosen.name for one in laid[-_FRESH:]])
        until_s = hits[number + 1].time_s if number + 1 < len(hits) else math.inf
        length = _lay_hit(out, recordings.sound(chosen.recording), chosen, hit, until_s, usual)
        end_s = hit.time_s + length / RATE_HZ
        laid.append(Laid(hit.time_s, end_s, "hit", chosen, others_of(candidates, chosen)))
    named = tuple(replace(hit, exemplar=one.chosen.name) for hit, one in zip(hits, laid, strict=True))
    return Rendering(out, named, laid=tuple(laid))


def _lay_hit(out: Sound, sound: Sound, chosen: Candidate, hit: Hit, until_s: float, usual: float) -> int:
    """Add a piece to ``out``, its onset on the hit's sample; how many samples it goes on after that."""
    cut = chosen.cut
    onset = round(cut.onset_s * RATE_HZ)
    first = max(0, onset - round(_LEAD_S * RATE_HZ))
    piece = sound[first : round((cut.end_s + _TAIL_S) * RATE_HZ)].copy()
    wanted = usual * (_SOFTEST_SHARE + (1 - _SOFTEST_SHARE) * hit.strength)
    piece *= np.float32(np.clip((wanted / max(cut.loudness, 1e-6)) ** (1 / COMPRESSION), *GAIN_RANGE))
    piece *= np.float32(10 ** (hit.gain_db / 20))
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
