"""Pure sound functions, and what an engine hands to them.

A sound function is ``fn(n, rate_hz, rng, **knobs) -> float64 [n]``: one stretch of a texture, or one event, with no
memory. Beside those of its class's knobs that it names, it is handed whatever of this it names:

    body    a generator that starts alike in every segment and event: draws that may not change while a sound lasts
            (which bell, which shoe, which room)
    walk    a :class:`~synth.voices.ambient.catalogue.walk.Walk`: slow curves over the whole sound
    time_s  float64 [n], seconds since the sound's beginning
    phase   float64 [n], cycles since the beginning (where the texture says what counts them)
    index   which segment or event it is
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from synth.voices.ambient.catalogue.performance import Performance, Role, Samples
from synth.voices.ambient.catalogue.walk import Walk

SoundFunction = Callable[..., Samples]


class PreparedFunction:
    """A sound function and what it asks for."""

    def __init__(self, fn: SoundFunction) -> None:
        self._fn = fn
        self._names = frozenset(inspect.signature(fn).parameters)

    def __call__(
        self,
        n: int,
        performance: Performance,
        role: Role,
        index: int,
        start: int,
        curves: tuple[str, ...] = (),
        counted: str | None = None,
        now_s: float = 0.0,
    ) -> Samples:
        """One stretch: ``n`` samples from ``start``; knobs as they are at ``now_s``, those of ``curves`` as curves."""
        time_s = (start + np.arange(n)) / performance.rate_hz if curves or counted or "time_s" in self._names else None
        given: dict[str, Any] = {}
        for name, curve in performance.knobs.items():
            if name in self._names:
                given[name] = curve.at(time_s) if time_s is not None and name in curves else curve.value(now_s)
        if "body" in self._names:
            given["body"] = performance.generator(Role.BODY)
        if "walk" in self._names:
            given["walk"] = Walk(performance, start / performance.rate_hz, n)
        if "time_s" in self._names:
            given["time_s"] = time_s
        if counted is not None and time_s is not None:
            given["phase"] = performance.knobs[counted].integral(time_s)
        if "index" in self._names:
            given["index"] = index
        return self._fn(n, performance.rate_hz, performance.generator(role, index), **given)
