"""The verb that looks into a file: inspect."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from synth.cli.console import one_line, say, say_json
from synth.options import ExistingSound, Options

if TYPE_CHECKING:
    from synth.media.metadata.inspection import Inspection

DEFAULTS = Options()


def inspect(
    file: Annotated[Path, typer.Argument(help="The file to look into.", metavar="FILE", show_default=False)],
    into: Annotated[
        str | None,
        typer.Option(
            "--into",
            help="Container of the result: .mp4, .mov, .mkv or .webm; by default as `run` and the server choose it.",
            metavar="SUFFIX",
            show_default=False,
        ),
    ] = None,
    existing_sound: Annotated[
        ExistingSound, typer.Option(help="What happens to sound that the file already has.")
    ] = DEFAULTS.existing_sound,
    trial: Annotated[
        bool, typer.Option("--trial/--no-trial", help="Make a result with silence, and throw it away, to see.")
    ] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print all of it as JSON.")] = False,
) -> None:
    """Say what is in a file (tracks, clock, edits, side data, tags), and what a result keeps of it and loses."""
    from synth.media.metadata import inspection

    suffix = None if into is None else f".{into.lower().lstrip('.')}"
    found = inspection.inspect(file, suffix=suffix, existing=existing_sound, trial=trial)
    if as_json:
        say_json(found.as_json())
        return
    for line in _told(found):
        say(one_line(line))


def _told(found: Inspection) -> list[str]:
    from synth.media.metadata import side_data

    info, listing, seen, colours = found.seen.info, found.seen.found, found.seen, found.colours
    lines = [f"{found.path.name}: {info.container}, {info.bytes_} bytes, {info.duration_s:.3f} s"]
    if found.refused:
        lines.append(f"  refused as it is: {found.refused}")
    rate = f"{info.rate_fps:.6g} frames a second{', variable' if info.variable_rate else ''}"
    lines.append(
        f"  picture: track {listing.stream.index}, {info.video_codec}, {info.width} x {info.height}, "
        f"{info.frames} frames, {rate}{f', turned by {info.rotation_deg} degrees' if info.rotation_deg else ''}"
    )
    if colours.transfer != "unknown" or colours.hdr:
        mapped = "; HDR: frames for the nets and stills are tone-mapped" if colours.hdr else ""
        lines.append(f"  colours: {colours.matrix}, {colours.primaries}, {colours.transfer}{mapped}")
    lines += [f"  track {one.index}: {one.about or one.name}"[:160] for one in listing.streams]
    clock = f"  clock: starts at {info.start_s:.3f} s, ticks of {listing.tick_s} s"
    lines.append(clock + (", begins anywhere" if listing.clock.own else ""))
    if seen.hidden_before or seen.hidden_after or seen.joined:
        joined = ", parts joined in another order" if seen.joined else ""
        lines.append(
            f"  edits: {seen.hidden_before} frames hidden before the start, {seen.hidden_after} after the end{joined}"
        )
    lines += [f"  side data: {one}" for one in side_data.told(found.side_data)]
    lines += [f"  tag {name}: {value[:100]}" for name, value in found.tags.items()]
    lines += [f"  note: {one}" for one in info.warnings]
    if found.trial is not None:
        lines += _of_trial(found)
    return lines


def _of_trial(found: Inspection) -> list[str]:
    trial = found.trial
    if trial is None:
        return []
    if trial.refused:
        return [f"  a {trial.suffix} is refused: {trial.refused}"]
    lines = [f"  a {trial.suffix} keeps {one}" for one in trial.kept]
    return [
        *lines,
        *(f"  a {trial.suffix} loses or changes: {one}" for one in trial.lost if one not in found.seen.info.warnings),
    ]
