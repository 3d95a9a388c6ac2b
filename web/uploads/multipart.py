"""Reading an upload as it arrives: files go to the spool piece by piece, and reading stops at the first byte too many.

Flask's own ``request.files`` would take the whole body in before anybody could object to it. The splitting into
parts is werkzeug's; the limits and the files are ours.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, BinaryIO, Final

from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.http import parse_options_header
from werkzeug.sansio import multipart

from web.api.problems import Problem

CHUNK_BYTES: Final = 256 * 1024
MAX_FIELD_BYTES: Final = 64 * 1024
MAX_PARTS: Final = 400
_BUFFER_BYTES: Final = 4 * CHUNK_BYTES  # of a part whose headers never end


@dataclass(frozen=True)
class Upload:
    """One file that has arrived whole.

    Attributes:
        path: where it lies in the spool.
        filename: what the client calls it: text to show, never a path to use.
        bytes_: its length.
        sha256: of its content, in hex.
        field: the name of its part.
    """

    path: Path
    filename: str
    bytes_: int
    sha256: str
    field: str = "file"


@dataclass
class Form:
    """The parts of a body: fields by name (the last of a name counts) and files in order."""

    fields: dict[str, str] = field(default_factory=dict)
    uploads: list[Upload] = field(default_factory=list)


@dataclass(frozen=True)
class Bounds:
    """How much of a body is read."""

    file_bytes: int
    files: int


class _Arriving:
    """One file on its way into the spool."""

    def __init__(self, path: Path, filename: str, max_bytes: int, field: str) -> None:
        self.path, self.filename, self.max_bytes, self.field = path, filename, max_bytes, field
        self.handle: IO[bytes] = path.open("wb")
        self.bytes_ = 0
        self.digest = hashlib.sha256()

    def write(self, data: bytes) -> None:
        self.bytes_ += len(data)
        if self.bytes_ > self.max_bytes:
            raise too_large(self.max_bytes)
        self.handle.write(data)
        self.digest.update(data)

    def done(self) -> Upload:
        self.handle.close()
        return Upload(self.path, self.filename, self.bytes_, self.digest.hexdigest(), self.field)


class _Reader:
    """Turns the decoder's events into a :class:`Form`."""

    def __init__(self, folder: Path, bounds: Bounds, before_file: Callable[[Mapping[str, str]], None]) -> None:
        self.folder, self.bounds, self.before_file = folder, bounds, before_file
        self.form = Form()
        self.file: _Arriving | None = None
        self.name = ""
        self.value = bytearray()

    def take(self, event: multipart.Event) -> None:
        if isinstance(event, multipart.File):
            self._open(event.filename, str(event.name))
        elif isinstance(event, multipart.Field):
            self.name, self.value = str(event.name), bytearray()
        elif isinstance(event, multipart.Data):
            self._data(event.data, last=not event.more_data)

    def _open(self, filename: str, field: str) -> None:
        if len(self.form.uploads) >= self.bounds.files:
            raise Problem("bad-request", f"the request holds more than {self.bounds.files} file(s)")
        if not self.form.uploads:
            self.before_file(self.form.fields)
        self.file = _Arriving(self.folder / f"{len(self.form.uploads)}.upload", filename, self.bounds.file_bytes, field)

    def _data(self, data: bytes, *, last: bool) -> None:
        if self.file is not None:
            self.file.write(data)
            if last:
                upload, self.file = self.file.done(), None
                if upload.filename or upload.bytes_:  # a browser sends an unnamed, empty file where none was chosen
                    self.form.uploads.append(upload)
            return
        self.value += data
        if len(self.value) > MAX_FIELD_BYTES:
            raise Problem("too-large", f"the field {self.name!r} is longer than {MAX_FIELD_BYTES} bytes")
        if last:
            self.form.fields[self.name] = self.value.decode("utf-8", "replace")

    def close(self) -> None:
        if self.file is not None:
            self.file.handle.close()


def read_form(
    stream: BinaryIO | Any,
    content_type: str,
    folder: Path,
    bounds: Bounds,
    before_file: Callable[[Mapping[str, str]], None] = lambda fields: None,
) -> Form:
    """Read a multipart body, its files into ``folder``.

    Args:
        stream: the body.
        before_file: given the fields read so far before the first byte of a file is stored; may raise.

    Raises:
        Problem: the body is not multipart, not whole, or over a limit; nothing more of it is read then.
    """
    kind, parameters = parse_options_header(content_type)
    if kind != "multipart/form-data":
        raise Problem("unsupported-type", f"the body is {kind or 'of no stated kind'}; it must be multipart/form-data")
    if not parameters.get("boundary"):
        raise Problem("bad-request", "the multipart body names no boundary")
    decoder = multipart.MultipartDecoder(
        parameters["boundary"].encode("latin-1", "replace"), _BUFFER_BYTES, max_parts=MAX_PARTS
    )
    reader = _Reader(folder, bounds, before_file)
    try:
        _pump(stream, decoder, reader)
    except RequestEntityTooLarge as error:
        raise Problem("bad-request", f"the body has more than {MAX_PARTS} parts, or a part without end") from error
    except ValueError as error:
        raise Problem("bad-request", "the multipart body is broken or cut off") from error
    finally:
        reader.close()
    return reader.form


def _pump(stream: Any, decoder: multipart.MultipartDecoder, reader: _Reader) -> None:
    while True:
        chunk = stream.read(CHUNK_BYTES)
        decoder.receive_data(chunk or None)
        event = decoder.next_event()
        while not isinstance(event, multipart.Epilogue | multipart.NeedData):
            reader.take(event)
            event = decoder.next_event()
        if isinstance(event, multipart.Epilogue):
            return
        if not chunk:
            raise ValueError("the body ends before its last boundary")


def too_large(max_bytes: int) -> Problem:
    """The refusal of a body over the limit."""
    return Problem("too-large", f"the file is larger than {max_bytes} bytes, the most that is taken here")
