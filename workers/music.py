"""Music in the life of a job: suggestions out of the server's folder as a last stage, and a track laid under a result.

The folder is heard by a thread of the worker: at its start, and again whenever a job was given suggestions, so that
nobody waits for it. What it heard lies in an index in the data folder. Nothing that goes wrong here fails a job.
"""

from __future__ import annotations

import fcntl
import json
import logging
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from synth.errors import Cancelled, MediaError, OptionError, SynthError
from synth.files import write_whole
from synth.media import audio, video
from synth.media.sound.bed import Bed
from synth.music.folder import Track, described, track_file
from synth.music.index import MusicIndex
from workers.attempt import Attempt
from workers.errors import NotFound
from workers.files.result_upload import THUMBNAIL_WIDTH, put
from workers.files.storage import Storage
from workers.jobs import Jobs
from workers.settings import Settings

STAGE: Final = "music"
LAYING: Final = "bed"
NO_FOLDER: Final = "this server has no folder of music"

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Keeper:
    """Keeps the index of the folder up to date, in a thread of its own.

    Attributes:
        root: the folder.
        file: the index.
    """

    root: Path
    file: Path
    wanted: threading.Event = field(default_factory=threading.Event)

    def start(self) -> None:
        """Hear the folder now, and again each time that :meth:`look_again` is called."""
        self.wanted.set()
        threading.Thread(target=self._run, name="music", daemon=True).start()

    def look_again(self) -> None:
        """The folder may have changed."""
        self.wanted.set()

    def _run(self) -> None:
        while True:
            self.wanted.wait()
            self.wanted.clear()
            try:
                hear(self.root, self.file)
            except (SynthError, OSError) as error:
                _log.warning("the folder of music was not heard: %s", error)
            except Exception:
                _log.exception("the folder of music was not heard")


def hear(root: Path, file: Path) -> None:
    """Bring the index up to date, unless another process does.

    Raises:
        OptionError: the folder is missing, or the index cannot be used.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.with_suffix(".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        with MusicIndex(file, root) as index:
            found = index.update()
    if found.heard or found.gone:
        _log.info("music: %s tracks heard, %s known, %s skipped", found.heard, found.known, len(found.skipped))


_KEEPERS: Final[dict[Path, Keeper]] = {}


def keeper(settings: Settings) -> Keeper | None:
    """The one of this process, started when it is first asked for; nothing where no folder is set."""
    root, file = settings.music_dir, settings.music_index
    if root is None:
        return None
    if file not in _KEEPERS:
        _KEEPERS[file] = Keeper(root, file)
        _KEEPERS[file].start()
    return _KEEPERS[file]


def suggest(stored: dict[str, Any], settings: Settings, attempt: Attempt, folder: Path) -> None:
    """Write suggestions for a clip into what :func:`workers.files.result_upload.store` gave, if the server has a folder
    of music.

    Args:
        folder: where the clip lies as ``source``.

    Raises:
        Cancelled: the job is to be stopped, and nothing of it kept.
    """
    kept = keeper(settings)
    if kept is None:
        return
    began = time.perf_counter()
    payload: dict[str, Any] = {"suggestions": [], "reason": None}
    try:
        attempt.progress(STAGE, 0.0)
        from synth.music.suggestion import matcher  # loads torch: who has no music needs none of it

        with MusicIndex(kept.file, kept.root) as index:
            found = matcher().suggest(folder / "source", index, cancelled=attempt.stop)
        payload["suggestions"] = [one.as_json() for one in found]
        if not found:
            payload["reason"] = "no track of the folder was heard yet; the next job will know more"
    except Cancelled:
        if attempt.given_up():
            raise
        payload["reason"] = "the job was canceled"
    except SynthError as error:
        payload["reason"] = str(error).replace(f"{folder}/", "").replace(str(settings.data_dir), "the data folder")
    except Exception:
        _log.exception("job %s: no music was suggested", attempt.job.id)
        payload["reason"] = "something unexpected went wrong"
    kept.look_again()
    stored["music"] = {**payload, "spent_s": round(time.perf_counter() - began, 4)}


def lay(jobs: Jobs, storage: Storage, settings: Settings, attempt: Attempt, folder: Path) -> dict[str, Any]:
    """Lay a track under a finished take and store it; the ``result`` of a row of mode ``music``.

    What is asked stands in ``info["music"]``: ``of`` (the job), ``take``, ``track``, ``level_lufs``.

    Args:
        folder: where the take's video lies as ``source``.

    Raises:
        OptionError: there is no folder, no such track, or the plain take is gone.
        MediaError: a file cannot be read or written.
        StorageError: patience ended.
        Cancelled: the work is to be stopped.
    """
    job, request = attempt.job, attempt.job.info["music"]
    if settings.music_dir is None:
        raise OptionError(NO_FOLDER)
    file, track = track_file(settings.music_dir, str(request["track"])), _track(settings, str(request["track"]))
    plain = _plain(jobs, request)
    from synth.music.suggestion import lay as laid_under

    began = time.perf_counter()
    attempt.progress(LAYING, 0.0)
    target = folder / f"take0.{str(plain['key']).rpartition('.')[2]}"
    ceiling = float(job.options.get("true_peak_dbtp", -1.0))
    how = Bed(level_lufs=float(request["level_lufs"]))
    laid = laid_under(folder / "source", file, track, target, how=how, true_peak_dbtp=ceiling, cancelled=attempt.stop)
    attempt.progress(LAYING, 0.7)
    sound, rate_hz = audio.read(target)
    audio.write(folder / "take0.wav", sound, rate_hz)
    video.thumbnail(folder / "source", folder / "thumbnail.jpg", laid.duration_s / 3, THUMBNAIL_WIDTH)
    prefix = job.attempt_prefix()
    files = {"key": target, "wav_key": folder / "take0.wav"}
    entry = {
        **{name: value for name, value in plain.items() if not name.endswith("_key") and name not in _ITS_OWN},
        "take": 0,
        "target": target.name,
        "loudness_lufs": laid.loudness_lufs,
        "true_peak_dbtp": laid.true_peak_dbtp,
        "delivered": laid.delivered.as_json() if laid.delivered else None,
        "warnings": [*plain["warnings"], *laid.warnings],
        "provenance": {**plain["provenance"], "music": laid.music},
        "music": laid.music,
        "bytes": target.stat().st_size,
        **{name: put(storage, attempt, f"{prefix}/{path.name}", path) for name, path in files.items()},
    }
    if plain.get("hits"):
        entry["hits_key"] = put(storage, attempt, f"{prefix}/take0.hits.json", _hits(plain, folder))
    entry["stages_s"] = {LAYING: round(time.perf_counter() - began, 4)}
    thumbnail = put(storage, attempt, f"{prefix}/thumbnail.jpg", folder / "thumbnail.jpg")
    return {"outputs": [entry], "thumbnail_key": thumbnail}


_ITS_OWN: Final = frozenset({"key", "description", "music", "stems", "score", "parent", "verified"})
"""What of a take is not that of the same take with music."""


def _hits(plain: Mapping[str, Any], folder: Path) -> Path:
    path = folder / "take0.hits.json"
    write_whole(path, json.dumps({"hits": plain["hits"]}, indent=1).encode())
    return path


def _plain(jobs: Jobs, request: Mapping[str, Any]) -> Mapping[str, Any]:
    try:
        outputs = (jobs.get(str(request["of"]), None).result or {}).get("outputs", ())
    except NotFound:
        outputs = ()
    for entry in outputs:
        if entry["take"] == request["take"]:
            return dict(entry)
    raise OptionError("the result that the music was for is not there any more")


def _track(settings: Settings, name: str) -> Track:
    """What the index says of a track; else what its file says."""
    try:
        with MusicIndex(settings.music_index) as index:
            known = next((track for track in index.tracks()[0] if track.path == name), None)
    except OptionError:
        known = None
    if known is not None:
        return known
    if settings.music_dir is None:
        raise OptionError(NO_FOLDER)
    try:
        return described(settings.music_dir, name)
    except MediaError as error:
        raise OptionError(f"the track {name[:120]!r} cannot be read: {error}") from error
