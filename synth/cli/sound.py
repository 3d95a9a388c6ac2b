"""The verbs that sound clips: run and render."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Annotated, Any, Final

import typer

from synth.cli import listening, words
from synth.cli.console import complain, progress_bar, say, say_json, short, warn
from synth.errors import Cancelled, OptionError, SynthError
from synth.options import (
    LOUDNESS_RANGE_LUFS,
    MAX_TAKES,
    RATE_RANGE_HZ,
    TRUE_PEAK_RANGE_DBTP,
    Channels,
    ExistingSound,
    Mode,
    Options,
    Synthesis,
)
from synth.result import Output, Result
from synth.sound_names import display_name
from synth.voices.base import CancelPoll, never_cancelled

DEFAULTS: Final = Options()

Clips = Annotated[list[Path], typer.Argument(help="The clips to sound.", metavar="CLIP", show_default=False)]
Out = Annotated[
    str,
    typer.Option(
        "-o",
        "--out",
        help="The file to write; a folder for several clips or takes.",
        metavar="PATH",
        show_default=False,
    ),
]
ModeOption = Annotated[Mode, typer.Option(help="Which voice sounds the clip.")]
Seed = Annotated[int, typer.Option(help="Another seed gives another sound; the same seed the same samples.")]
Takes = Annotated[int, typer.Option(help=f"How many takes, 1 to {MAX_TAKES}; each has the next seed.")]
SynthesisOption = Annotated[
    Synthesis,
    typer.Option(
        help="What sounds are made from: a bank or models, shaped noise, a learnt network, or a sound library."
    ),
]
Material = Annotated[str | None, typer.Option(help="Sound every hit as this material.", show_default=False)]
Bank = Annotated[
    str | None, typer.Option(help="Another sound bank: the name of a shipped one, or a file.", show_default=False)
]
Library = Annotated[
    str | None,
    typer.Option(
        help="With --synthesis library: its name or its index file; not needed where there is one.", show_default=False
    ),
]
SoundClass = Annotated[
    str | None,
    typer.Option(
        help="Make an ambient sound of this, see `sonorize sounds list`; without it, what the picture shows.",
        show_default=False,
    ),
]
VoicePack = Annotated[
    str | None, typer.Option(help="Whose voice speech is given: the name of a voice pack.", show_default=False)
]
Face = Annotated[
    int | None,
    typer.Option(help="Who speaks, counted from the left, from 1; without it, who speaks most.", show_default=False),
]
KeepPartial = Annotated[
    bool, typer.Option("--keep-partial", help="Keep what was made of an ambient sound when it is cancelled.")
]
Salvage = Annotated[
    bool, typer.Option("--salvage", help="Take a recording that breaks off, as far as it goes, and say so.")
]
Recut = Annotated[
    bool,
    typer.Option("--recut", help="Code the picture again where a copy would show another film or does not fit."),
]
Existing = Annotated[ExistingSound, typer.Option(help="What happens to sound that the clip already has.")]
Loudness = Annotated[float, typer.Option(help="Target in LUFS, {:g} to {:g}.".format(*LOUDNESS_RANGE_LUFS))]
TruePeak = Annotated[float, typer.Option(help="Limit in dBTP, {:g} to {:g}.".format(*TRUE_PEAK_RANGE_DBTP))]
Limiter = Annotated[
    bool, typer.Option("--limiter", help="Hold peaks down as far as the loudness needs, and not by 9 dB at most.")
]
ChannelsOption = Annotated[Channels, typer.Option("--channels", help="One channel, or two.")]
Rate = Annotated[int, typer.Option("--rate", help="Samples a second of the sound, {} to {}.".format(*RATE_RANGE_HZ))]
Force = Annotated[bool, typer.Option("--force", help="Replace outputs that exist.")]
Json = Annotated[bool, typer.Option("--json", help="Print the whole result as JSON.")]
SaveHits = Annotated[
    bool, typer.Option("--save-hits", help="Write <output>.hits.json beside each output with hits, to edit.")
]

Describe = Annotated[
    bool, typer.Option("--describe", help="Say what is heard in each take, and which one fits the picture best.")
]


def run(
    clips: Clips,
    out: Out,
    mode: ModeOption = DEFAULTS.mode,
    seed: Seed = DEFAULTS.seed,
    takes: Takes = DEFAULTS.takes,
    synthesis: SynthesisOption = DEFAULTS.synthesis,
    material: Material = None,
    bank: Bank = None,
    library: Library = None,
    sound_class: SoundClass = None,
    prompt: words.Prompt = None,
    without: words.Without = None,
    voice: VoicePack = None,
    face: Face = None,
    keep_partial: KeepPartial = False,
    salvage: Salvage = False,
    recut: Recut = False,
    existing_sound: Existing = DEFAULTS.existing_sound,
    loudness: Loudness = DEFAULTS.loudness_lufs,
    true_peak: TruePeak = DEFAULTS.true_peak_dbtp,
    limiter: Limiter = False,
    channels: ChannelsOption = DEFAULTS.channels,
    rate: Rate = DEFAULTS.rate_hz,
    force: Force = False,
    save_hits: SaveHits = False,
    describe: Describe = False,
    as_json: Json = False,
) -> None:
    """Sound silent clips: the same picture comes out, with the sound of what it shows."""
    options = Options.parse(
        {
            "mode": mode,
            "seed": seed,
            "takes": takes,
            "synthesis": synthesis,
            "material": material,
            "bank": bank,
            "library": library,
            "sound_class": sound_class,
            "prompt": prompt,
            "without": without,
            "voice": voice,
            "face": face,
            "keep_partial": keep_partial,
            "salvage": salvage,
            "recut": recut,
            "existing_sound": existing_sound,
            "loudness_lufs": loudness,
            "true_peak_dbtp": true_peak,
            "limiter": limiter,
            "channels": channels,
            "rate_hz": rate,
        }
    )
    from synth.pipeline.sonorize import sonorize

    asked = words.understood(options, as_json=as_json)
    jobs = plan(clips, out, options.takes)
    outputs: list[Output] = []
    descriptions: list[dict[str, Any] | None] = []
    failed = False
    with stoppable(keep_partial) as cancelled:

        def one(source: Path, target: Path) -> Result:
            with progress_bar(source.name) as progress:
                return sonorize(source, target, options, replace=force, progress=progress, cancelled=cancelled)

        for source, target in jobs:
            try:
                refuse_existing(target, options.takes, force=force, save_hits=save_hits)
                with made_folder(target.parent):
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
            _report(result.outputs, as_json=as_json)
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


def render(
    hits: Annotated[Path, typer.Argument(help="A hit list: what `run --json` or --save-hits wrote, edited or not.")],
    clip: Annotated[Path, typer.Argument(help="The clip that it belongs to.")],
    out: Annotated[str, typer.Option("-o", "--out", help="The file to write.", metavar="FILE", show_default=False)],
    take: Annotated[int, typer.Option(help="Which output of the list to sound, where it holds several.")] = 0,
    seed: Seed = DEFAULTS.seed,
    synthesis: SynthesisOption = DEFAULTS.synthesis,
    material: Material = None,
    bank: Bank = None,
    library: Library = None,
    salvage: Salvage = False,
    recut: Recut = False,
    existing_sound: Existing = DEFAULTS.existing_sound,
    loudness: Loudness = DEFAULTS.loudness_lufs,
    true_peak: TruePeak = DEFAULTS.true_peak_dbtp,
    limiter: Limiter = False,
    channels: ChannelsOption = DEFAULTS.channels,
    rate: Rate = DEFAULTS.rate_hz,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Sound an edited hit list under its clip, without running the nets."""
    options = Options.parse(
        {
            "mode": Mode.HITS,
            "seed": seed,
            "synthesis": synthesis,
            "material": material,
            "bank": bank,
            "library": library,
            "salvage": salvage,
            "recut": recut,
            "existing_sound": existing_sound,
            "loudness_lufs": loudness,
            "true_peak_dbtp": true_peak,
            "limiter": limiter,
            "channels": channels,
            "rate_hz": rate,
        }
    )
    from synth.pipeline.sonorize import render_hits

    ((source, target),) = plan([clip], out, 1)
    refuse_existing(target, 1, force=force)
    with progress_bar(clip.name) as progress:
        result = render_hits(hits, source, target, options, take=take, replace=force, progress=progress)
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


def plan(clips: Sequence[Path], out: str, takes: int) -> list[tuple[Path, Path]]:
    """Which file each clip goes to: ``out`` itself, or a file in it named after the clip.

    ``out`` is a folder for several clips, for several takes unless it names a file, where a folder is there already,
    and where it ends in a slash.

    Raises:
        OptionError: two clips would be written to one file.
    """
    from synth.media.containers import SUFFIXES
    from synth.media.picture import animated_pictures

    named_file = Path(out).suffix.lower() in SUFFIXES and not out.endswith("/") and not _is_folder(Path(out))
    if named_file and len(clips) > 1:
        raise OptionError(f"{len(clips)} clips cannot go into the one file {short(out)!r}; name a folder")
    if named_file or not (len(clips) > 1 or takes > 1 or out.endswith("/") or _is_folder(Path(out))):
        return [(clips[0], Path(out))]
    jobs = []
    taken: dict[Path, Path] = {}
    for clip in clips:
        own = clip.suffix.lower()
        suffix = own if own in SUFFIXES else ".mp4" if own in animated_pictures.SUFFIXES else ".mkv"
        target = Path(out) / f"{clip.stem}{suffix}"
        if target in taken:
            raise OptionError(f"{short(str(taken[target]))} and {short(str(clip))} would both be written to {target}")
        taken[target] = clip
        jobs.append((clip, target))
    return jobs


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
        if _exists(path):
            raise OptionError(f"the output {short(str(path))!r} exists; --force replaces it")


def hits_file(target: Path) -> Path:
    """Where ``--save-hits`` writes the list of one output."""
    return target.with_name(f"{target.stem}.hits.json")


@contextmanager
def made_folder(folder: Path) -> Iterator[None]:
    """The folder, made if need be, and taken away again if nothing was put into it.

    Raises:
        OptionError: it cannot be made.
    """
    missing = not _exists(folder)
    try:
        if missing and _exists(folder.parent):
            folder.mkdir()
    except OSError as error:
        raise OptionError(f"the folder {short(str(folder))!r} cannot be made: {error.strerror}") from error
    try:
        yield
    finally:
        if missing and _is_folder(folder) and not any(folder.iterdir()):
            folder.rmdir()


def _exists(path: Path) -> bool:
    try:
        return path.exists() or path.is_symlink()
    except OSError as error:  # such as a name that is too long
        raise OptionError(f"the output cannot be written: {error.strerror}") from error


def _is_folder(path: Path) -> bool:
    return _exists(path) and path.is_dir()


def _save_hits(result: Result) -> None:
    import json

    from synth.files import write_whole

    for output in result.outputs:
        if output.mode is not Mode.HITS:
            continue
        listed: dict[str, Any] = {"hits": [hit.as_json() for hit in output.hits]}
        file = hits_file(output.target)
        write_whole(file, (json.dumps(listed, indent=2) + "\n").encode())


def _report(outputs: Sequence[Output], *, as_json: bool) -> None:
    for output in outputs:
        for warning in output.warnings:
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
