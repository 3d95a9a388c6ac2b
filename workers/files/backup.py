"""A copy of a server that can be put back: of its table, as it is at one moment, and of its files.

The table first, then the files: what is made meanwhile is in neither or is a file too many, which a sweep takes away;
what is deleted meanwhile is a row whose file is missing, and is counted. The server may run on.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from synth.provenance import package_version
from workers.errors import ObjectNotFound, StorageError, WorkError
from workers.files import objects
from workers.files.storage import Storage
from workers.jobs import Jobs

TABLE: Final = "sonorize.db"
FILES: Final = "files"
NOTE: Final = "backup.json"
SECRET: Final = "secret_key"
_TYPE: Final = "application/octet-stream"


@dataclass(frozen=True)
class Report:
    """What was copied.

    Attributes:
        jobs: rows in the table; ``None`` where the table is copied by its own tools.
        missing: files that were deleted while they were copied.
        damaged: files that are not what was stored; they are copied as they are.
    """

    version: str
    jobs: int | None
    files: int
    bytes: int
    missing: int = 0
    damaged: int = 0


def back_up(
    jobs: Jobs,
    storage: Storage,
    data_dir: Path,
    target: Path,
    *,
    table: bool = True,
    told: Callable[[int], object] = lambda count: None,
) -> Report:
    """Copy a server into a new folder, which appears once it is whole.

    Args:
        table: whether the table is copied too; only SQLite's can be.
        told: called with the number of files so far.

    Raises:
        WorkError: the folder is there already, the table is PostgreSQL's, or something cannot be read or written.
    """
    if target.exists():
        raise WorkError(f"{str(target)!r} is there already; name a folder that is not")
    if table and jobs.database.is_postgresql:
        raise WorkError("the table is PostgreSQL's: copy it with pg_dump, and the files with --files-only")
    part = target.with_name(f"{target.name}.part")
    with _local_errors("written"):
        shutil.rmtree(part, ignore_errors=True)
        (part / FILES).mkdir(mode=0o700, parents=True)
    rows = _copy_table(Path(str(jobs.database.engine.url.database)), part / TABLE) if table else None
    with _local_errors("written"):
        if (data_dir / SECRET).is_file():
            shutil.copy(data_dir / SECRET, part / SECRET)  # or everybody has to log in anew
    files = bytes_ = missing = damaged = 0
    for key in storage.keys(""):
        copy = part / FILES / key
        copy.parent.mkdir(parents=True, exist_ok=True)
        try:
            storage.fetch(key, copy)
        except ObjectNotFound:
            missing += 1
            continue
        recorded = objects.find(jobs.database, key)
        damaged += recorded is not None and _sha256(copy) != recorded.sha256
        files, bytes_ = files + 1, bytes_ + copy.stat().st_size
        told(files)
    report = Report(package_version("sonorize") or "unknown", rows, files, bytes_, missing, damaged)
    with _local_errors("written"):
        (part / NOTE).write_text(json.dumps(asdict(report), indent=1) + "\n")
        part.rename(target)
    return report


def put_back(
    source: Path, storage: Storage, data_dir: Path, *, told: Callable[[int], object] = lambda count: None
) -> Report:
    """Make a server of a copy: into a data folder without a table, and into its storage.

    Raises:
        WorkError: that is no copy, there is a table already, or something cannot be read or written.
    """
    try:
        report = Report(**json.loads((source / NOTE).read_text()))
    except (OSError, ValueError, TypeError) as error:
        raise WorkError(f"{str(source)!r} is no copy of a server: its {NOTE} cannot be read") from error
    if report.jobs is not None and (data_dir / TABLE).exists():
        raise WorkError(f"{str(data_dir)!r} has jobs already; name a data folder that has none")
    files = 0
    for path in sorted((source / FILES).rglob("*")):
        if path.is_file():
            storage.put(path.relative_to(source / FILES).as_posix(), path, _TYPE)
            files += 1
            told(files)
    with _local_errors("written"):
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        if (source / SECRET).is_file():
            shutil.copy(source / SECRET, data_dir / SECRET)
        if report.jobs is not None:  # last: a server that finds a table finds its files too
            arriving = data_dir / f"{TABLE}.arriving"
            shutil.copy(source / TABLE, arriving)
            arriving.rename(data_dir / TABLE)
    return report


def _copy_table(source: Path, target: Path) -> int:
    """The table as it is at one moment, also while others write; how many jobs it holds."""
    try:
        with closing(sqlite3.connect(source)) as there, closing(sqlite3.connect(target)) as copy:
            there.backup(copy)
            copy.execute("PRAGMA journal_mode=DELETE")  # one file, without a log beside it
            if copy.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
                raise WorkError("the table is damaged; what was copied before is better than this")
            return int(copy.execute("SELECT count(*) FROM jobs").fetchone()[0])
    except sqlite3.Error as error:
        raise WorkError(f"the table cannot be copied: {error}") from error


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def _local_errors(what: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StorageError(f"the copy cannot be {what}: {error.strerror or type(error).__name__}") from error
