"""Which sound libraries there are: index files in one folder, each named after its library.

An index is made by ``sonorize library index`` (see :mod:`synth.voices.library.catalogue`). The folder is one a process,
as that of compiled kernels is: who knows the settings says where, with :func:`keep_in`. Importable without torch.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

import platformdirs

from synth.errors import OptionError
from synth.options import LIBRARY_NAME

SUFFIX: Final = ".library"
FOLDER_NAME: Final = "libraries"
_FOLDER: Final[list[Callable[[], Path]]] = []


def keep_in(folder: Path | Callable[[], Path]) -> None:
    """From now on the libraries of this process are those in ``folder``; it need not exist yet.

    Args:
        folder: or what says it once somebody wants to know.
    """
    _FOLDER[:] = [folder if callable(folder) else lambda: folder]


def folder() -> Path:
    """Where indices are looked for by name, and made: the user's data folder, unless somebody said otherwise."""
    return _FOLDER[0]() if _FOLDER else platformdirs.user_data_path("sonorize", appauthor=False) / FOLDER_NAME


def names(where: Path | None = None) -> tuple[str, ...]:
    """The libraries of a folder, in alphabetical order; none where the folder cannot be read."""
    try:
        found = [file.stem for file in (where or folder()).glob(f"*{SUFFIX}") if file.is_file()]
    except OSError:
        return ()
    return tuple(sorted(name for name in found if re.fullmatch(LIBRARY_NAME, name)))


def file_of(name: str) -> Path:
    """Where the index of a library of that name lies, or is to lie.

    Raises:
        OptionError: no library can have this name.
    """
    if not re.fullmatch(LIBRARY_NAME, name):
        raise OptionError(
            f"the library's name is {name[:80]!r}; allowed are up to 64 small letters, digits, dots, dashes and "
            "underscores"
        )
    return folder() / f"{name}{SUFFIX}"


def find(asked: str | None) -> Path:
    """The index file of a library.

    Args:
        asked: its name or the path of its index; ``None`` is the only one that there is.

    Raises:
        OptionError: there is none such; or none was named, and there are several or none.
    """
    known = names()
    if asked is None:
        if len(known) == 1:
            return file_of(known[0])
        raise OptionError(f"no library was named; {_there_are(known)}")
    if asked in known:
        return file_of(asked)
    if Path(asked).is_file():
        return Path(asked)
    raise OptionError(f"library is {asked!r}; {_there_are(known)}")


def _there_are(known: tuple[str, ...]) -> str:
    if not known:
        return "there is none yet: make one with `sonorize library index FOLDER`, or name an index file"
    return f"there are {', '.join(known)}; or name an index file"
