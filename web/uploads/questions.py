"""Questions that the web cannot answer, because it loads no torch: put to a worker as a row like that of a job.

Row and file are taken away when the answer is there, or when nobody waits for it any longer.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from synth.errors import MediaError, OptionError, SynthError, WeightsError
from synth.options import Options
from workers.broker.queue import Notify
from workers.errors import NotFound
from workers.files.storage import Storage
from workers.jobs import Jobs, State, new_id
from workers.records import ROUTE, SEARCH

SOURCE_TYPE: Final = "application/octet-stream"  # whatever the client says it is, nobody is to run it
PATIENCE_S: Final = {ROUTE: 20.0, SEARCH: 20.0}
AT_ONCE: Final = {ROUTE: 2, SEARCH: 8}
"""Threads that wait must not be all that there are."""
POLL_S: Final = {ROUTE: 0.1, SEARCH: 0.02}

_REFUSED: Final[dict[str, type[SynthError]]] = {
    "bad_media": MediaError,
    "bad_option": OptionError,
    "weights": WeightsError,
}
_log = logging.getLogger(__name__)


class Questions:
    """Asks workers, and waits. Safe to use from many threads."""

    def __init__(self, jobs: Jobs, storage: Storage, notify: Notify) -> None:
        self._jobs, self._storage, self._ring = jobs, storage, notify
        self._waiting = {mode: threading.BoundedSemaphore(count) for mode, count in AT_ONCE.items()}

    def ask(self, mode: str, path: Path, info: Mapping[str, Any], owner: str) -> dict[str, Any] | None:
        """Put a question about a file and wait for the answer, but not for long.

        Args:
            mode: one of :data:`AT_ONCE`.
            info: what the worker is told beside the file.

        Returns:
            The ``result`` of the row; ``None`` where no worker answered in time, or too many ask already.

        Raises:
            SynthError: the worker refuses the file.
            WorkError: the queue is full, or a part of the server is away.
        """
        if not self._waiting[mode].acquire(blocking=False):
            return None
        try:
            job_id = new_id(time.time())
            key = f"{job_id}/source"
            try:
                self._storage.put(key, path, SOURCE_TYPE)
                self._jobs.create(
                    options=Options(), title="", source_key=key, info=info, owner=owner, id=job_id, mode=mode
                )
                self._ring(mode)
                return self._answer(job_id, mode)
            finally:
                self._forget(job_id)
        finally:
            self._waiting[mode].release()

    def _answer(self, job_id: str, mode: str) -> dict[str, Any] | None:
        deadline = time.monotonic() + PATIENCE_S[mode]
        while time.monotonic() < deadline:
            job = self._jobs.get(job_id, None)
            if job.state is State.SUCCEEDED:
                return dict(job.result or {})
            if job.error is not None and job.error["code"] in _REFUSED:
                raise _REFUSED[job.error["code"]](str(job.error["detail"]))
            if job.state.final:
                return None
            time.sleep(POLL_S[mode])
        return None

    def _forget(self, job_id: str) -> None:
        gone = True
        try:
            self._storage.delete(f"{job_id}/")
        except Exception:
            _log.exception("the file of question %s is deleted later", job_id)
            gone = False
        with suppress(NotFound):
            self._jobs.delete(job_id, None, has_files=not gone)
