"""What a request says in words, ``prompt`` and ``without``, held against the rest of it."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from synth.errors import OptionError
from synth.options import Mode, Options
from synth.voices.ambient.catalogue.registry import all_sounds
from synth.voices.ambient.prompting.exclusions import Exclusions, parse_without
from synth.voices.ambient.prompting.parsed import Parsed, told_layers
from synth.voices.ambient.prompting.parser import parse_prompt


@dataclass(frozen=True)
class Asked:
    """The words of a request, understood.

    Attributes:
        parsed: the prompt, without what is ruled out; None where there is none.
        exclusions: what may not be heard, by ``without`` and by the prompt itself.
    """

    parsed: Parsed | None
    exclusions: Exclusions


def asked_of(options: Options, duration_s: float | None = None) -> Asked:
    """What the words of a request ask for.

    Args:
        options: the request.
        duration_s: of the picture, if it is known.

    Raises:
        OptionError: a word that is not understood, or one that contradicts another option.
    """
    ruled_out = parse_without(options.without)
    if ruled_out.speech and options.settled_mode is Mode.SPEECH:
        raise OptionError(f"without is {options.without!r} and the mode asked for is speech; allowed is one of the two")
    if options.sound_class in ruled_out.sounds:
        raise OptionError(f"sound_class is {options.sound_class!r}, which without ({options.without}) leaves out")
    # Most requests rule nothing out, and need not wait for the catalogue to be read.
    if ruled_out.sounds and len(ruled_out.sounds) == len(all_sounds()):
        raise OptionError(f"without is {options.without!r}, which leaves no sound to make")
    if options.prompt is None:
        return Asked(None, ruled_out)
    parsed = _without(parse_prompt(options.prompt, duration_s), ruled_out, options.without)
    return Asked(parsed, Exclusions(ruled_out.sounds.union(parsed.excluded), ruled_out.speech))


def _without(parsed: Parsed, ruled_out: Exclusions, words: str | None) -> Parsed:
    """The parse without the layers that may not be heard."""
    kept = tuple(layer for layer in parsed.layers if layer.sound not in ruled_out.sounds)
    gone = tuple(dict.fromkeys(layer.sound for layer in parsed.layers if layer.sound in ruled_out.sounds))
    if not gone:
        return parsed
    if not kept:
        raise OptionError(f"the prompt asks for {', '.join(gone)} only, which without ({words}) leaves out")
    ignored = (*parsed.ignored, *(f"{name} (left out by without: {words})" for name in gone))
    return dataclasses.replace(parsed, layers=kept, told=told_layers(kept), ignored=ignored)
