"""What the nets say of a clip and its sound, on the command line: `run --describe`, and heat maps over a video."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from synth.cli.console import progress_bar, say, say_json, short, warn
from synth.errors import OptionError, SynthError
from synth.result import Output

if TYPE_CHECKING:
    from synth.description.describer import Describer
    from synth.description.description import Description

STILLS: Final = (".jpg", ".jpeg")
VIDEOS: Final = (".mp4", ".mov", ".mkv")


class Method(StrEnum):
    """Whose maps are drawn."""

    AVOL = "avol"
    ATTENTION = "attention"


def describer() -> Describer:
    """The one of this process.

    Raises:
        WeightsError: weights are missing.
    """
    from synth.description.describer import describer as made

    return made()


def described(outputs: Sequence[Output]) -> list[dict[str, Any] | None]:
    """What is heard in the takes of one clip, as JSON values with each take's ``rank``; 1 fits best.

    That it cannot be said is a warning and no error: the sound is made.
    """
    from synth.media import audio

    source = outputs[0].source
    try:
        found = describer().describe(source, [output.decoded or audio.read(output.target) for output in outputs])
    except SynthError as error:
        warn(f"{short(source.name)}: not described: {error}")
        return [None] * len(outputs)
    ranking = found.ranking()
    return [{**take.as_json(), "rank": ranking.index(number) + 1} for number, take in enumerate(found.takes)]


def tell(outputs: Sequence[Output], descriptions: Sequence[dict[str, Any] | None]) -> None:
    """Print tags and ranking for people, the best take first."""
    known = [(told, output) for told, output in zip(descriptions, outputs, strict=True) if told is not None]
    for told, output in sorted(known, key=lambda one: int(one[0]["rank"])):
        tags = ", ".join(f"{tag['name']} {100 * tag['probability']:.0f} %" for tag in told["tags"]) or "no tags"
        place = f"number {told['rank']} of {len(known)}, " if len(known) > 1 else ""
        fits = f"sound and picture belong together {100 * told['correspondence']:.0f} %"
        say(f"  {output.target.name}: {place}{fits}, distance {told['distance']:.2f}; {tags}")


def heat_map(
    clip: Annotated[Path, typer.Argument(help="A video with sound.", metavar="CLIP", show_default=False)],
    out: Annotated[
        Path,
        typer.Option(
            "-o",
            "--out",
            help="The file to write: .mp4, .mov or .mkv for a video, .jpg for the strongest moment.",
            metavar="FILE",
            show_default=False,
        ),
    ],
    method: Annotated[Method, typer.Option(help="Whose maps: AVOL-Net's, or the attention localiser's.")] = Method.AVOL,
    force: Annotated[bool, typer.Option("--force", help="Replace the output if it exists.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print where and how firmly as JSON.")] = False,
) -> None:
    """Show where in a video its sound comes from, as colour over the picture."""
    if out.suffix.lower() not in (*STILLS, *VIDEOS):
        allowed = ", ".join((*VIDEOS, *STILLS))
        raise OptionError(f"the output {short(out.name)!r} ends in {out.suffix!r}; allowed are {allowed}")
    if out.exists() and not force:
        raise OptionError(f"the output {short(str(out))!r} exists; --force replaces it")
    from synth.description import heat_map as maps_of
    from synth.media import audio, video

    if video.probe(clip).audio_codec is None:
        raise OptionError(f"{short(clip.name)} has no sound, so nothing in it can be where the sound comes from")
    with progress_bar(clip.name) as progress:
        progress("look", 0.1)
        found = describer().describe(clip, [audio.read(clip)])
        maps = _maps(found, method)
        progress("draw", 0.6)
        if out.suffix.lower() in STILLS:
            maps_of.write_strongest(maps_of.stills(clip, found.times_s), maps, out)
        else:
            maps_of.write_video(clip, maps, found.times_s, out)
    firmness = float(maps.max())
    at_s = found.times_s[maps_of.strongest(maps)]
    if as_json:
        say_json({"target": str(out), "method": method.value, "firmness": firmness, "strongest_s": at_s})
        return
    firm = "firmly" if firmness >= maps_of.FIRM else "not firmly: what sounds may not be visible"
    say(f"{out}: a place is shown {firm} ({100 * firmness:.0f} %), strongest at {at_s:.2f} s")


def _maps(found: Description, method: Method) -> Any:
    """Maps [K, 14, 14] of the one take.

    Raises:
        OptionError: this release has none by that method.
    """
    known = found.takes[0].maps
    if method.value not in known:
        raise OptionError(f"method is {method.value!r}; there are {', '.join(known) or 'none'}")
    return known[method.value]
