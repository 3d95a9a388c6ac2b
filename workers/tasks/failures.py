"""Why an attempt failed, in words for the job's owner, and whether another attempt may help."""

from __future__ import annotations

import contextlib
import errno
import shutil
from pathlib import Path
from typing import Final

from synth import weights
from synth.errors import MediaError, OptionError, SynthError, TimeLimitError, WeightsError
from workers import redaction
from workers.attempt import TIMEOUT
from workers.errors import ObjectDamaged, ObjectNotFound, StorageError
from workers.files import disk
from workers.settings import Settings

FULL_BYTES: Final = 1024**2  # with less than that nothing is stored

CODES: Final = {TimeLimitError: TIMEOUT, OptionError: "bad_option", MediaError: "bad_media", WeightsError: "weights"}


def explain(error: Exception, folder: Path, settings: Settings) -> tuple[str, str, bool]:
    """Code, sentence and whether another attempt may help, for somebody who must not learn of our folders."""
    if _met_a_full_disk(error, folder):  # whatever it says itself: with room, the same clip goes well
        return "storage", "the server's disk is full", True
    if isinstance(error, SynthError):
        code = next((code for kind, code in CODES.items() if isinstance(error, kind)), "refused")
        message = str(error).replace(f"{folder}/", "").replace(str(folder), "the work folder")
        ours = (settings.data_dir, settings.libraries_dir, settings.music_dir or folder, weights.CHECKPOINTS)
        return code, redaction.without_paths(message, ours), code == TIMEOUT
    if isinstance(error, ObjectDamaged):
        return "source_damaged", f"the clip is damaged: {error}", False
    if isinstance(error, ObjectNotFound):
        return "source_missing", "the clip is not in the storage any more", False
    if isinstance(error, StorageError):
        return "storage", redaction.without_paths(str(error)), True
    if disk.is_full(error):
        return "storage", "the server's disk is full", True
    return "internal", "something unexpected went wrong; the server's log says more", True


def _met_a_full_disk(error: BaseException | None, folder: Path) -> bool:
    """Whether an error, or what caused it, is that of a full disk; not every library says so."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            return True
        error = error.__cause__
    with contextlib.suppress(OSError):
        return shutil.disk_usage(folder.parent).free < FULL_BYTES
    return False
