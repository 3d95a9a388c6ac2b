"""Figures of `make chaos` and `make soak`: printed, and kept where ``FIGURES`` names a folder."""

from __future__ import annotations

import datetime
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def keep(name: str, figures: Mapping[str, Any]) -> None:
    """Print the figures of a run, and write them to ``NAME-DATE.json`` in the folder that ``FIGURES`` names, if any.

    A file that is there already keeps what it says under other names, so that the tests of one run can share it.
    """
    print(f"\n{name}: {json.dumps(figures)}", flush=True)
    if not (folder := os.environ.get("FIGURES")):
        return
    path = Path(folder) / f"{name}-{datetime.datetime.now(datetime.UTC):%Y-%m-%d}.json"
    before = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    path.write_text(json.dumps({**before, **figures}, indent=2) + "\n", encoding="utf-8")
