"""Where uploads wait while they are looked at: one folder a request, gone when the request is over."""

from __future__ import annotations

import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from web.api.problems import RETRY_AFTER_S, Problem

RESERVE_BYTES: Final = 64 * 1024**2  # stays free for the database and for the results of jobs under way
ABANDONED_S: Final = 24 * 3600.0


class Spool:
    """A folder for bytes that nobody has accepted yet."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.sweep(ABANDONED_S)

    @contextmanager
    def request(self) -> Iterator[Path]:
        """A folder of its own for one request; whatever is left in it when the block ends is removed."""
        mine = self.folder / secrets.token_hex(12)
        mine.mkdir()
        try:
            yield mine
        finally:
            shutil.rmtree(mine, ignore_errors=True)

    def make_room(self, wanted_bytes: int) -> None:
        """Refuse before reading what would not fit.

        Raises:
            Problem: ``disk-full``.
        """
        if shutil.disk_usage(self.folder).free < wanted_bytes + RESERVE_BYTES:
            raise Problem(
                "disk-full", "the server's disk has no room for this upload", {"Retry-After": f"{RETRY_AFTER_S}"}
            )

    def sweep(self, older_than_s: float) -> int:
        """Remove what a killed process left behind; gives how many requests that were."""
        swept = 0
        for path in self.folder.iterdir():
            if time.time() - path.stat().st_mtime > older_than_s:
                shutil.rmtree(path, ignore_errors=True)
                swept += 1
        return swept
