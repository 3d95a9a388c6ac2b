"""What one attempt made goes into the storage, under a prefix of its own, patiently."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

from synth.errors import Cancelled
from synth.media import audio, video
from synth.options import Mode
from synth.result import Output, Result
from workers.attempt import Attempt
from workers.errors import ObjectNotFound, StorageError
from workers.files.storage import Storage

STORE_PATIENCE_S: Final = 900.0  # for a storage that is away, before the sound is thrown away and made again
THUMBNAIL_WIDTH: Final = 480
CONTENT_TYPES: Final = {
    ".mp4": "video/mp4",
    ".mov": "video/quicktime",
    ".mkv": "video/x-matroska",
    ".webm": "video/webm",
    ".wav": "audio/wav",
    ".json": "application/json",
    ".jpg": "image/jpeg",
    ".npz": "application/octet-stream",
}

T = TypeVar("T")


def store(storage: Storage, attempt: Attempt, outcome: Result, folder: Path) -> dict[str, Any]:
    """Put everything under this attempt's prefix; the row's ``result``.

    Args:
        folder: where the clip lies as ``source``, and what was made of it.

    Raises:
        StorageError: patience ended.
        Cancelled: the work is to be stopped.
    """
    job = attempt.job
    prefix, count = job.attempt_prefix(), len(outcome.outputs)
    outputs = []
    for number, output in enumerate(outcome.outputs):
        attempt.progress("store", number / count)
        entry = {**output.as_json(), "source": job.title, "target": f"take{output.take}{output.target.suffix}"}
        for name, path in _files(output, folder).items():
            key = f"{prefix}/take{output.take}{'.hits.json' if name == 'hits_key' else path.suffix}"
            entry[name] = put(storage, attempt, key, path)
        outputs.append({**entry, "bytes": output.target.stat().st_size})
    thumbnail = folder / "thumbnail.jpg"
    video.thumbnail(folder / "source", thumbnail, outcome.outputs[0].duration_s / 3, THUMBNAIL_WIDTH)
    return {"outputs": outputs, "thumbnail_key": put(storage, attempt, f"{prefix}/thumbnail.jpg", thumbnail)}


def _files(output: Output, folder: Path) -> dict[str, Path]:
    """What is downloaded of one take: the video, its sound alone, and any hit list as ``sonorize render`` reads it."""
    wav, hits = folder / f"take{output.take}.wav", folder / f"take{output.take}.json"
    sound, rate_hz = audio.read(output.target)
    audio.write(wav, sound, rate_hz)
    if output.mode is not Mode.HITS:
        return {"key": output.target, "wav_key": wav}
    hits.write_text(json.dumps({"hits": [hit.as_json() for hit in output.hits]}, indent=1), encoding="utf-8")
    return {"key": output.target, "wav_key": wav, "hits_key": hits}


def put(storage: Storage, attempt: Attempt, key: str, path: Path) -> str:
    """Put one file, patiently, and note it in :attr:`Attempt.stored`; its key.

    Raises:
        StorageError: patience ended.
        Cancelled: the work is to be stopped.
    """
    attempt.stored[key] = patiently(attempt, lambda: storage.put(key, path, CONTENT_TYPES[path.suffix]))
    return key


def patiently(attempt: Attempt, do: Callable[[], T]) -> T:
    """Do something with the storage, again and again while it is away: what was rendered is too good to throw away.

    Raises:
        StorageError: patience ended.
        Cancelled: the work is to be stopped.
    """
    deadline, wait_s = time.monotonic() + STORE_PATIENCE_S, 0.2
    while True:
        if attempt.given_up():
            raise Cancelled("the job was stopped")
        try:
            return do()
        except ObjectNotFound:
            raise
        except StorageError:
            if time.monotonic() > deadline:
                raise
        time.sleep(wait_s)
        wait_s = min(2.0, wait_s * 2)
