"""Where files lie: a folder of this machine, or a bucket that speaks S3. One protocol, one contract test for both.

Keys are ours, ``<job>/source`` or ``<job>/<attempt>/take0.mp4``; a client's file name never becomes one.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final, Protocol
from urllib.parse import parse_qs, quote, unquote, urlsplit

from workers.errors import ObjectNotFound, StorageError

if TYPE_CHECKING:
    from workers.settings import Settings

CHUNK_BYTES: Final = 256 * 1024
_PART: Final = r"[A-Za-z0-9][A-Za-z0-9._-]{0,126}"
_KEY: Final = re.compile(rf"{_PART}(/{_PART}){{0,7}}")
_ARRIVING: Final = ".arriving"  # no key begins with a dot


class Storage(Protocol):
    """Bytes under keys. Every method raises :class:`StorageError` when the storage cannot do its part."""

    def put(self, key: str, source: Path | BinaryIO, content_type: str) -> int:
        """Store a file or the rest of a stream under a key, whole or not at all, replacing; the number of bytes."""
        ...

    def fetch(self, key: str, target: Path) -> None:
        """Write what is stored to a local file. Raises ObjectNotFound."""
        ...

    def read(self, key: str, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """Bytes ``start`` to ``end`` (exclusive; ``None``: the last) in pieces. Raises ObjectNotFound at once."""
        ...

    def size(self, key: str) -> int:
        """Number of bytes stored under a key. Raises ObjectNotFound."""
        ...

    def delete(self, prefix: str) -> int:
        """Delete the key and everything below it as a folder; how many there were. Nothing there is no error."""
        ...

    def keys(self, prefix: str = "") -> Iterator[str]:
        """The key itself and all below it as a folder, in no set order; all keys for an empty prefix."""
        ...

    def url(self, key: str, *, expires_s: int, filename: str | None, content_type: str | None) -> str | None:
        """An address from which a browser may fetch for ``expires_s`` seconds; ``None``: serve it yourself."""
        ...

    def check(self) -> None:
        """Raise StorageError unless files can be stored and fetched now."""
        ...


def open_storage(url: str, *, access_key: str = "", secret_key: str = "") -> Storage:
    """The storage that a URL names.

    ``file:///folder``, or ``s3://bucket?endpoint=http://host:port&region=name&public=https://host``. Without
    ``endpoint`` it is Amazon's; ``public`` is the address under which browsers reach an endpoint of one's own, and
    without it they are served through the web process. Empty keys leave boto3 to find credentials by itself.

    Raises:
        StorageError: no such kind of storage, or a URL that lacks its folder or bucket.
    """
    parts = urlsplit(url)
    query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    if parts.scheme == "file" and parts.path:
        return LocalStorage(Path(unquote(parts.path)))
    if parts.scheme == "s3" and parts.netloc:
        return S3Storage(parts.netloc, access_key=access_key, secret_key=secret_key, **_s3_options(query))
    raise StorageError(f"storage is {parts.scheme or 'empty'}://...; allowed are file:///folder and s3://bucket")


def storage_of(settings: Settings) -> Storage:
    """The storage that the settings name. Raises StorageError as :func:`open_storage` does."""
    return open_storage(settings.storage_url, access_key=settings.s3_access_key, secret_key=settings.s3_secret_key)


def _s3_options(query: dict[str, str]) -> dict[str, str]:
    if unknown := sorted(set(query) - {"endpoint", "region", "public"}):
        raise StorageError(f"the storage's URL has {unknown[0]!r}; allowed are endpoint, region and public")
    return query


def _checked(key: str) -> str:
    if not _KEY.fullmatch(key):
        raise StorageError(f"{key!r} is no storage key")
    return key


def _below(key: str, prefix: str) -> bool:
    folder = prefix.rstrip("/")
    return not folder or key == folder or key.startswith(f"{folder}/")


class LocalStorage:
    """Files in a folder. A key's file appears by renaming, once its bytes are on the disk."""

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()

    def put(self, key: str, source: Path | BinaryIO, content_type: str) -> int:
        """See :class:`Storage`; the content type is not kept."""
        target = self.root / _checked(key)
        part = self.root / _ARRIVING / secrets.token_hex(8)
        with _local_errors("stored"):
            part.parent.mkdir(parents=True, exist_ok=True)
            try:
                with part.open("xb") as arriving:
                    if isinstance(source, Path):
                        with source.open("rb") as opened:
                            shutil.copyfileobj(opened, arriving, CHUNK_BYTES)
                    else:
                        shutil.copyfileobj(source, arriving, CHUNK_BYTES)
                    arriving.flush()
                    os.fsync(arriving.fileno())
                    size = arriving.tell()
                _move(part, target)
            finally:
                part.unlink(missing_ok=True)
        return size

    def fetch(self, key: str, target: Path) -> None:
        """See :class:`Storage`."""
        with _local_errors("fetched"):
            shutil.copyfile(self._existing(key), target)

    def read(self, key: str, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """See :class:`Storage`."""
        return self._pieces(self._existing(key), start, end)

    def size(self, key: str) -> int:
        """See :class:`Storage`."""
        with _local_errors("found"):
            return self._existing(key).stat().st_size

    def delete(self, prefix: str) -> int:
        """See :class:`Storage`."""
        found = list(self.keys(_checked(prefix.rstrip("/"))))
        with _local_errors("deleted"):
            for key in found:
                (self.root / key).unlink(missing_ok=True)
            folder = self.root / prefix.rstrip("/")
            if folder.is_dir():
                shutil.rmtree(folder, ignore_errors=True)
        return len(found)

    def keys(self, prefix: str = "") -> Iterator[str]:
        """See :class:`Storage`."""
        start = self.root / (_checked(prefix.rstrip("/")) if prefix.strip("/") else "")
        if start.is_file():
            yield prefix.rstrip("/")
            return
        with _local_errors("listed"):
            for folder, folders, files in os.walk(start):
                folders[:] = sorted(name for name in folders if name != _ARRIVING)
                yield from sorted((Path(folder) / name).relative_to(self.root).as_posix() for name in files)

    def url(self, key: str, *, expires_s: int, filename: str | None, content_type: str | None) -> str | None:
        """``None``: only the web process sees the folder."""
        return None

    def check(self) -> None:
        """See :class:`Storage`."""
        probe = f"check-{secrets.token_hex(8)}"
        folder = self.root / _ARRIVING
        with _local_errors("stored"):
            folder.mkdir(parents=True, exist_ok=True)
            (folder / probe).write_bytes(b"\0")
            (folder / probe).unlink()

    def _existing(self, key: str) -> Path:
        path = self.root / _checked(key)
        if not path.is_file():
            raise ObjectNotFound(f"nothing is stored as {key}")
        return path

    @staticmethod
    def _pieces(path: Path, start: int, end: int | None) -> Iterator[bytes]:
        with _local_errors("read"), path.open("rb") as opened:
            opened.seek(start)
            left = (end if end is not None else path.stat().st_size) - start
            while left > 0 and (piece := opened.read(min(CHUNK_BYTES, left))):
                left -= len(piece)
                yield piece


def _move(part: Path, target: Path) -> None:
    """Rename, and make the name as durable as the bytes. A folder that a deletion takes meanwhile is made again."""
    for last in (False, True):
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            part.replace(target)
            break
        except FileNotFoundError:
            if last:
                raise
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


@contextmanager
def _local_errors(what: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StorageError(f"a file cannot be {what}: {error.strerror or 'the storage folder fails'}") from error


class S3Storage:
    """A bucket, through boto3. Works with servers that know only the core of S3."""

    def __init__(
        self,
        bucket: str,
        *,
        endpoint: str | None = None,
        region: str = "us-east-1",
        public: str | None = None,
        access_key: str = "",
        secret_key: str = "",
    ) -> None:
        self.bucket = bucket
        self._given = {
            "aws_access_key_id": access_key or None,
            "aws_secret_access_key": secret_key or None,
            "region_name": region,
        }
        self._client = _client(endpoint, self._given)
        self._signer = _client(public, self._given) if public else (None if endpoint else self._client)

    def put(self, key: str, source: Path | BinaryIO, content_type: str) -> int:
        """See :class:`Storage`. Large files go in parts; the object appears when the last one is there."""
        how = {"Bucket": self.bucket, "Key": _checked(key), "ExtraArgs": {"ContentType": content_type}}
        with self._errors(key):
            if isinstance(source, Path):
                self._client.upload_file(Filename=str(source), Config=_transfer(), **how)
            else:
                stream = source if source.seekable() else _Filling(source)
                self._client.upload_fileobj(Fileobj=stream, Config=_transfer(), **how)
        return self.size(key)

    def fetch(self, key: str, target: Path) -> None:
        """See :class:`Storage`."""
        with self._errors(key):
            self._client.download_file(self.bucket, _checked(key), str(target), Config=_transfer())

    def read(self, key: str, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """See :class:`Storage`."""
        size = self.size(key)
        end = size if end is None else min(end, size)
        if start >= end:
            return iter(())
        with self._errors(key):
            found = self._client.get_object(Bucket=self.bucket, Key=key, Range=f"bytes={start}-{end - 1}")
        return self._pieces(key, found["Body"])

    def size(self, key: str) -> int:
        """See :class:`Storage`."""
        with self._errors(key):
            return int(self._client.head_object(Bucket=self.bucket, Key=_checked(key))["ContentLength"])

    def delete(self, prefix: str) -> int:
        """See :class:`Storage`."""
        found = list(self.keys(_checked(prefix.rstrip("/"))))
        with self._errors(prefix):
            for key in found:
                self._client.delete_object(Bucket=self.bucket, Key=key)
        return len(found)

    def keys(self, prefix: str = "") -> Iterator[str]:
        """See :class:`Storage`."""
        folder = prefix.rstrip("/")
        with self._errors(prefix):
            for page in self._client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=folder):
                yield from (item["Key"] for item in page.get("Contents", ()) if _below(item["Key"], folder))

    def url(self, key: str, *, expires_s: int, filename: str | None, content_type: str | None) -> str | None:
        """A presigned address, where browsers can reach the bucket."""
        if self._signer is None:
            return None
        asked = {"Bucket": self.bucket, "Key": _checked(key)}
        if filename is not None:
            asked["ResponseContentDisposition"] = f"attachment; filename*=UTF-8''{quote(filename, safe='')}"
        if content_type is not None:
            asked["ResponseContentType"] = content_type
        return str(self._signer.generate_presigned_url("get_object", Params=asked, ExpiresIn=expires_s))

    def check(self) -> None:
        """See :class:`Storage`."""
        with self._errors(self.bucket):
            self._client.head_bucket(Bucket=self.bucket)

    def _pieces(self, key: str, body: Any) -> Iterator[bytes]:
        with self._errors(key):
            try:
                yield from body.iter_chunks(CHUNK_BYTES)
            finally:
                body.close()

    @contextmanager
    def _errors(self, key: str) -> Iterator[None]:
        from boto3.exceptions import Boto3Error
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            yield
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", ""))
            if code in ("404", "NoSuchKey", "NotFound") and key != self.bucket:
                raise ObjectNotFound(f"nothing is stored as {key}") from error
            raise StorageError(f"the object storage refused ({code or 'no reason given'})") from error
        except (BotoCoreError, Boto3Error, OSError) as error:
            raise StorageError("the object storage cannot be reached") from error


class _Filling:
    """A stream whose reads are short at its end only: boto3 takes any other short read for the end."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def read(self, size: int = -1) -> bytes:
        if size < 0:
            return self._stream.read()
        data = bytearray()
        while len(data) < size and (piece := self._stream.read(size - len(data))):
            data += piece
        return bytes(data)


def _client(endpoint: str | None, given: dict[str, str | None]) -> Any:
    import boto3  # a third of a second, which a local folder need not pay
    from botocore.config import Config

    config = Config(
        signature_version="s3v4",
        s3={"addressing_style": "path"},
        # Newer defaults add checksums that other servers than Amazon's do not know.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        connect_timeout=3,
        read_timeout=20,
        retries={"max_attempts": 3, "mode": "standard"},
    )
    return boto3.session.Session().client("s3", endpoint_url=endpoint, config=config, **given)


def _transfer() -> Any:
    from boto3.s3.transfer import TransferConfig

    return TransferConfig(multipart_threshold=32 * 1024**2, multipart_chunksize=16 * 1024**2, max_concurrency=4)
