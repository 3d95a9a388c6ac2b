"""The verbs about sound banks: make one, and list what is in one."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from synth.cli.console import say, say_json, short, warn
from synth.errors import OptionError, WeightsError

if TYPE_CHECKING:
    from synth.voices.hits.bank_building import Recording
    from synth.voices.hits.sound_bank import Bank

DEFAULT_PER_MATERIAL: Final = 12

bank_app: Final = typer.Typer(no_args_is_help=True, help="The sounds that example-based synthesis pastes.")
Json = Annotated[bool, typer.Option("--json", help="Print the whole result as JSON.")]


@bank_app.command("build")
def build(
    out: Annotated[Path, typer.Option("-o", "--out", help="The safetensors file to write.", show_default=False)],
    folder: Annotated[
        Path | None,
        typer.Argument(
            help="A Greatest Hits folder, or any folder of hit recordings with one sub-folder a material; "
            "without one the bank is computed.",
            show_default=False,
        ),
    ] = None,
    material: Annotated[str | None, typer.Option(help="What all recordings of the folder are of.")] = None,
    licence: Annotated[str, typer.Option(help="Under which the recordings may be used.")] = "not stated",
    source: Annotated[str | None, typer.Option(help="Whose recordings they are.", show_default="the folder")] = None,
    per_material: Annotated[int, typer.Option(help="Computed sounds of each material.")] = DEFAULT_PER_MATERIAL,
    seed: Annotated[int, typer.Option(min=0, help="Of the computed sounds.")] = 0,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that exists.")] = False,
    as_json: Json = False,
) -> None:
    """Make a sound bank: cut from recordings, or computed."""
    if out.suffix != ".safetensors":
        raise OptionError(f"the bank ends in {out.suffix!r}; allowed is .safetensors")
    if os.path.lexists(out) and not force:
        raise OptionError(f"the output {str(out)!r} exists; --force replaces it")
    from synth.voices.hits import bank_building

    skipped: dict[str, str] = {}
    if folder is None:
        made = bank_building.build_computed(seed, per_material)
    else:
        recordings = _recordings(folder, material, skipped)
        made = bank_building.build_from_recordings(recordings, licence=licence, source=source or folder.name)
    made.save(out)
    _report(made, out, skipped, as_json=as_json)


@bank_app.command("measure")
def measure_bodies(
    folder: Annotated[Path, typer.Argument(help="Recordings of impacts whose names tell the material.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="The JSON file to write.", show_default=False)],
    force: Annotated[bool, typer.Option("--force", help="Replace a file that exists.")] = False,
    as_json: Json = False,
) -> None:
    """Measure the struck bodies behind recordings of impacts: the table from which hits are computed."""
    if not folder.is_dir():
        raise OptionError(f"the folder {str(folder)!r} does not exist")
    if os.path.lexists(out) and not force:
        raise OptionError(f"the output {str(out)!r} exists; --force replaces it")
    from synth.data.corpora.impacts import impact_files
    from synth.files import write_whole
    from synth.voices.hits.impact_body import MEASURED_RATE_HZ, measure
    from synth.voices.hits.impact_table import as_table

    files = impact_files(folder)
    bodies = {file.name: (file.kind, measure(file.impact(MEASURED_RATE_HZ), MEASURED_RATE_HZ)) for file in files}
    write_whole(out, (json.dumps(as_table(bodies), separators=(",", ":")) + "\n").encode())
    counts = dict(Counter(file.kind for file in files))
    if as_json:
        say_json({"table": str(out), "bodies": counts})
        return
    say(f"{out}: {len(files)} bodies")
    for kind, count in counts.items():
        say(f"  {kind}: {count}")


@bank_app.command("list")
def list_sounds(
    file: Annotated[Path | None, typer.Argument(help="A bank; without one, the bank that ships.")] = None,
    as_json: Json = False,
) -> None:
    """The names of the sounds, as a hit list may ask for them."""
    from synth.voices.hits.sound_bank import Bank

    found = Bank.load(file or _shipped())
    if as_json:
        say_json([{"name": one.name, "material": one.material, "action": one.action} for one in found.exemplars])
        return
    for one in found.exemplars:
        say(f"{one.name}: {one.material}, {one.action}")


def _shipped() -> Path:
    from synth import weights

    for name, entry in weights.entries().items():
        if entry.kind == "bank":
            return weights.path(name)
    raise WeightsError("no sound bank is installed; make one with `sonorize bank build`")


def _recordings(folder: Path, material: str | None, skipped: dict[str, str]) -> Iterator[Recording]:
    """What the folder holds: labelled hits of Greatest Hits, or recordings whose onsets are to be found."""
    from synth.voices.hits import bank_building

    if not folder.is_dir():
        raise OptionError(f"the folder {str(folder)!r} does not exist")
    labelled = (folder / "labels.json").is_file() or next(folder.rglob("*_times.txt"), None) is not None
    return _of_corpus(folder) if labelled else iter(bank_building.recordings_in(folder, material, skipped=skipped))


def _of_corpus(folder: Path) -> Iterator[Recording]:
    """Clips of Greatest Hits, one at a time; hits whose material nobody named are left out."""
    from synth.data.corpora import greatest_hits
    from synth.media import audio
    from synth.voices.hits.bank_building import RecordedHit, Recording

    for clip in greatest_hits.load(folder):
        hits = [RecordedHit(hit.time_s, hit.material, hit.action or "hit") for hit in clip.hits or () if hit.material]
        if hits:
            sound, rate_hz = audio.read(clip.sound_path)
            yield Recording(clip.name, sound, rate_hz, hits)


def _report(made: Bank, out: Path, skipped: dict[str, str], *, as_json: bool) -> None:
    for name, reason in skipped.items():
        warn(f"{short(name)} is left out: {reason}")
    counts = {name: sum(one.material == name for one in made.exemplars) for name in made.materials}
    if as_json:
        say_json(
            {"bank": str(out), "licence": made.licence, "source": made.source, "sounds": counts, "skipped": skipped}
        )
        return
    say(f"{out}: {len(made.exemplars)} sounds, {out.stat().st_size / 1e6:.1f} MB")
    for name, count in counts.items():
        say(f"  {name}: {count}")
