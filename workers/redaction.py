"""Text for strangers: sentences without the paths of this machine."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

_QUOTED: Final = re.compile(r"(?P<quote>['\"`])/(?:(?!(?P=quote))[^\n])*(?P=quote)")
_BARE: Final = re.compile(r"(?<![\w.:/~\])-])/(?:[^\s/'\"`<>|,;()]+/)*[^\s/'\"`<>|,;():]+/?")


def without_paths(text: str, known: Iterable[Path] = ()) -> str:
    """The text with every absolute path cut down to its last part; addresses with a scheme stay.

    A path with spaces is known as one where it stands in quotation marks, or begins with a folder of ``known``.
    """
    for folder in sorted({str(path) for path in known if path.name}, key=len, reverse=True):
        text = text.replace(f"{folder}/", "").replace(folder, Path(folder).name)
    return _BARE.sub(lambda found: _name(found[0]), _QUOTED.sub(_unquoted, text))


def _unquoted(found: re.Match[str]) -> str:
    quote = found["quote"]
    return f"{quote}{_name(found[0].strip(quote))}{quote}"


def _name(path: str) -> str:
    return path.rstrip("/").rpartition("/")[2]
