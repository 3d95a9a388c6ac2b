"""The command line: ``sonorize VERB ...``.

Results go to stdout, one plain sentence for every error to stderr. Exit codes: 0 done, 2 bad input or a result that
cannot be written, 130 stopped by Ctrl-C, 143 by SIGTERM, 1 a mistake of ours (with its traceback). However it ends,
no half-written output and no child process is left. Importable without torch, so that ``--help`` is quick.
"""

from __future__ import annotations

import io
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Annotated, Final

import typer
from typer.exceptions import TyperException

from synth.cli import bank, inspection, learn, library, listening, music, sound, sounds, upkeep
from synth.cli.console import clear_bars, complain
from synth.errors import Cancelled, SynthError

EXIT_BAD_INPUT: Final = 2
EXIT_INTERRUPTED: Final = 130

VERBS: Final[Mapping[str, Callable[..., None]]] = {
    "run": sound.run,
    "render": sound.render,
    "inspect": inspection.inspect,
    "heat-map": listening.heat_map,
    "train": learn.train,
    "eval": learn.evaluate,
    "bench": learn.bench,
    "doctor": upkeep.doctor,
}
GROUPS: Final[Mapping[str, typer.Typer]] = {
    "bank": bank.bank_app,
    "library": library.library_app,
    "music": music.music_app,
    "sounds": sounds.sounds_app,
    "weights": upkeep.weights_app,
}


def _print_version(wanted: bool) -> None:
    if wanted:
        from synth.provenance import package_version

        print(f"sonorize {package_version('sonorize')}")
        raise typer.Exit()


def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


def program(
    verbs: Mapping[str, Callable[..., None]] = VERBS, groups: Mapping[str, typer.Typer] = GROUPS
) -> typer.Typer:
    """A command line of these verbs, in this order; what stands above the library adds its own to them."""
    made = typer.Typer(
        name="sonorize",
        help="Silent video in, the same picture with generated sound out: hits, ambient sound or speech.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    made.callback()(_root)
    for name, verb in verbs.items():
        made.command(name)(verb)
    for name, group in groups.items():
        made.add_typer(group, name=name)
    return made


app: Final = program()


class _Stopped(BaseException):
    """Ctrl-C or SIGTERM: no Exception, so that everything unwinds and children and half-written files go away."""


@contextmanager
def _stoppable() -> Iterator[list[int]]:
    """Ctrl-C and SIGTERM end the block; the exit codes that they ask for."""
    codes: list[int] = []

    def stop(signal_: int, _frame: FrameType | None) -> None:
        codes.append(128 + signal_)
        raise _Stopped

    before = {kind: signal.signal(kind, stop) for kind in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield codes
    finally:
        for kind, handler in before.items():
            signal.signal(kind, handler)


def main(
    arguments: Sequence[str] | None = None,
    command_line: typer.Typer = app,
    refusals: tuple[type[Exception], ...] = (SynthError,),
) -> int:
    """Run one command and return its exit code.

    Args:
        arguments: without the program's name; the process's own by default.
        command_line: what understands them.
        refusals: the errors whose text is fit to be shown to a person.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a file name need not be text
    with _stoppable() as asked:
        try:
            code = command_line(args=None if arguments is None else list(arguments), standalone_mode=False)
        except BaseException as error:
            # Whatever it is: a compiled module that is stopped while it is imported makes an error of its own of it.
            if not asked:
                return _told(error, refusals)
            clear_bars()
            complain("stopped")
            return asked[0]
    return code if isinstance(code, int) else 0


def _told(error: BaseException, refusals: tuple[type[Exception], ...]) -> int:
    """The exit code of an error, once it is said in a sentence; a mistake of ours is raised on."""
    if isinstance(error, TyperException):
        if text := error.format_message():  # empty where the help was shown instead
            complain(text.replace("Value error, ", ""))
    elif isinstance(error, (Cancelled, *refusals)):
        clear_bars()
        complain(str(error))
    elif isinstance(error, OSError):
        complain(f"{error.strerror or error}{f': {error.filename}' if error.filename else ''}")
    else:
        raise error
    return EXIT_INTERRUPTED if isinstance(error, Cancelled) else EXIT_BAD_INPUT


if __name__ == "__main__":
    sys.exit(main())
