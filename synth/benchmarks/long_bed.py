"""Seconds of a long bed of the learnt decoder: as segments side by side, and as the one stream that it was before.

Both are the same network on the same machine in one process, in turn; all that is done to the sound until it is 48 kHz
stereo counts.
"""

from __future__ import annotations

import functools
import os
import statistics
import time
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from synth.options import Options
from synth.randomness import uniforms
from synth.sampler import native
from synth.voices.ambient import scene, segments
from synth.voices.ambient.learnt_voice import LearntVoice
from synth.voices.ambient.voice import RATE_HZ
from synth.voices.base import Controls, SoundChoice, Take, ignore_progress, never_cancelled

DURATION_S: Final = 600.0
ROUNDS: Final = 2
_TOP: Final = 64


def long_bed(duration_s: float = DURATION_S, rounds: int = ROUNDS) -> dict[str, Any]:
    """How long rain of some length takes both ways.

    Args:
        duration_s: of sound.
        rounds: repetitions of each way, in turn.

    Returns:
        JSON values: medians in seconds, their ratio, all repetitions, segments, load before and after.
    """
    ways = {"one_stream_s": LearntVoice(segmented=False), "segments_s": LearntVoice()}
    for voice in ways.values():
        voice.render_all([_take(1.0)])  # loads the network
    load = [os.getloadavg()]
    spent: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, voice in ways.items():
            begin = time.perf_counter()
            voice.render_all([_take(duration_s)])
            spent[name].append(time.perf_counter() - begin)
    load.append(os.getloadavg())
    medians = {name: statistics.median(seconds) for name, seconds in spent.items()}
    return {
        "sound_s": duration_s,
        "segments": len(segments.plan(-(-round(duration_s * RATE_HZ) // _TOP) * _TOP, _TOP, RATE_HZ)),
        **{name: round(seconds, 2) for name, seconds in medians.items()},
        "ratio": round(medians["one_stream_s"] / medians["segments_s"], 2),
        "times_real_time": round(duration_s / medians["segments_s"], 1),
        "repetitions": {name: _rounded(seconds) for name, seconds in spent.items()},
        "device": {
            "cores": len(os.sched_getaffinity(0)),
            "kernels": f"cpu {native.best()}" if native.library() else "cpu numpy",
            "load_before": _rounded(load[0]),
            "load_after": _rounded(load[1]),
        },
    }


def _rounded(values: Sequence[float]) -> list[float]:
    return [round(value, 2) for value in values]


def _take(duration_s: float) -> Take:
    choice = SoundChoice("rain", 1.0, {}, fits=True, reason="asked for")
    track = np.full((max(1, round(duration_s * scene.RATE_HZ)), 1), 0.5, np.float32)
    features = {
        "motion": np.zeros((len(track), len(scene.MOTION)), np.float32),
        "position": np.full((len(track), 1), 0.5, np.float32),
    }
    controls = Controls(duration_s, track=track, track_rate_hz=scene.RATE_HZ, choice=choice, features=features)
    return Take(controls, Options(seed=1), functools.partial(uniforms, 1), ignore_progress, never_cancelled)
