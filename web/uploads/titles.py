"""What is written down of a clip beside its bytes: a title that can be shown, and what was seen of it, as JSON."""

from __future__ import annotations

import unicodedata
from dataclasses import asdict
from typing import Any, Final

from synth.media.looking import VideoInfo

TITLE_LENGTH: Final = 120


def display_title(filename: str) -> str:
    """A client's file name as text to show: its last part, without what cannot be seen or turns the line around."""
    return shown_title(filename.replace("\\", "/").rstrip("/").rpartition("/")[2])


def shown_title(text: str) -> str:
    """A title as somebody wrote it, without what cannot be seen or turns the line around."""
    plain = "".join(char for char in unicodedata.normalize("NFC", text) if unicodedata.category(char)[0] != "C")
    return " ".join(plain.split())[:TITLE_LENGTH].strip() or "untitled clip"


def info_json(info: VideoInfo) -> dict[str, Any]:
    """What was seen of a clip, as plain JSON values."""
    values = asdict(info)
    values["bytes"] = values.pop("bytes_")
    return values
