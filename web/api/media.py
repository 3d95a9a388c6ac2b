"""Files going out: by ranges, under names of ours, so that no browser runs what a stranger uploaded.

Where the storage has an address of its own (presigned, short-lived), the browser is sent there; else the bytes pass
through here in pieces.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from flask import Response, current_app, json, redirect, request
from werkzeug.http import parse_range_header

from web.api.problems import Problem
from web.api.representations import FILES, KINDS
from web.context import site
from workers.files import objects
from workers.jobs import Job

URL_LIVES_S: Final = 600
SANDBOX: Final = "default-src 'none'; style-src 'unsafe-inline'; media-src 'self'; img-src 'self'; sandbox"
PLAYED: Final = "default-src 'none'; style-src 'unsafe-inline'; media-src 'self'; img-src 'self'"
"""Of sound and video, which run nothing: in a sandbox their origin is none, and browsers refuse to play them alone."""
_TYPES: Final = {
    ".mp4": "video/mp4",
    ".m4v": "video/mp4",
    ".mov": "video/quicktime",
    ".mkv": "video/x-matroska",
    ".webm": "video/webm",
    ".wav": "audio/wav",
    ".flac": "audio/flac",
    ".json": "application/json",
    ".jpg": "image/jpeg",
    ".png": "image/png",
    ".webp": "image/webp",
}


MEDIA_TYPES: Final = (*dict.fromkeys(_TYPES.values()), "application/octet-stream")
"""Those of all files that go out."""


@dataclass(frozen=True)
class Item:
    """One stored file, and how it is called outside."""

    key: str
    filename: str

    @property
    def content_type(self) -> str:
        """From our own suffix: what a client said is not asked."""
        return _TYPES.get(f".{self.key.rpartition('.')[2]}", "application/octet-stream")


def output(job: Job, entry: Mapping[str, Any], kind: str) -> Response:
    """One file of one take.

    Raises:
        Problem: ``not-found`` for a kind that is not known or not there.
    """
    if kind == "provenance":
        text = json.dumps(entry["provenance"], indent=2) + "\n"
        return dressed(Response(text, content_type="application/json"), stored_name(job, entry, kind))
    key = entry.get(FILES.get(kind, ""))
    if key is None:
        raise Problem("not-found", f"there is no {kind[:40]!r} of this take; there may be {', '.join(KINDS)}")
    return send(Item(str(key), stored_name(job, entry, kind)))


def stored_name(job: Job, entry: Mapping[str, Any], kind: str) -> str:
    """What a download is called: the clip's own title, what it is, and the ending of the stored file."""
    stem = re.sub(r"\.[A-Za-z0-9]{1,5}$", "", job.title)
    stem = re.sub(r'[\\/:*?"<>|]', "_", stem).strip(". ") or "clip"
    several = int(job.options.get("takes", 1)) > 1 or len((job.result or {}).get("outputs", ())) > 1
    take = f".take{int(entry['take']) + 1}" if several else ""  # people count from 1
    key = "x.zip" if kind == "stems" else str(entry.get(FILES.get(kind, "")) or "x.json")
    what = ".sonorized" if kind in ("video", "sound", "flac") else f".{kind}"  # the ending says which
    return f"{stem}{take}{what}.{key.rpartition('.')[2]}"


def send(item: Item) -> Response:
    """A stored file: the range asked for, or a redirect to the storage.

    Raises:
        NotFound: it is not stored.
        Problem: ``range``; ``damaged``.
    """
    storage, attached = site().storage, "download" in request.args
    size = whole_size(item.key)
    elsewhere = storage.url(
        item.key,
        expires_s=URL_LIVES_S,
        filename=item.filename if attached else None,
        content_type=item.content_type,
    )
    if elsewhere is not None:
        sent: Response = redirect(elsewhere, 302)  # type: ignore[assignment]
        sent.headers["Cache-Control"] = "no-store"  # the address dies before long
        return sent
    response = _piece(item, size)
    response.headers["Accept-Ranges"] = "bytes"
    # A key's bytes never change: each attempt of a job has keys of its own.
    response.headers["Cache-Control"] = "private, max-age=86400, immutable"
    response.set_etag(_etag(item))
    return dressed(response, item.filename)


def whole_size(key: str) -> int:
    """Length in bytes of a stored file that is as long as it was when it was stored.

    Raises:
        NotFound: it is not stored.
        Problem: ``damaged``.
    """
    size, stored = site().storage.size(key), objects.find(site().jobs.database, key)
    if size == 0 or (stored is not None and size != stored.bytes_):
        current_app.logger.error("%s has %d bytes; stored were %s", key, size, stored.bytes_ if stored else "some")
        raise Problem("damaged", "the stored file is not whole any more; whoever runs the server can repair it")
    return size


def _piece(item: Item, size: int) -> Response:
    if request.if_none_match.contains(_etag(item)):
        return Response(status=304)
    start, end = _asked_for(item, size)
    part = (start, end) != (0, size)
    body: Iterator[bytes] | bytes = b""
    if request.method != "HEAD":
        body = site().storage.read(item.key, start, end)
    response = Response(body, 206 if part else 200, content_type=item.content_type, direct_passthrough=True)
    response.content_length = end - start
    if part:
        response.headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
    return response


def _asked_for(item: Item, size: int) -> tuple[int, int]:
    """Start and end (exclusive) of the bytes asked for. Several ranges at once are answered with the whole file."""
    wanted = parse_range_header(request.headers.get("Range"))
    if wanted is None or wanted.units != "bytes" or len(wanted.ranges) != 1:
        return 0, size
    condition = request.headers.get("If-Range")
    if condition is not None and condition.strip('"') != _etag(item):
        return 0, size
    found = wanted.range_for_length(size)
    if found is None:
        raise Problem("range", f"the file has {size} bytes", {"Content-Range": f"bytes */{size}"})
    return found


def _etag(item: Item) -> str:
    return re.sub(r"[^A-Za-z0-9.-]", "-", item.key)


def dressed(response: Response, filename: str) -> Response:
    """The response under a name, kept or shown as the query asks, and unable to run anything."""
    how = "attachment" if "download" in request.args else "inline"
    ascii_name = filename.encode("ascii", "replace").decode().replace("?", "_").replace('"', "_")
    disposition = f"{how}; filename=\"{ascii_name}\"; filename*=UTF-8''{quote(filename, safe='')}"
    response.headers["Content-Disposition"] = disposition
    played = (response.mimetype or "").startswith(("video/", "audio/"))
    response.headers["Content-Security-Policy"] = PLAYED if played else SANDBOX
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
