"""What a job leaves behind in memory, given back to the system."""

from __future__ import annotations

import ctypes


def give_back() -> None:
    """Let the allocator return what is free. glibc keeps it otherwise, as much as the largest job needed."""
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (OSError, AttributeError):  # another C library
        return
