"""The verbs for people who train and measure: train, eval and bench.

What can be named stands in tables of the modules that do the work; they are imported when a verb runs, so that
``sonorize --help`` loads no torch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from synth.cli.console import say, say_json
from synth.errors import OptionError

Json = Annotated[bool, typer.Option("--json", help="Print the whole result as JSON.")]
Beside = Annotated[
    Path | None, typer.Option(help="Another build to measure in the same run: a library, a checkout.", metavar="BUILD")
]


def train(
    recipe: Annotated[str, typer.Argument(help="Which recipe; without one, the recipes are listed.")] = "",
    data: Annotated[Path | None, typer.Option(help="Folder of the corpus, in its published layout.")] = None,
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="Folder of the run.", show_default="runs/RECIPE")
    ] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Fewer or more steps than the recipe's own.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of weights and batches.")] = 0,
    fresh: Annotated[bool, typer.Option("--fresh", help="Begin anew where a checkpoint is there.")] = False,
    speaker: Annotated[str | None, typer.Option(help="speech: the name of the voice, such as me.")] = None,
    consent: Annotated[
        str | None, typer.Option(help="speech: who is seen and agreed to a synthetic voice, in a sentence.")
    ] = None,
    start: Annotated[str | None, typer.Option("--from", help="speech: a voice to begin with, such as grid-s1.")] = None,
    minutes: Annotated[
        float | None, typer.Option(help="speech: learn from so many minutes of what is there.", show_default=False)
    ] = None,
    boxes: Annotated[
        Path | None,
        typer.Option(help="localizer: boxes that people drew, as JSON lines."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Train a net; started again, it goes on from its checkpoint."""
    from synth.training.recipes import RECIPES

    if not recipe:
        _list({name: known.summary for name, known in RECIPES.items()}, as_json=as_json)
        return
    chosen = RECIPES[known_name("recipe", recipe, RECIPES)]
    _folder_exists(data)
    further = {"speaker": speaker, "consent": consent, "start": start, "minutes": minutes, "boxes": boxes}
    given = {name: value for name, value in further.items() if value is not None}
    for name in given:
        if name not in chosen.takes:
            option = "from" if name == "start" else name
            owners = ", ".join(other for other, known in RECIPES.items() if name in known.takes)
            raise OptionError(f"--{option} means nothing to the recipe {recipe!r}; it belongs to {owners}")
    figures = chosen.run(
        folder=out or Path("runs") / recipe, data=data, steps=steps, seed=seed, resume=not fresh, **given
    )
    _show(figures, as_json=as_json)


def evaluate(
    name: Annotated[str, typer.Argument(help="What to evaluate; without one, the names are listed.")] = "",
    data: Annotated[Path | None, typer.Option(help="Folder of the corpus, in its published layout.")] = None,
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="Also write tables and pictures to this folder.")
    ] = None,
    voice: Annotated[str | None, typer.Option(help="speech: whose voice to measure, such as grid-s1.")] = None,
    beside: Annotated[
        Path | None,
        typer.Option(
            help="speech, localizer, crossmodal: folder of a run whose nets are measured too; soundnet: folder of the"
            " authors' sound8.npy; wild: folder of another build's results; ambient: another build's sounds, a folder a"
            " class."
        ),
    ] = None,
    seeds: Annotated[int | None, typer.Option(min=1, help="sounds: how many of each class.")] = None,
    classes: Annotated[
        str | None, typer.Option(help="sounds: which, with commas between; a family's name is all of its sounds.")
    ] = None,
    knobs: Annotated[str | None, typer.Option(help="sounds: default, or range for knobs drawn at random.")] = None,
    as_json: Json = False,
) -> None:
    """Measure on real clips; every figure beside its floor and its ceiling."""
    from synth.evaluation.hits.report import EVALUATIONS, FURTHER_OPTIONS, WITHOUT_DATA

    if not name:
        _list(dict.fromkeys(EVALUATIONS, ""), as_json=as_json)
        return
    chosen = EVALUATIONS[known_name("evaluation", name, EVALUATIONS)]
    if data is None and name not in WITHOUT_DATA:
        raise OptionError("--data is missing: the folder of the clips to measure on")
    _folder_exists(data)
    further = {"voice": voice, "beside": beside, "seeds": seeds, "classes": classes, "knobs": knobs}
    given = {key: value for key, value in further.items() if value is not None}
    for key in given:
        if key not in FURTHER_OPTIONS.get(name, ()):
            owners = ", ".join(other for other, known in FURTHER_OPTIONS.items() if key in known)
            raise OptionError(f"--{key} means nothing to the evaluation {name!r}; it belongs to {owners}")
    if beside is not None and not beside.is_dir():
        raise OptionError(f"the folder --beside {str(beside)!r} does not exist")
    _show(chosen(data, out, **given), as_json=as_json)


def bench(
    name: Annotated[str, typer.Argument(help="What to measure; without one, the names are listed.")] = "",
    beside: Beside = None,
    as_json: Json = False,
) -> None:
    """Measure seconds and megabytes on this machine, side by side in one run."""
    from synth.benchmarks.job import BENCHES, COMPARED

    measure(name, BENCHES, COMPARED, beside=beside, as_json=as_json)


def measure(
    name: str,
    benches: Mapping[str, Callable[[], Mapping[str, Any]]],
    compared: Mapping[str, Callable[..., Mapping[str, Any]]],
    *,
    beside: Path | None,
    as_json: bool,
) -> None:
    """Run one of these benches and show its figures, or list them.

    Args:
        compared: those that measure another build, ``beside`` ours.

    Raises:
        OptionError: there is none of that name, or it takes no other build.
    """
    if not name:
        _list(dict.fromkeys(benches, ""), as_json=as_json)
        return
    chosen = benches[known_name("bench", name, benches)]
    if beside is not None and name not in compared:
        raise OptionError(f"--beside means nothing to the bench {name!r}; it belongs to {', '.join(compared)}")
    _show(chosen() if beside is None else compared[name](beside=beside), as_json=as_json)


def known_name(kind: str, name: str, known: Iterable[str]) -> str:
    """The name, if it is in the table.

    Raises:
        OptionError: it is not; the sentence lists what is.
    """
    names = list(known)
    if name not in names:
        raise OptionError(f"{kind} is {name!r}; allowed are {', '.join(names)}")
    return name


def _folder_exists(folder: Path | None) -> None:
    if folder is not None and not folder.is_dir():
        raise OptionError(f"the data folder {str(folder)!r} does not exist")


def _list(summaries: Mapping[str, str], *, as_json: bool) -> None:
    if as_json:
        say_json(summaries)
        return
    for name, summary in summaries.items():
        say(f"{name}  {summary}".rstrip())


def _show(figures: Mapping[str, Any], *, as_json: bool) -> None:
    if as_json:
        say_json(figures)
        return
    for name, value in _flat("", figures):
        say(f"{name}: {f'{value:.4g}' if isinstance(value, float) else value}")


def _flat(prefix: str, value: Any) -> Iterable[tuple[str, Any]]:
    """Nested results as ``outer.inner`` names, one line each."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _flat(f"{prefix}.{key}" if prefix else str(key), inner)
    else:
        yield prefix, value
