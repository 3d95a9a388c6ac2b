"""What one attempt made goes into the storage, under a prefix of its own, patiently."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, TypeVar

from synth.errors import Cancelled, MediaError
from synth.media import audio, looking, video
from synth.media.picture import poster
from synth.options import Mode
from synth.result import Output, Result
from workers.attempt import Attempt
from workers.errors import ObjectNotFound, StorageError
from workers.files.storage import Storage

STORE_PATIENCE_S: Final = 900.0  # for a storage that is away, before the sound is thrown away and made again
THUMBNAIL_WIDTH: Final = 480
AT_ONCE: Final = 4
"""Files that are put at the same time: each waits for the disk or for a server."""
CONTENT_TYPES: Final = {
    ".mp4": "video/mp4",
    ".mov": "video/quicktime",
    ".mkv": "video/x-matroska",
    ".webm": "video/webm",
    ".wav": "audio/wav",
    ".json": "application/json",
    ".jpg": "image/jpeg",
    ".npz": "application/octet-stream",
    ".flac": "audio/flac",
    ".zip": "application/zip",
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
    with ThreadPoolExecutor(1, "thumbnail") as beside:
        thumbnail = beside.submit(_thumbnail, storage, attempt, folder, outcome.outputs[0].duration_s / 3)
        for number, output in enumerate(outcome.outputs):
            attempt.progress("store", number / count)
            outputs.append({**entry_of(output, job.title), **put_take(storage, attempt, output, prefix)})
        shared = {"thumbnail_key": thumbnail.result(), **_shared(outcome)}
    keys = {name: f"{prefix}/{path.name}" for name, path in shared.items()}
    put_all(storage, attempt, {keys[name]: path for name, path in shared.items()})
    return {"outputs": outputs, **keys}


def _thumbnail(storage: Storage, attempt: Attempt, folder: Path, at_s: float) -> Path:
    """A picture of the clip: the one that was made when it arrived, where it is one of the same moment."""
    source, target = folder / "source", folder / "thumbnail.jpg"
    seen = looking.look(source, salvage=True, recut=True)
    made = attempt.job.info.get("poster_key")
    try:
        if video.is_sought(seen) and made:
            storage.fetch(str(made), target)
            return target
        if video.is_sought(seen):
            target.write_bytes(poster.of(source, seen.info))
            return target
    except (MediaError, StorageError):
        target.unlink(missing_ok=True)
    video.thumbnail(source, target, at_s, THUMBNAIL_WIDTH)
    return target


def entry_of(output: Output, title: str) -> dict[str, Any]:
    """What of a take stands in the row beside its keys."""
    told = {"source": title, "target": f"take{output.take}{output.target.suffix}"}
    verified = output.kept.verified if output.kept else None
    checked: dict[str, Any] = {"verified": verified.as_json()} if verified else {}
    if output.kept:
        checked["gain_db"] = round(output.kept.gain_db, 3)
    return {**output.as_json(), **told, **checked, "bytes": output.target.stat().st_size}


def put_take(storage: Storage, attempt: Attempt, output: Output, prefix: str) -> dict[str, Any]:
    """Put the files of a take; their keys, by their names in the row.

    Raises:
        StorageError: patience ended.
        Cancelled: the work is to be stopped.
    """
    stem = f"{prefix}/take{output.take}"
    files = {name: (f"{stem}{ending}", path) for name, (path, ending) in _files(output).items()}
    wanted = dict(files.values())
    keys: dict[str, Any] = {name: key for name, (key, _) in files.items()}
    if output.kept is not None:
        keys["stems"] = [
            {
                "name": part.name,
                "key": f"{stem}.{part.name}.wav",
                "rate_hz": part.rate_hz,
                "duration_s": round(part.duration_s, 6),
                "peak_dbfs": None if part.peak_dbfs is None else round(part.peak_dbfs, 2),
            }
            for part in output.kept.parts
        ]
        wanted |= {f"{stem}.{part.name}.wav": part.path for part in output.kept.parts}
    put_all(storage, attempt, wanted)
    return keys


def _files(output: Output) -> dict[str, tuple[Path, str]]:
    """What is downloaded of one take, and what it is corrected with: its path, and the ending of its key."""
    target, kept = output.target, output.kept
    files = {"key": (target, target.suffix)}
    if kept is None:
        wav = target.with_suffix(".wav")
        sound, rate_hz = audio.read(target)
        audio.write(wav, sound, rate_hz)
        files["wav_key"] = (wav, ".wav")
    else:
        files |= {"wav_key": (kept.wav, ".wav"), "flac_key": (kept.flac, ".flac")}
        score = target.with_suffix(".score.json")
        score.write_text(json.dumps(kept.score.as_json(), indent=1), encoding="utf-8")
        files |= {"drawings_key": (kept.drawings, ".drawings.zip"), "score_key": (score, ".score.json")}
    if output.mode is Mode.HITS:
        hits = target.with_suffix(".hits.json")
        hits.write_text(json.dumps({"hits": [hit.as_json() for hit in output.hits]}, indent=1), encoding="utf-8")
        files["hits_key"] = (hits, ".hits.json")
    return files


def _shared(outcome: Result) -> dict[str, Path]:
    """What all takes are corrected with."""
    kept = next((output.kept for output in outcome.outputs if output.kept is not None), None)
    if kept is None or kept.recipe is None:
        return {}
    return {"recipe_key": kept.recipe, **({"original_key": kept.original} if kept.original else {})}


def put(storage: Storage, attempt: Attempt, key: str, path: Path) -> str:
    """Put one file, patiently, and note it in :attr:`Attempt.stored`; its key.

    Raises:
        StorageError: patience ended.
        Cancelled: the work is to be stopped.
    """
    attempt.stored[key] = patiently(attempt, lambda: storage.put(key, path, CONTENT_TYPES[path.suffix]))
    return key


def put_all(storage: Storage, attempt: Attempt, files: Mapping[str, Path]) -> None:
    """Put several files, by their keys, some of them at the same time; errors are as for :func:`put`."""
    with ThreadPoolExecutor(AT_ONCE, "put") as pool:
        for _ in pool.map(lambda key: put(storage, attempt, key, files[key]), files):
            pass


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
