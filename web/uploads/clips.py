"""Clips of finished uploads: looked at, put into the storage with the first job, shared by all that follow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from synth.options import Options
from web.api.problems import Problem
from web.uploads.submit import Submitter
from web.uploads.ticket import Ticket, request_hash_of
from web.uploads.titles import display_title, info_json
from workers.errors import Conflict, ObjectNotFound
from workers.jobs import Job
from workers.uploads.deposits import Deposits
from workers.uploads.held import Held
from workers.uploads.records import PARTIAL, PRESIGNED, Upload
from workers.uploads.store import Stored, Uploads

PICTURE: Final = "picture"
"""What an upload's ``info`` says of the clip's picture; its other members say what the clip is, to whom."""
PATIENCE_S: Final = 30.0  # several jobs may be made of one upload at the same moment


class ClipsOfUploads:
    """Makes jobs of uploads. Made once a server; safe to use from many threads.

    Where a method takes a ``viewer``, somebody else's upload is not found; ``None`` sees all.
    """

    def __init__(self, submitter: Submitter, uploads: Uploads, deposits: Deposits) -> None:
        self._submitter, self._uploads, self._deposits = submitter, uploads, deposits

    def look(self, upload_id: str, viewer: str | None, options: Options) -> Upload:
        """See what the clip of an upload is; what was seen stands in its row.

        Raises:
            Conflict: bytes of it are missing.
            MediaError: the clip is refused.
            WorkError: as :meth:`workers.uploads.store.Uploads.get`; or a part of the server is away.
        """
        with self._whole(upload_id, viewer) as (upload, held):
            self._sha256(upload, held)
            return self._seen(self._uploads.get(upload_id, viewer), held, options)[0]

    def submit(self, upload_id: str, viewer: str | None, ticket: Ticket) -> Job:
        """Make a job of the clip of an upload.

        Raises:
            As :meth:`look`; and WorkError: the queue is full, or the idempotency key was used otherwise.
        """
        with self._whole(upload_id, viewer) as (upload, held):
            sha256 = self._sha256(upload, held)
            request_hash = request_hash_of(sha256, ticket)
            if ticket.idempotency_key is not None and (earlier := self._submitter.earlier(ticket, request_hash)):
                return earlier
            upload, info = self._seen(self._uploads.get(upload_id, viewer), held, ticket.options)
            title = display_title(upload.filename)
            if held is not None and not upload.stored and not self._deposits.is_waiting(upload.key):
                stored, waits = self._deposits.put(upload.key, self._uploads.path(upload.id), sha256)
                self._uploads.deposited(upload.id, stored, waits=waits)
            info = {**info, **self._picture(upload)}
        return self._submitter.submit_stored(upload.key, title, info, ticket, request_hash)

    @contextmanager
    def _whole(self, upload_id: str, viewer: str | None) -> Iterator[tuple[Upload, Held | None]]:
        """An upload of which all bytes are here, and its file where it is on this disk."""
        try:
            with self._uploads.hold(upload_id, viewer, patience_s=PATIENCE_S) as held:
                self._collect(held)
                _refuse_unfinished(held.upload)
                yield held.upload, None if held.upload.stored else held
        except Stored:
            yield self._uploads.get(upload_id, viewer), None

    def _collect(self, held: Held) -> None:
        """Take over what was sent straight to the storage: what may be written again there counts for nothing later.

        Raises:
            Problem: nothing came yet, or of another length.
            StorageError: the storage is away.
        """
        upload, key = held.upload, f"{held.upload.id}/upload"
        if upload.kind != PRESIGNED or upload.ready:
            return
        storage = self._submitter.storage
        try:
            size = storage.size(key)
        except ObjectNotFound:
            return
        if size != upload.bytes_:
            storage.delete(key)
            raise Problem("conflict", f"{size} bytes came; announced were {upload.bytes_}; send it anew")
        self._submitter.spool.make_room(size)
        held.replace(Pieces(storage.read(key)))
        storage.delete(key)

    @staticmethod
    def _sha256(upload: Upload, held: Held | None) -> str:
        return held.sha256() if held is not None else str(upload.sha256)

    def _seen(self, upload: Upload, held: Held | None, options: Options) -> tuple[Upload, Mapping[str, Any]]:
        """What a clip is, to somebody with these options; a clip is looked at once for all who want the same of it."""
        known, key = dict(upload.info or {}), _asked(options)
        if key not in known:
            with self._file(upload, held) as path:
                seen = self._submitter.probe(path, options)
                known[key] = info_json(seen)
                if PICTURE not in known:
                    picture = self._submitter.picture_of(path, seen)
                    known[PICTURE] = self._submitter.keep_picture(upload.id, picture)
            upload = self._uploads.change(upload.id, info=known)
        return upload, known[key]

    @staticmethod
    def _picture(upload: Upload) -> Mapping[str, Any]:
        """Where the clip's picture is."""
        return dict((upload.info or {}).get(PICTURE) or {})

    @contextmanager
    def _file(self, upload: Upload, held: Held | None) -> Iterator[Path]:
        if held is not None:
            yield self._uploads.path(upload.id)
            return
        with self._submitter.spool.request() as folder:
            self._submitter.spool.make_room(upload.bytes_)
            self._submitter.storage.fetch(upload.key, folder / "source")
            yield folder / "source"


class Pieces:
    """Bytes that come in pieces of any size, as a stream is read."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces, self._rest = pieces, b""

    def read(self, size: int) -> bytes:
        """The next bytes, at most so many; none at the end."""
        self._rest = self._rest or next(self._pieces, b"")
        piece, self._rest = self._rest[:size], self._rest[size:]
        return piece


def _asked(options: Options) -> str:
    """What the options say of how a clip is looked at."""
    return f"{options.existing_sound.value} salvage={options.salvage} recut={options.recut}"


def _refuse_unfinished(upload: Upload) -> None:
    if upload.kind == PARTIAL:
        raise Conflict("this is one part of a concatenation; make a job of the whole")
    if not upload.ready:
        raise Problem("conflict", f"{upload.received} of {upload.bytes_} bytes of this upload are here")
