"""What ``submit`` and the demo do with a server: send clips, wait for them, fetch what was made; one line a clip."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from synth.cli.console import complain, one_line, short, warn
from synth.errors import OptionError
from synth.options import Options
from web.client.errors import ClientError
from web.client.sync import FINAL_STATES, POLL_S, Client, Sent, Told, state_of

CONTAINERS: Final = ("mp4", "mov", "mkv", "webm")  # of results

Show = Callable[[int, str, float], None]
"""Shows of one clip, by its number, what is going on and how far it is, 0..1."""


@dataclass
class Transfer:
    """One clip on its way to the server and back.

    Attributes:
        name: what to call it.
        clip: the file to send; ``None`` for a job that was sent earlier.
        stem: what its results are called, without suffix.
        options: what is asked for.
        job: as the server last told it.
        problem: why there is no result: ``code`` and ``detail``.
        files: what was written.
    """

    name: str
    clip: Path | None = None
    stem: str = ""
    options: Options = field(default_factory=Options)
    job: dict[str, Any] | None = None
    problem: dict[str, str] | None = None
    files: list[Path] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "name": self.name,
            "job": self.job,
            "problem": self.problem,
            "files": [str(path) for path in self.files],
        }


def refuse_clashes(transfers: Sequence[Transfer], folder: Path, *, force: bool) -> None:
    """Before anything is sent: no two results may have one name, and no file is replaced unasked.

    Raises:
        OptionError: it would be so.
    """
    if folder.exists() and not folder.is_dir():
        raise OptionError(f"{short(str(folder))!r} is a file; -o names a folder")
    taken: dict[str, str] = {}
    for one in transfers:
        if one.stem in taken:
            raise OptionError(f"{short(taken[one.stem])} and {short(one.name)} would both be written as {one.stem}")
        taken[one.stem] = one.name
        for name in _names(one.stem, one.options.takes):
            there = next(
                (folder / f"{name}.{kind}" for kind in CONTAINERS if (folder / f"{name}.{kind}").exists()), None
            )
            if there is not None and not force:
                raise OptionError(f"the output {short(str(there))!r} exists; --force replaces it")


def are_there(one: Transfer, folder: Path) -> bool:
    """Whether all results of a clip lie in the folder, as of an earlier run."""
    return all(
        any((folder / f"{name}.{kind}").exists() for kind in CONTAINERS) for name in _names(one.stem, one.options.takes)
    )


def send(
    client: Client,
    transfers: Sequence[Transfer],
    show: Show,
    create: Callable[[Transfer, Sent], dict[str, Any]] | None = None,
) -> None:
    """Upload every clip; one that is refused does not hold up the others.

    Args:
        create: makes a job of a clip, in another way than with one request.
    """
    for number, one in enumerate(transfers):
        try:
            if one.clip is None:
                one.job = client.get(one.name)
                one.stem = one.stem or Path(one.job["title"]).stem
                continue
            size = max(1, one.clip.stat().st_size)
            show(number, "upload", 0.0)
            told = _share(show, number, "upload", size)
            one.job = create(one, told) if create else client.create(one.clip, one.options.as_dict(), sent=told)
            show(number, "queued", 0.0)
        except ClientError as error:
            one.problem = {"code": error.code, "detail": str(error)}
        except OSError as error:
            one.problem = {"code": "file", "detail": str(error.strerror or error)}
        if one.problem is not None:
            complain(f"{short(one.name)}: {one.problem['detail']}")


def fetch(
    client: Client,
    transfers: Sequence[Transfer],
    folder: Path | None,
    show: Show,
    *,
    force: bool,
    save_hits: bool = False,
) -> None:
    """Wait for every job, and download each as soon as it is finished; of a cancelled one, what was kept.

    Args:
        folder: where to; ``None`` only waits.
        force: whether files may be replaced.
        save_hits: whether the hit list of each take is written beside it.

    Raises:
        MediaError: a file cannot be written.
    """
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    for number, one in _as_they_finish(client, transfers, show):
        assert one.job is not None
        if one.job["status"] != "succeeded":
            error = one.job["error"] or {"code": one.job["status"], "detail": f"the job was {one.job['status']}"}
            one.problem = {"code": error["code"], "detail": error["detail"]}
            complain(f"{short(one.name)}: {one.problem['detail']}")
        for output in one.job["outputs"]:
            for warning in output["warnings"]:
                warn(f"{short(one.name)}: {warning}")
            if folder is not None:
                show(number, "download", 0.0)
                _save(client, one, output, folder, force=force, save_hits=save_hits)
        show(number, "done" if one.problem is None else one.job["status"], 1.0)


def _as_they_finish(client: Client, transfers: Sequence[Transfer], show: Show) -> Iterator[tuple[int, Transfer]]:
    """Each errand once its job has ended: a single one is followed by its events, several are asked in turn."""
    waiting = {number: one for number, one in enumerate(transfers) if one.job is not None}
    if len(waiting) == 1:
        ((number, one),) = waiting.items()
        one.job = client.wait(_id(one), _told(show, number))
        yield number, one
        return
    while waiting:
        for number, one in list(waiting.items()):
            one.job = client.get(_id(one))
            _told(show, number)(state_of(one.job))
            if one.job["status"] in FINAL_STATES:
                del waiting[number]
                yield number, one
        if waiting:
            time.sleep(POLL_S)


def _save(
    client: Client, one: Transfer, output: Mapping[str, Any], folder: Path, *, force: bool, save_hits: bool
) -> None:
    assert one.job is not None
    name = _names(one.stem, int(one.job["options"]["takes"]))[output["take"]]
    wanted = {folder / f"{name}.{output['container']}": "video"}
    if save_hits and "hits" in output["links"]:
        wanted[folder / f"{name}.hits.json"] = "hits"
    for target, kind in wanted.items():
        target.parent.mkdir(parents=True, exist_ok=True)
        client.download(output["links"][kind], target, replace=force)
        one.files.append(target)


def _names(stem: str, takes: int) -> list[str]:
    return [stem] if takes == 1 else [f"{stem}.take{take + 1}" for take in range(takes)]


def _id(one: Transfer) -> str:
    assert one.job is not None
    return str(one.job["id"])


def _share(show: Show, number: int, stage: str, size: int) -> Callable[[int], None]:
    return lambda count: show(number, stage, min(1.0, count / size))


def _told(show: Show, number: int) -> Told:
    def told(state: Mapping[str, Any]) -> None:
        waits = state["status"] == "queued" and state.get("position")
        show(
            number,
            f"queued, {state['position']} to go" if waits else state["stage"] or state["status"],
            state["fraction"],
        )

    return told


@contextmanager
def board(names: Sequence[str]) -> Iterator[Show]:
    """One bar a clip on stderr while a terminal is there, and nothing otherwise."""
    if not sys.stderr.isatty():
        yield lambda number, stage, fraction: None
        return
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[stage]}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        tasks = [bar.add_task(escape(one_line(short(name, 40))), total=1.0, stage="") for name in names]
        yield lambda number, stage, fraction: bar.update(tasks[number], completed=fraction, stage=stage)
