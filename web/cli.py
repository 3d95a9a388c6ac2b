"""The top of the stairs: ``sonorize VERB ...``, the library's verbs and the server's in one command line.

Exit codes and manners are those of :mod:`synth.cli.app`. Importable without torch, so that ``--help`` is quick.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import typer

from synth.cli import app as cli
from synth.errors import SynthError
from synth.voices.library import registry
from web.commands import backup, boxes, demo, health, index, keys, measure, search, serve, submit, verify
from workers.errors import WorkError

app: Final = cli.program(
    {
        "run": cli.VERBS["run"],
        "render": cli.VERBS["render"],
        "serve": serve.serve,
        "worker": serve.worker,
        "submit": submit.submit,
        "search": search.search,
        "demo": demo.demo,
        **{name: verb for name, verb in cli.VERBS.items() if name not in ("run", "render")},
        "bench": measure.bench,
        "doctor": health.doctor,
        "verify": verify.verify,
        "backup": backup.backup,
        "restore": backup.restore,
    },
    {"keys": keys.keys_app, "index": index.index_app, "boxes": boxes.boxes_app, **cli.GROUPS},
)


def _libraries_dir() -> Path:
    """Where the server has its sound libraries, so that those which are made here are found there."""
    from workers.settings import from_environment

    return from_environment().libraries_dir


def main(arguments: Sequence[str] | None = None, command_line: typer.Typer = app) -> int:
    """Run one command and return its exit code; see :func:`synth.cli.app.main`."""
    registry.keep_in(_libraries_dir)
    return cli.main(arguments, command_line, (SynthError, WorkError))


if __name__ == "__main__":
    sys.exit(main())
