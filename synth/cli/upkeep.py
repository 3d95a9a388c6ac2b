"""The verbs that look after an installation: weights and doctor."""

from __future__ import annotations

import dataclasses
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from synth.cli.console import say, say_json
from synth.errors import SynthError, WeightsError

Check = Callable[[], str]
"""Gives what it found, or raises what is wrong."""
Json = Annotated[bool, typer.Option("--json", help="Print the whole result as JSON.")]
weights_app: Final = typer.Typer(no_args_is_help=True, help="What ships trained: list, verify, and the model card.")


@weights_app.command("list")
def list_weights(as_json: Json = False) -> None:
    """Every trained file with its licence, data and figures."""
    from synth import weights

    known = weights.entries()
    if as_json:
        say_json({name: dataclasses.asdict(entry) for name, entry in known.items()})
        return
    for name, entry in known.items():
        say(f"{name}: {entry.summary} ({entry.kind}, {entry.bytes_ / 1e6:.1f} MB, {entry.licence})")


@weights_app.command("verify")
def verify_weights(as_json: Json = False) -> None:
    """Check every file against the manifest."""
    from synth import weights

    found: dict[str, str] = {}
    for name, entry in weights.entries().items():
        try:
            weights.verify(entry)
            found[name] = "ok"
        except WeightsError as error:
            found[name] = str(error)
    if as_json:
        say_json(found)
    else:
        for name, verdict in found.items():
            say(f"{name}: {verdict}")
    if any(verdict != "ok" for verdict in found.values()):
        raise typer.Exit(2)


@weights_app.command("card")
def card(
    write: Annotated[bool, typer.Option("--write", help="Write the files instead of printing them.")] = False,
    docs: Annotated[Path, typer.Option(help="Folder to write to.")] = Path("docs"),
) -> None:
    """The model card and the licence ledger, made from the manifest."""
    from synth import model_card, weights
    from synth.files import write_whole

    for file, text in model_card.documents(weights.entries()).items():
        if not write:
            say(text)
            continue
        write_whole(docs / file, text.encode())
        say(f"{docs / file} written")


@weights_app.command("adopt")
def adopt(
    folder: Annotated[Path, typer.Argument(help="The folder of a training run.", show_default=False)],
    names: Annotated[
        list[str] | None, typer.Argument(help="Which entries; all by default.", show_default=False)
    ] = None,
) -> None:
    """Take over what a training run made, file and manifest entry, for `run` to use."""
    from synth import weights

    for entry in weights.adopt(folder, names or ()):
        say(f"{entry.name}: {entry.bytes_ / 1e6:.1f} MB, sha256 {entry.sha256[:12]}")


def doctor(as_json: Json = False) -> None:
    """Check what Sonorize needs on this machine, and say what is missing."""
    examine(CHECKS, as_json=as_json)


def examine(
    checks: Mapping[str, Check], *, as_json: bool, refusals: tuple[type[Exception], ...] = (), exit_code: int = 2
) -> None:
    """Make every check and say what came out.

    Args:
        refusals: further errors that mean "not as it should be", beside those of the library and of the system.
        exit_code: when one fails.
    """
    wrong: tuple[type[Exception], ...] = (SynthError, ImportError, OSError, *refusals)
    report: list[dict[str, Any]] = []
    for name, check in checks.items():
        try:
            report.append({"check": name, "ok": True, "detail": check()})
        except wrong as error:
            report.append({"check": name, "ok": False, "detail": str(error)})
    if as_json:
        say_json({"checks": report})
    else:
        for row in report:
            say(f"{'ok  ' if row['ok'] else 'FAIL'}  {row['check']}: {row['detail']}")
    if not all(row["ok"] for row in report):
        raise typer.Exit(exit_code)


def _packages() -> str:
    from synth.provenance import package_version

    names = ("sonorize", "torch", "numpy", "scipy", "moviepy", "soundfile", "soxr")
    found = {name: package_version(name) for name in names}
    missing = [name for name, version in found.items() if version is None]
    if missing:
        raise ImportError(f"not installed: {', '.join(missing)}")
    return ", ".join(f"{name} {version}" for name, version in found.items())


def _ffmpeg() -> str:
    from synth.media import ffmpeg

    return f"{ffmpeg.version()} at {ffmpeg.binary()}"


def _sandbox() -> str:
    from synth.media import ffmpeg

    blocked = ffmpeg.network_blocked()
    return "limits and whitelists on; " + (
        "no network for ffmpeg" if blocked else "this kernel does not let us take the network away from ffmpeg"
    )


def _weights() -> str:
    from synth import weights

    known = weights.entries()
    if not known:
        raise WeightsError("no weights are installed")
    for entry in known.values():
        weights.verify(entry)
    weights.load_imagenet()
    return ", ".join(f"{name} {entry.sha256[:12]}" for name, entry in known.items())


def _device() -> str:
    import torch

    if torch.cuda.is_available():
        return f"CUDA: {torch.cuda.get_device_name(0)}"
    return f"CPU, {torch.get_num_threads()} threads"


def _sampler() -> str:
    from synth.sampler import backends

    found = backends.describe()
    cuda = found["cuda"]
    if found["refused"]:
        found["used"] += f" (the system refuses {' and '.join(found['refused'])})"
    if found["disagreeing"]:
        found["used"] += f" (wrong results with {' and '.join(found['disagreeing'])}: left out)"
    if cuda["gpu"] is None:
        others = ", ".join(found["instruction_sets"]) or "none: the library was not built"
        return f"{found['used']}, of the instruction sets {others}; {cuda['reason']}"
    measured = f"{cuda['sampler']}: {cuda['samples_per_s']} samples/s of one stream, width 256"
    reason = f" ({cuda['reason']})" if cuda["reason"] else ""
    return f"{measured}{reason}; without it {found['used']}"


def _temporary() -> str:
    with tempfile.TemporaryFile() as file:
        file.write(bytes(1 << 20))
        file.flush()
    return tempfile.gettempdir()


CHECKS: Final[Mapping[str, Check]] = {
    "python": lambda: sys.version.split()[0],
    "packages": _packages,
    "ffmpeg": _ffmpeg,
    "sandbox": _sandbox,
    "weights": _weights,
    "device": _device,
    "sampler": _sampler,
    "temporary folder": _temporary,
}
