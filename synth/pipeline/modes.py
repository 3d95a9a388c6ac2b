"""Which voice a mode has; makers, so that weights are loaded once a process and only where they are needed."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Final

from synth.errors import OptionError
from synth.options import Mode, Options, Synthesis
from synth.voices.base import Voice
from synth.voices.library import registry


def _hits() -> Voice:
    from synth.voices.hits.voice import HitsVoice  # only now: what was refused before needed none of it

    return HitsVoice()


def _ambient() -> Voice:
    from synth.voices.ambient.voice import AmbientVoice

    return AmbientVoice()


def _speech() -> Voice:
    from synth.voices.speech.voice import SpeechVoice

    return SpeechVoice()


MODES: Final[dict[Mode, Callable[[], Voice]]] = {
    Mode.HITS: functools.cache(_hits),
    Mode.AMBIENT: functools.cache(_ambient),
    Mode.SPEECH: functools.cache(_speech),
}
"""Mode -> maker of its voice. A maker gives one voice a process, so that weights are loaded once."""


def _over(mode: Mode) -> Callable[[Voice], Voice]:
    """Maker of the voice that lays recordings of a library under what a mode's own voice sees, one a voice."""

    def make(voice: Voice) -> Voice:
        from synth.voices.library.voice import LibraryVoice

        if mode not in laying or laying[mode][0] is not voice:
            laying[mode] = (voice, LibraryVoice(voice, mode))
        return laying[mode][1]

    laying: dict[Mode, tuple[Voice, Voice]] = {}
    return make


LIBRARY_MODES: Final = {mode: _over(mode) for mode in (Mode.HITS, Mode.AMBIENT)}
"""Modes that ``synthesis=library`` means something for; any other is sounded as ever."""


TOGETHER: Final = frozenset({Mode.AMBIENT})
"""Modes of which several jobs are done faster in one :func:`sonorize_all` than one after another."""


def voice_of(mode: Mode, options: Options | None = None) -> Voice:
    """The voice of a mode other than ``auto``; with a library instead of its own sounds, where the options say so.

    Raises:
        OptionError: this release has none, or there is no such library.
    """
    if mode not in MODES:
        available = ", ".join(["auto", *(known.value for known in MODES)])
        raise OptionError(f"mode is {mode.value!r}, which has no voice in this release; available are {available}")
    voice = MODES[mode]()
    if options is None or options.synthesis is not Synthesis.LIBRARY or mode not in LIBRARY_MODES:
        return voice
    registry.find(options.library)
    return LIBRARY_MODES[mode](voice)
