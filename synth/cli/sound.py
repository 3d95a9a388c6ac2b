"""The verbs that sound clips: run and render."""

from __future__ import annotations

import signal
import threading
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Annotated, Any, Final

import typer

from synth.cli import listening, words
from synth.cli.clips import Clip, Found, exists, found, made_folder, plan, tell_skipped
from synth.cli.console import complain, progress_bar, say, say_json, short, warn
from synth.cli.flags import DEFAULTS, asks_for
from synth.errors import Cancelled, OptionError, SynthError
from synth.options import Mode, Options
from synth.result import Output, Result
from synth.sound_names import display_name
from synth.voices.base import CancelPoll, never_cancelled

OF_A_HIT_LIST: Final = (
    *("seed", "synthesis", "material", "bank", "library", "salvage", "recut", "existing_sound", "loudness_lufs"),
    *("true_peak_dbtp", "limiter", "channels", "rate_hz"),
)
"""What may be asked for of a sound whose hits are given."""

Clips = Annotated[
    list[Path],
    typer.Argument(help="The clips to sound; of a folder all videos in it.", metavar="CLIP", show_default=False),
]
Out = Annotated[
    str,
    typer.Option(
        "-o",
        "--out",
        help="The file to write; a folder for several clips or takes, and for a folder of clips.",
        metavar="PATH",
        show_default=False,
    ),
]
Force = Annotated[bool, typer.Option("--force", help="Replace outputs that exist.")]
Json = Annotated[bool, typer.Option("--json", help="Print the whole result as JSON.")]
SaveHits = Annotated[
    bool, typer.Option("--save-hits", help="Write <output>.hits.json beside each output with hits, to edit.")
]

Describe = Annotated[
    bool, typer.Option("--describe", help="Say what is heard in each take, and which one fits the picture best.")
]


@asks_for()
def run(
    clips: Clips,
    out: Out,
    options: Options = DEFAULTS,
    force: Force = False,
    save_hits: SaveHits = False,
    describe: Describe = False,
    as_json: Json = False,
) -> None:
    """Sound silent clips: the same picture comes out, with the sound of what it shows."""
    from synth.pipeline.sonorize import sonorize

    asked = words.understood(options, as_json=as_json)
    said = [words.left_out(one) for one in asked["ignored"]] if asked else []
    meant = found(clips, Path(out))
    tell_skipped(meant)
    jobs = plan(meant, out, options.takes)
    outputs: list[Output] = []
    descriptions: list[dict[str, Any] | None] = []
    failed = False
    with stoppable(options.keep_partial) as cancelled:

        def one(source: Path, target: Path) -> Result:
            with progress_bar(source.name) as progress:
                return sonorize(source, target, options, overwrite=force, progress=progress, cancelled=cancelled)

        for source, target in jobs:
            try:
                refuse_existing(target, options.takes, force=force, save_hits=save_hits)
                with made_folder(target.parent, Path(out)):
                    result = one(source, target)
                    if save_hits:
                        _save_hits(result)
            except Cancelled:
                if not outputs:
                    raise
                break
            except SynthError as error:
                # The other clips are not to blame: they are sounded, and the exit code tells.
                complain(f"{short(source.name)}: {error}")
                failed = True
                continue
            outputs += result.outputs
            _report(result.outputs, as_json=as_json, said=said)
            if describe:
                descriptions += listening.described(result.outputs)
                if not as_json:
                    listening.tell(result.outputs, descriptions[-len(result.outputs) :])
            if cancelled():
                break
        stopped = cancelled()
    if as_json:
        told = Result(tuple(outputs)).as_json()
        if asked is not None:
            told["prompt"] = asked
        for entry, description in zip(told["outputs"], descriptions, strict=False):  # none were asked for, or all
            entry["description"] = description
        say_json(told)
    if stopped:
        raise Cancelled("stopped; what was made is kept")
    if failed:
        raise typer.Exit(2)


@asks_for(OF_A_HIT_LIST, mode=Mode.HITS)
def render(
    hits: Annotated[Path, typer.Argument(help="A hit list: what `run --json` or --save-hits wrote, edited or not.")],
    clip: Annotated[Path, typer.Argument(help="The clip that it belongs to.")],
    out: Annotated[str, typer.Option("-o", "--out", help="The file to write.", metavar="FILE", show_default=False)],
    take: Annotated[int, typer.Option(help="Which output of the list to sound, where it holds several.")] = 0,
    options: Options = DEFAULTS,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Sound an edited hit list under its clip, without running the nets."""
    from synth.pipeline.sonorize import render_hits

    ((source, target),) = plan(Found((Clip(clip),)), out, 1)
    refuse_existing(target, 1, force=force)
    with progress_bar(clip.name) as progress:
        result = render_hits(hits, source, target, options, take=take, overwrite=force, progress=progress)
    _report(result.outputs, as_json=as_json)
    if as_json:
        say_json(result.as_json())


@contextmanager
def stoppable(keep: bool) -> Iterator[CancelPoll]:
    """A poll that a first Ctrl-C makes true, where what was made is to be kept; a second one ends at once."""
    if not keep:
        yield never_cancelled
        return
    asked, before = threading.Event(), signal.getsignal(signal.SIGINT)

    def ask(_signal: int, _frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, before)
        asked.set()

    signal.signal(signal.SIGINT, ask)
    try:
        yield asked.is_set
    finally:
        signal.signal(signal.SIGINT, before)


def refuse_existing(target: Path, takes: int, *, force: bool, save_hits: bool = False) -> None:
    """Without ``force``, refuse a job one of whose outputs exists.

    Raises:
        OptionError: it does.
    """
    from synth.pipeline.job import take_target

    if force:
        return
    targets = [take_target(target, take, takes) for take in range(takes)]
    for path in [*targets, *(hits_file(target) for target in targets if save_hits)]:
        if exists(path):
            raise OptionError(f"the output {short(str(path))!r} exists; --force replaces it")


def hits_file(target: Path) -> Path:
    """Where ``--save-hits`` writes the list of one output."""
    return target.with_name(f"{target.stem}.hits.json")


def _save_hits(result: Result) -> None:
    import json

    from synth.files import write_whole

    for output in result.outputs:
        if output.mode is not Mode.HITS:
            continue
        listed: dict[str, Any] = {"hits": [hit.as_json() for hit in output.hits]}
        file = hits_file(output.target)
        write_whole(file, (json.dumps(listed, indent=2) + "\n").encode())


def _report(outputs: Sequence[Output], *, as_json: bool, said: Collection[str] = ()) -> None:
    for output in outputs:
        for warning in (one for one in output.warnings if one not in said):
            warn(f"{short(output.source.name)}: {warning}")
        if not as_json:
            level = "silence" if output.loudness_lufs is None else f"{output.loudness_lufs:.1f} LUFS"
            spent_s = sum(output.stages_s.values())
            chosen = output.sound_class.name if output.sound_class else None
            what = told_sound(len(output.hits), chosen, output.mode)
            say(f"{output.target}: {what}, {level}, {output.duration_s:.2f} s of picture in {spent_s:.1f} s")


def told_sound(hit_count: int, sound_class: str | None, mode: Mode = Mode.HITS) -> str:
    """What was made, in a few words."""
    if mode is Mode.SPEECH:
        return "synthetic speech"
    if sound_class is not None:
        return display_name(sound_class)
    return f"{hit_count} hit{'' if hit_count == 1 else 's'}"
