"""The versions of a clip that voters compare: real, generated, silent and late, alike in all but what is asked about.

All have one channel, one loudness and one coding, and none says by its name what it is.
"""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from synth.errors import MediaError, SynthError
from synth.media import audio, video
from synth.options import ExistingSound
from workers.attempt import Attempt
from workers.comparisons.store import Comparisons, Version
from workers.files.result_upload import patiently, put
from workers.files.storage import Storage
from workers.jobs import Jobs

LOUDNESS_LUFS: Final = -23.0
TRUE_PEAK_DBTP: Final = -1.0
SHIFT_S: Final = 1.0
SHORTEST_S: Final = 2 * SHIFT_S
"""Of a shorter clip there is no late version: too little of it would be left."""
STAGE: Final = "write"


def make(jobs: Jobs, storage: Storage, attempt: Attempt, folder: Path) -> dict[str, Any]:
    """Make and store the versions of a job that its owner lets others compare; the question's ``result``.

    Args:
        folder: where files may be made.

    Raises:
        MediaError: a file cannot be read, or the clip's own sound is silent.
        StorageError: patience ended.
        Cancelled: the work is to be stopped.
    """
    request, store = attempt.job.info, Comparisons(jobs.database)
    try:
        keys = _make(storage, attempt, folder)
    except SynthError as error:
        store.settle(str(request["comparison"]), None, str(error).replace(f"{folder}/", ""))
        storage.delete(attempt.job.source_key)
        raise
    if not store.settle(str(request["comparison"]), keys):
        for key in keys.values():
            storage.delete(key)
    storage.delete(attempt.job.source_key)
    return {"outputs": []}


def versions(
    real: NDArray[np.float32], generated: NDArray[np.float32], rate_hz: int
) -> dict[Version, NDArray[np.float32]]:
    """The sounds [N] of all versions, at one loudness.

    Args:
        real, generated: [N], from the start of the picture.

    Raises:
        MediaError: the real one is silent.
    """
    levelled = {
        version: audio.normalise(sound, rate_hz, loudness_lufs=LOUDNESS_LUFS, true_peak_dbtp=TRUE_PEAK_DBTP)
        for version, sound in ((Version.REAL, real), (Version.GENERATED, generated))
    }
    if levelled[Version.REAL][1].lufs is None:
        raise MediaError("the clip's own sound is silent, so there is nothing to compare with")
    made = {version: sound for version, (sound, _) in levelled.items()}
    made[Version.SILENT] = np.zeros_like(made[Version.REAL])
    if len(real) >= SHORTEST_S * rate_hz:
        late = np.zeros_like(made[Version.REAL])
        shift = round(SHIFT_S * rate_hz)
        late[shift:] = made[Version.REAL][:-shift]
        made[Version.SHIFTED] = late
    return made


def _make(storage: Storage, attempt: Attempt, folder: Path) -> dict[str, str]:
    request = attempt.job.info
    suffix = f".{str(request['take_key']).rpartition('.')[2]}"
    clip, take = folder / "clip", folder / f"take{suffix}"
    patiently(attempt, lambda: storage.fetch(str(request["take_key"]), take))
    patiently(attempt, lambda: storage.fetch(str(request["clip_key"]), clip))
    info = video.probe(take)
    generated, rate_hz = audio.read(take)
    real, _ = audio.read(clip, rate_hz)
    sounds = versions(
        audio.fit(real, rate_hz, info.duration_s), audio.fit(generated, rate_hz, info.duration_s), rate_hz
    )
    keys = {}
    for number, (version, sound) in enumerate(sounds.items()):
        attempt.progress(STAGE, number / len(sounds))
        target = folder / f"{secrets.token_hex(8)}{suffix}"
        # Its picture is that of the result, which may have been coded anew.
        video.remux(take, sound, rate_hz, target, existing=ExistingSound.REPLACE)
        keys[version.value] = put(storage, attempt, f"{request['prefix']}/compare-{target.name}", target)
    return keys
