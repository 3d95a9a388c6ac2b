"""``sonorize doctor --server``: a server looked at from outside, with nothing but its address and a key."""

from __future__ import annotations

import email.utils
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import httpx
import numpy as np
from numpy.typing import NDArray

from synth.cli import upkeep
from synth.provenance import package_version
from workers.errors import ServiceError

TIMEOUT_S: Final = 20.0
SKEW_S: Final = 30.0
"""Clocks further apart: webhooks look old to their receivers, and deadlines come early or late."""
LITTLE_ROOM: Final = 0.05  # of a disk
OVERDUE_S: Final = 3600.0
CLIP_S: Final = 0.5
_OPEN: Final = ("/livez", "/readyz", "/v1/openapi.json")


def checks(
    address: str, key: str, *, clip: bool, transport: httpx.BaseTransport | None = None
) -> Mapping[str, upkeep.Check]:
    """What is looked at, in order.

    Args:
        key: the secret of a key, where the server wants one.
        clip: also send a tiny clip to be looked at; no job is made of it.
        transport: how requests travel; tests hand in their own.
    """
    outside = _Outside(address, key, transport)
    found: dict[str, Callable[[], str]] = {
        "answers": outside.answers,
        "ready": outside.ready,
        "version": outside.version,
        "clock": outside.clock,
        "key": outside.key,
        "limits": outside.limits,
        "metrics": outside.metrics,
    }
    return {**found, "upload": outside.upload} if clip else found


class _Outside:
    """The questions. Each gives what it found, or raises what is wrong."""

    def __init__(self, address: str, key: str, transport: httpx.BaseTransport | None) -> None:
        self._shown = {"Authorization": f"Bearer {key}"} if key else {}
        try:
            self._http = httpx.Client(base_url=address, timeout=TIMEOUT_S, transport=transport, trust_env=False)
        except (httpx.InvalidURL, ValueError) as error:
            raise ServiceError(f"{address!r} is no address of a server: {error}") from error

    def answers(self) -> str:
        """Whether anybody is there."""
        began_s = time.perf_counter()
        answer = self._get("/livez")
        return f"{answer.status_code} in {1000 * (time.perf_counter() - began_s):.0f} ms"

    def ready(self) -> str:
        """Whether jobs are accepted, and whether all goes well in the background."""
        answer = self._get("/readyz", also=(503,))
        told = _json(answer)
        parts = ", ".join(f"{part} {state}" for part, state in dict(told.get("checks", {})).items())
        reasons = "; ".join(f"{part}: {reason}" for part, reason in dict(told.get("reasons", {})).items())
        if told.get("status") != "ready":
            raise ServiceError(f"{told.get('status')}: {parts}{f'; {reasons}' if reasons else ''}")
        return parts

    def version(self) -> str:
        """Which version runs there."""
        theirs = str(_json(self._get("/v1/openapi.json"))["info"]["version"])
        ours = package_version("sonorize") or "unknown"
        return theirs if theirs == ours else f"{theirs}; this program is {ours}"

    def clock(self) -> str:
        """How far its clock is from ours."""
        before = time.time()
        date = self._get("/livez").headers.get("Date", "")
        middle = (before + time.time()) / 2
        try:
            theirs = email.utils.parsedate_to_datetime(date).timestamp()
        except ValueError as error:
            raise ServiceError("the answer has no Date") from error
        apart_s = theirs + 0.5 - middle  # a date has whole seconds
        if abs(apart_s) > SKEW_S:
            raise ServiceError(f"its clock is {apart_s:+.0f} s from this machine's; allowed are {SKEW_S:g} s")
        return f"within {max(1.0, abs(apart_s)):.0f} s of this machine's"

    def key(self) -> str:
        """What the key is good for."""
        answer = self._get("/v1/me", also=(401, 403))
        if answer.status_code != 200:
            raise ServiceError(str(_json(answer).get("detail", "the key is refused")))
        told = _json(answer)
        scopes = ", ".join(told["key"]["scopes"])
        return f"jobs stand under the name {told['owner']}; good for {scopes}"

    def limits(self) -> str:
        """What a clip may be."""
        told = _json(self._get("/v1/limits"))
        modes = ", ".join(told["modes"])
        return f"clips up to {told['max_bytes'] / 1e6:.0f} MB and {told['max_duration_s']:g} s; modes {modes}"

    def metrics(self) -> str:
        """What its figures say that nobody else asks."""
        answer = self._get("/metrics", also=(401, 403))
        if answer.status_code != 200:
            return "not shown to this key"
        figures = _figures(answer.text)
        wrong = [f"the {part} does not answer" for part, up in figures("sonorize_part_up", "part") if not up]
        size = dict(figures("sonorize_disk_size_bytes", "folder"))
        for folder, free in figures("sonorize_disk_free_bytes", "folder"):
            if free < LITTLE_ROOM * size.get(folder, 0.0):
                wrong.append(f"{free / 1e9:.1f} GB are free on the disk of {folder}")
        waiting = sum(value for _, value in figures("sonorize_queued_jobs", "mode"))
        workers = sum(value for _, value in figures("sonorize_workers", ""))
        if waiting and not workers:
            wrong.append(f"{waiting:.0f} jobs wait, and no worker is there")
        oldest_s = dict(figures("sonorize_oldest_job_age_seconds", "state")).get("queued", 0.0)
        if oldest_s > OVERDUE_S:
            wrong.append(f"the oldest job has waited for {oldest_s / 60:.0f} minutes")
        if wrong:
            raise ServiceError("; ".join(wrong))
        return f"{workers:.0f} workers; {waiting:.0f} jobs wait"

    def upload(self) -> str:
        """Whether a clip arrives and is understood."""
        with tempfile.TemporaryDirectory(prefix="sonorize-doctor-") as folder:
            path = Path(folder) / "clip.mp4"
            _tiny_clip(path)
            began_s = time.perf_counter()
            with path.open("rb") as file:
                answer = self._ask("POST", "/v1/probe", files={"file": ("doctor.mp4", file, "video/mp4")})
            told = _json(answer)
        spent_ms = 1000 * (time.perf_counter() - began_s)
        return f"{told['width']} x {told['height']}, {told['duration_s']:g} s, looked at in {spent_ms:.0f} ms"

    def _get(self, path: str, also: tuple[int, ...] = ()) -> httpx.Response:
        return self._ask("GET", path, also)

    def _ask(self, method: str, path: str, also: tuple[int, ...] = (), **more: Any) -> httpx.Response:
        try:
            # What is everybody's is asked without the key: a bad one is refused everywhere.
            headers = {} if path in _OPEN else self._shown
            answer = self._http.request(method, path, headers=headers, **more)
        except httpx.TransportError as error:
            raise ServiceError(f"no answer: {error or type(error).__name__}") from error
        if answer.status_code == 200 or answer.status_code in also:
            return answer
        try:
            detail = str(answer.json()["detail"])
        except (ValueError, KeyError, TypeError):
            detail = "and says no more"
        raise ServiceError(f"{path} answers {answer.status_code}: {detail}")


def _json(answer: httpx.Response) -> dict[str, Any]:
    try:
        return dict(answer.json())
    except (ValueError, TypeError) as error:
        raise ServiceError(f"{answer.request.url.path} answers no JSON; is it a Sonorize server?") from error


def _figures(text: str) -> Callable[[str, str], Iterator[tuple[str, float]]]:
    """Asks a page of metrics: name and label -> value of the label and of the figure."""
    from prometheus_client.parser import text_string_to_metric_families

    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]

    def asked(name: str, label: str) -> Iterator[tuple[str, float]]:
        return ((sample.labels.get(label, ""), sample.value) for sample in samples if sample.name == name)

    return asked


def _tiny_clip(path: Path) -> None:
    from synth.media import video

    def frames() -> Iterator[NDArray[np.uint8]]:
        for number in range(round(CLIP_S * 24)):
            yield np.full((48, 64, 3), 8 * number, np.uint8)

    video.write_frames(frames(), path, rate_fps=24)
