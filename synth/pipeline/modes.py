"""Which voice a mode has; makers, so that weights are loaded once a process and only where they are needed."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Final

from synth.errors import OptionError
from synth.options import Mode, Options, Synthesis
from synth.voices.ambient.prompting.asked import asked_of
from synth.voices.base import Voice
from synth.voices.library import registry
from synth.voices.speech.typed import script


def _hits() -> Voice:
    from synth.voices.hits.voice import HitsVoice  # only now: what was refused before needed none of it

    return HitsVoice()


def _ambient() -> Voice:
    from synth.voices.ambient.computed_voice import ComputedVoice

    return ComputedVoice()


def _learnt() -> Voice:
    from synth.voices.ambient.learnt_voice import LearntVoice

    return LearntVoice()


def _speech() -> Voice:
    from synth.voices.speech.voice import SpeechVoice

    return SpeechVoice()


def _typed() -> Voice:
    from synth.voices.speech.typed.voice import TypedVoice

    return TypedVoice()


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


LEARNT: Final[dict[Mode, Callable[[], Voice]]] = {Mode.AMBIENT: functools.cache(_learnt)}
"""Mode -> maker of its learnt voice, for ``synthesis=learnt``; any other mode is sounded as ever."""

TYPED: Final = functools.cache(_typed)
"""Maker of the voice of typed words, for ``text``."""

LIBRARY_MODES: Final = {mode: _over(mode) for mode in (Mode.HITS, Mode.AMBIENT)}
"""Modes that ``synthesis=library`` means something for; any other is sounded as ever."""


TOGETHER: Final = frozenset({Mode.AMBIENT})
"""Modes of which several jobs are done faster in one :func:`sonorize_all` than one after another."""


def allowed_modes(options: Options) -> tuple[Mode, ...]:
    """The modes that the picture may choose from: ``without="speech"`` leaves speech no way in.

    Raises:
        OptionError: what is asked for in words, or typed to be said, is not understood or contradicts other options.
    """
    if options.text is not None:
        script.parse(options.text)
    without_speech = asked_of(options).exclusions.speech
    return tuple(mode for mode in MODES if not (without_speech and mode is Mode.SPEECH))


def voice_of(mode: Mode, options: Options | None = None) -> Voice:
    """The voice of a mode other than ``auto``; with a library instead of its own sounds, where the options say so.

    Raises:
        OptionError: this release has none, or there is no such library.
    """
    if mode not in MODES:
        available = ", ".join(["auto", *(known.value for known in MODES)])
        raise OptionError(f"mode is {mode.value!r}, which has no voice in this release; available are {available}")
    if options is not None and options.text is not None and mode is Mode.SPEECH:
        return TYPED()
    synthesis = Synthesis.EXAMPLE if options is None else options.synthesis
    if synthesis is Synthesis.LEARNT and mode in LEARNT:
        return LEARNT[mode]()
    if options is None or synthesis is not Synthesis.LIBRARY or mode not in LIBRARY_MODES:
        return MODES[mode]()
    registry.find(options.library)
    # A library's recordings are known by the ten classes of the learnt voice.
    return LIBRARY_MODES[mode](LEARNT.get(mode, MODES[mode])())
