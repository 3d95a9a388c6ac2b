"""The API for asyncio: the same calls as :class:`web.client.sync.Client` has, with models for answers.

Each waits with the loop and not with a thread; what may pass is tried again, as there.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import httpx

from synth.media.files import arriving
from web.client import tus
from web.client.errors import ClientError, Unreachable, refusal
from web.client.models import Batch, BatchCreated, Job, ResumableUpload, model
from web.client.sync import (
    FINAL_STATES,
    FIRST_PAUSE_S,
    LONGEST_PAUSE_S,
    PATIENCE_S,
    POLL_S,
    TIMEOUT,
    WORTH_ANOTHER_TRY,
)


class AsyncClient:
    """One server.

    Args:
        base_url: such as ``http://127.0.0.1:8080``.
        key: the secret of an API key, where the server asks for one.
        patience_s: how long the server may be away before :class:`web.client.errors.Unreachable` is raised.
        transport: how requests travel; tests hand in their own.

    Every method raises ClientError when the server refuses, and Unreachable when it does not answer.
    """

    def __init__(
        self,
        base_url: str,
        key: str = "",
        *,
        patience_s: float = PATIENCE_S,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self.patience_s = patience_s
        self._http = httpx.AsyncClient(
            base_url=base_url.rstrip("/"), headers=headers, timeout=TIMEOUT, transport=transport, follow_redirects=True,
            trust_env=False,
        )  # fmt: skip

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def upload(self, clip: Path, upload_id: str | None = None) -> str:
        """Send a clip piece by piece, from where it stands; gives the id under which jobs can be made of it.

        Raises:
            OSError: the clip cannot be read.
        """
        if upload_id is None:
            begun = await self._request("POST", "/v1/uploads", headers=tus.begin(clip))
            upload_id = str(begun.headers["Location"]).rpartition("/")[2]
        link, size = f"/v1/uploads/{upload_id}", clip.stat().st_size
        while True:
            stands = await self._request("HEAD", link, headers=tus.ask())
            offset = int(stands.headers["Upload-Offset"])
            if offset >= size:
                return upload_id
            data, headers = await asyncio.to_thread(tus.piece_of, clip, offset)
            try:
                await self._request("PATCH", link, content=data, headers=headers)
            except ClientError as error:
                if error.code not in ("conflict", "checksum", "locked"):
                    raise

    async def read_upload(self, upload_id: str) -> ResumableUpload:
        """Where an upload stands."""
        return model(ResumableUpload, (await self._request("GET", f"/v1/uploads/{upload_id}")).json())

    async def create(self, upload_id: str, *, idempotency_key: str | None = None, **asked: Any) -> Job:
        """Make a job of an upload; ``asked`` are options, ``batch_id`` and ``custom_id``."""
        return model(Job, await self._post("/v1/jobs", {"upload": upload_id, **asked}, idempotency_key))

    async def create_batch(
        self, items: Sequence[Mapping[str, Any]], options: Mapping[str, Any], *, idempotency_key: str | None = None
    ) -> BatchCreated:
        """Make a job of each item: ``upload`` or ``job``, ``custom_id`` and options of its own."""
        asked = {"items": [dict(one) for one in items], "options": dict(options)}
        return model(BatchCreated, await self._post("/v1/batches", asked, idempotency_key))

    async def get(self, job_id: str) -> Job:
        """One job."""
        return model(Job, (await self._request("GET", f"/v1/jobs/{job_id}")).json())

    async def batch(self, batch_id: str) -> Batch:
        """One batch with its jobs."""
        return model(Batch, (await self._request("GET", f"/v1/batches/{batch_id}")).json())

    async def cancel(self, job_id: str) -> str:
        """Stop a job; gives ``canceled``, ``cancellation_requested`` or ``already_finished``."""
        return str((await self._request("POST", f"/v1/jobs/{job_id}/cancel", json={})).json()["outcome"])

    async def wait(self, job_id: str) -> Job:
        """Ask for a job until it has ended."""
        while True:
            job = await self.get(job_id)
            if job.status in FINAL_STATES:
                return job
            await asyncio.sleep(POLL_S)

    async def download(self, link: str, target: Path, *, replace: bool = False) -> None:
        """Fetch one file, whole or not at all.

        Raises:
            MediaError: it cannot be written, or is there already and may not be replaced.
        """
        with arriving(target, replace=replace) as part, part.open("wb") as file:
            async with self._http.stream("GET", link) as answer:
                if answer.is_error:
                    await answer.aread()
                    raise refusal(answer)
                async for piece in answer.aiter_bytes():
                    file.write(piece)

    async def _post(self, path: str, body: Mapping[str, Any], key: str | None) -> dict[str, Any]:
        headers = {"Idempotency-Key": key or secrets.token_urlsafe(16)}
        return dict((await self._request("POST", path, json=dict(body), headers=headers)).json())

    async def _request(self, method: str, path: str, **how: Any) -> httpx.Response:
        """Try again what may pass, for as long as the patience lasts."""
        until_s, pause_s = time.monotonic() + self.patience_s, FIRST_PAUSE_S
        while True:
            try:
                answer = await self._http.request(method, path, **how)
                if not answer.is_error:
                    return answer
                error: ClientError | Unreachable = refusal(answer)
                if answer.status_code not in WORTH_ANOTHER_TRY:
                    raise error
            except httpx.TransportError as trouble:
                error = Unreachable(f"the server does not answer: {trouble or type(trouble).__name__}")
            if time.monotonic() + pause_s > until_s:
                raise error
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
