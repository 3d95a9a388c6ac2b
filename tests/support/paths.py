"""Where the project lies, and the real clips beside it where there are some."""

from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
SHARED_DATA: Final = ROOT.parent / "shared" / "data"
"""Clips that are no part of the project; tests that need them are skipped without."""
