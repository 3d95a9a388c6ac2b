"""A client of the HTTP API: what ``sonorize submit`` and the demo speak.

Uploads are streamed from the disk and may be sent again: every one carries an idempotency key, so that a lost answer
does not make a second job. Waiting outlives restarts of the server. Downloads go on where they broke off.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from io import FileIO
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Final, Self, TypeVar

import httpx

from synth.errors import SynthError
from synth.media.files import arriving
from web.client import tus
from web.client.errors import ClientError, Unreachable, refusal

TIMEOUT: Final = httpx.Timeout(30.0, connect=5.0)
POLL_S: Final = 0.5
FIRST_PAUSE_S: Final = 0.25
LONGEST_PAUSE_S: Final = 5.0
PATIENCE_S: Final = 60.0  # how long a server may be away before we give up
FINAL_STATES: Final = frozenset({"succeeded", "failed", "canceled", "expired"})
WORTH_ANOTHER_TRY: Final = frozenset({429, 502, 503, 504})

_T = TypeVar("_T")
Told = Callable[[Mapping[str, Any]], None]
"""Is told the newest state of a job: ``status``, ``stage``, ``fraction`` and more."""
Sent = Callable[[int], None]
"""Is told how many bytes have been sent or received so far."""


class Client:
    """One server. Not for several threads at once.

    Args:
        base_url: such as ``http://127.0.0.1:8080``.
        key: the secret of an API key, where the server asks for one.
        patience_s: how long the server may be away before :class:`Unreachable` is raised.
        transport: how requests travel; tests hand in their own.

    Every method raises ClientError when the server refuses, and Unreachable when it does not answer.
    """

    def __init__(
        self,
        base_url: str,
        key: str = "",
        *,
        patience_s: float = PATIENCE_S,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self.base_url = base_url.rstrip("/")
        self.patience_s = patience_s
        self._met = False
        try:
            self._http = httpx.Client(
                base_url=self.base_url, headers=headers, timeout=TIMEOUT, transport=transport, follow_redirects=True,
                trust_env=False,
            )  # fmt: skip
        except (httpx.InvalidURL, ValueError) as error:
            raise Unreachable(f"{base_url!r} is no address of a server: {error}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Give the connections back."""
        self._http.close()

    def create(
        self, clip: Path, options: Mapping[str, Any], *, sent: Sent | None = None, idempotency_key: str | None = None
    ) -> dict[str, Any]:
        """Upload one clip and queue it; gives the job."""
        key = idempotency_key or secrets.token_urlsafe(16)
        return self._post_files("/v1/jobs", [clip], options, sent=sent, idempotency_key=key)

    def create_batch(
        self, clips: list[Path], options: Mapping[str, Any], *, sent: Sent | None = None,
        idempotency_key: str | None = None,
    ) -> dict[str, Any]:  # fmt: skip
        """Upload many clips in one call; gives the batch, with one entry of ``items`` a clip."""
        key = idempotency_key or secrets.token_urlsafe(16)
        return self._post_files("/v1/batches", clips, options, sent=sent, idempotency_key=key)

    def upload(self, clip: Path, upload_id: str | None = None, *, sent: Sent | None = None) -> str:
        """Send a clip piece by piece, from where it stands; gives the id under which jobs can be made of it.

        A connection that breaks costs one piece at most, and so does a program that ends: give it the id again.

        Args:
            upload_id: of :meth:`begin_upload`, to go on with.

        Raises:
            OSError: the clip cannot be read.
        """
        upload_id = upload_id or self.begin_upload(clip)
        link, size = f"/v1/uploads/{upload_id}", clip.stat().st_size
        while (offset := self._offset(link)) < size:
            if sent is not None:
                sent(offset)
            data, headers = tus.piece_of(clip, offset)
            try:
                self._request("PATCH", link, content=data, headers=headers)
            except ClientError as error:
                if error.code not in ("conflict", "checksum", "locked"):  # of an answer that was lost, or on the way
                    raise
        if sent is not None:
            sent(size)
        return upload_id

    def begin_upload(self, clip: Path) -> str:
        """Begin a resumable upload; gives its id."""
        answer = self._request("POST", "/v1/uploads", headers=tus.begin(clip))
        return str(answer.headers["Location"]).rpartition("/")[2]

    def create_of(self, upload_id: str, *, idempotency_key: str | None = None, **asked: Any) -> dict[str, Any]:
        """Make a job of an upload; ``asked`` are options, ``batch_id`` and ``custom_id``. Gives the job."""
        headers = {"Idempotency-Key": idempotency_key or secrets.token_urlsafe(16)}
        wanted = {name: value for name, value in asked.items() if value is not None}
        return self._json("POST", "/v1/jobs", json={"upload": upload_id, **wanted}, headers=headers)

    def _offset(self, link: str) -> int:
        return int(self._request("HEAD", link, headers=tus.ask()).headers["Upload-Offset"])

    def get(self, job_id: str) -> dict[str, Any]:
        """One job."""
        return self._json("GET", f"/v1/jobs/{job_id}")

    def batch(self, batch_id: str) -> dict[str, Any]:
        """One batch with its jobs."""
        return self._json("GET", f"/v1/batches/{batch_id}")

    def jobs(self, **query: str | int) -> dict[str, Any]:
        """One page of jobs, newest first: ``jobs`` and ``next_cursor``."""
        return self._json("GET", "/v1/jobs", params=query)

    def cancel(self, job_id: str, *, keep_partial: bool = False) -> str:
        """Stop a job; gives ``canceled``, ``cancellation_requested`` or ``already_finished``.

        Args:
            keep_partial: keep what was made by then, as if the job's options had asked for it.
        """
        asked = {"keep_partial": True} if keep_partial else {}
        return str(self._json("POST", f"/v1/jobs/{job_id}/cancel", json=asked)["outcome"])

    def delete(self, job_id: str) -> None:
        """Take a job and its files away."""
        self._request("DELETE", f"/v1/jobs/{job_id}")

    def search(self, **query: str | int | None) -> dict[str, Any]:
        """Find results by words (``q``) or like a ``job``, with ``take``, ``by``, ``find``, ``space`` and ``limit``.

        Gives ``query`` and ``results``, the best first.
        """
        return self._json("GET", "/v1/search", params={key: value for key, value in query.items() if value is not None})

    def search_like(self, file: Path, **how: str | int | None) -> dict[str, Any]:
        """Find results that look or sound like a picture, a sound or a clip; otherwise as :meth:`search`."""
        return self._post_files("/v1/search", [file], how, sent=None, idempotency_key=secrets.token_urlsafe(16))

    def ready(self) -> bool:
        """Whether the server and all its parts answer now."""
        try:
            return self._http.get("/readyz").status_code == 200
        except httpx.TransportError:
            return False

    def wait(self, job_id: str, told: Told | None = None) -> dict[str, Any]:
        """Follow a job to its end, by events while the server sends them and by asking otherwise; gives the job."""
        tell = told or (lambda state: None)
        while True:
            try:
                for state in self._events(job_id):
                    tell(state)
            except (httpx.TransportError, ClientError):
                pass  # cut off, or too many streams are open: asking works as well, and says what is wrong if not
            job = self.get(job_id)
            tell(state_of(job))
            if job["status"] in FINAL_STATES:
                return job
            time.sleep(POLL_S)

    def download(self, link: str, target: Path, *, replace: bool = False, received: Sent | None = None) -> None:
        """Fetch one file, whole or not at all.

        Raises:
            MediaError: it cannot be written, or is there already and may not be replaced.
        """
        with arriving(target, replace=replace) as part, part.open("wb") as file:
            self._patiently(lambda: self._append(link, file, received or (lambda count: None)))

    def _append(self, link: str, file: IO[bytes], received: Sent) -> None:
        """Everything from where the file ends now."""
        have = file.tell()
        headers = {"Range": f"bytes={have}-"} if have else {}
        with self._http.stream("GET", link, headers=headers) as answer:
            if answer.status_code == 416 and have:
                return  # it broke off after the last byte
            if answer.status_code not in (200, 206):
                answer.read()
                raise refusal(answer)
            if answer.status_code == 200:
                file.seek(0)
                file.truncate()
            for piece in answer.iter_bytes():
                file.write(piece)
                received(file.tell())

    def _events(self, job_id: str) -> Iterator[dict[str, Any]]:
        with self._http.stream("GET", f"/v1/jobs/{job_id}/events") as answer:
            if answer.status_code != 200:
                answer.read()
                raise refusal(answer)
            event = ""
            for line in answer.iter_lines():
                if line.startswith("event: "):
                    event = line.removeprefix("event: ")
                elif line.startswith("data: ") and event == "state":
                    yield json.loads(line.removeprefix("data: "))

    def _post_files(
        self, path: str, clips: list[Path], options: Mapping[str, Any], *, sent: Sent | None, idempotency_key: str
    ) -> dict[str, Any]:
        fields = {name: str(value) for name, value in options.items() if value is not None}
        headers = {"Idempotency-Key": idempotency_key}

        def once() -> httpx.Response:
            with ExitStack() as opened:
                files = [("file", (_name(clip), opened.enter_context(_Counted(clip, count)))) for clip in clips]
                return self._http.post(path, data=fields, files=files, headers=headers)

        done = dict.fromkeys(clips, 0)

        def count(clip: Path, position: int) -> None:
            done[clip] = position
            if sent is not None:
                sent(sum(done.values()))

        return dict(self._answered(once).json())

    def _json(self, method: str, path: str, **how: Any) -> dict[str, Any]:
        return dict(self._request(method, path, **how).json())

    def _request(self, method: str, path: str, **how: Any) -> httpx.Response:
        return self._answered(lambda: self._http.request(method, path, **how))

    def _answered(self, send: Callable[[], httpx.Response]) -> httpx.Response:
        def once() -> httpx.Response:
            answer = send()
            if answer.is_error:
                raise refusal(answer)
            return answer

        return self._patiently(once)

    def _patiently(self, action: Callable[[], _T]) -> _T:
        """Try again what may pass: a server that is busy, or one that was there and is being restarted."""
        until_s, pause_s = time.monotonic() + self.patience_s, FIRST_PAUSE_S
        while True:
            try:
                done = action()
                self._met = True
                return done
            except httpx.TransportError as error:
                trouble: SynthError = Unreachable(f"the server at {self.base_url} does not answer: {_why(error)}")
                if not self._met:  # a wrong address gets no better by waiting
                    raise trouble from error
                wait_s = pause_s
            except httpx.InvalidURL as error:
                raise Unreachable(f"{self.base_url!r} is no address of a server: {error}") from error
            except ClientError as error:
                self._met = True
                if error.status not in WORTH_ANOTHER_TRY:
                    raise
                trouble, wait_s = error, error.retry_after_s or pause_s
            if time.monotonic() + wait_s > until_s:
                raise trouble
            time.sleep(wait_s)
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)


class _Counted(FileIO):
    """A file that tells how far it has been read."""

    def __init__(self, path: Path, told: Callable[[Path, int], None]) -> None:
        super().__init__(path)
        self._path, self._told = path, told

    def read(self, size: int | None = -1) -> bytes:
        piece = super().read(-1 if size is None else size)
        self._told(self._path, self.tell())
        return piece


def _name(clip: Path) -> str:
    """The file's name as text: the bytes of a name need not be any."""
    return clip.name.encode("utf-8", "replace").decode()


def state_of(job: Mapping[str, Any]) -> dict[str, Any]:
    """What an event would tell of a job."""
    queue = job["queue"] or {}
    return {"id": job["id"], "status": job["status"], **job["progress"], "position": queue.get("position")}


def _why(error: httpx.TransportError) -> str:
    if isinstance(error, httpx.TimeoutException):
        return "it takes too long"
    return str(error.__cause__ or error) or type(error).__name__
