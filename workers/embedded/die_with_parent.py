"""A small program that becomes another one, which dies when the process that started it does, even by ``kill -9``.

Started as ``python -I -S die_with_parent.py PARENT PROGRAM ARGUMENT...``. A program rather than a ``preexec_fn``:
code that runs between fork and exec may dead-lock a process with threads.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1
SIGKILL = 9


def main(arguments: list[str]) -> None:
    """Tie this process to its parent, then become the program."""
    parent, program = int(arguments[0]), arguments[1:]
    with contextlib.suppress(OSError, AttributeError):  # not Linux: the parent's own clean-up must do
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        sys.exit("the parent is gone already")
    os.execv(program[0], program)


if __name__ == "__main__":
    main(sys.argv[1:])
