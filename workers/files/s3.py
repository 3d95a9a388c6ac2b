"""Files in a bucket, through boto3. Works with servers that know only the core of S3."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Final
from urllib.parse import quote

import boto3
from boto3.exceptions import Boto3Error
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from workers.errors import ObjectNotFound, StorageAway, StorageError
from workers.files.keys import CHUNK_BYTES, Address, Stored, checked_key
from workers.telemetry.counters import UNWRITTEN
from workers.telemetry.families import STORAGE_ERRORS

_BUSY: Final = frozenset(("SlowDown", "RequestTimeout", "RequestTimeTooSkewed", "ServiceUnavailable", "InternalError"))


class S3Storage:
    """See :class:`workers.files.storage.Storage`.

    Args:
        endpoint: the server, where it is not Amazon's.
        public: its address as browsers reach it; without one they are served through the web process.
        access_key: empty leaves boto3 to find credentials by itself.
    """

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

    def put(self, key: str, source: Path | BinaryIO, content_type: str, *, known: Stored | None = None) -> Stored:
        """See :class:`Storage`; what is known is reckoned again from what is sent.

        Large files go in parts; the object appears when the last one is there.
        """
        how = {"Bucket": self.bucket, "Key": checked_key(key), "ExtraArgs": {"ContentType": content_type}}
        with self._errors(key):
            if isinstance(source, Path):
                with source.open("rb") as opened:
                    digest = hashlib.file_digest(opened, "sha256").hexdigest()
                self._client.upload_file(Filename=str(source), Config=_transfer(), **how)
            else:
                stream = _Hashing(source)
                self._client.upload_fileobj(Fileobj=stream, Config=_transfer(), **how)
                digest = stream.digest.hexdigest()
        return Stored(self.size(key), digest)

    def fetch(self, key: str, target: Path) -> None:
        """See :class:`Storage`."""
        with self._errors(key):
            self._client.download_file(self.bucket, checked_key(key), str(target), Config=_transfer())

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
            return int(self._client.head_object(Bucket=self.bucket, Key=checked_key(key))["ContentLength"])

    def delete(self, prefix: str) -> int:
        """See :class:`Storage`."""
        found = list(self.keys(checked_key(prefix.rstrip("/"))))
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
        parameters = {"Bucket": self.bucket, "Key": checked_key(key)}
        if filename is not None:
            parameters["ResponseContentDisposition"] = f"attachment; filename*=UTF-8''{quote(filename, safe='')}"
        if content_type is not None:
            parameters["ResponseContentType"] = content_type
        return str(self._signer.generate_presigned_url("get_object", Params=parameters, ExpiresIn=expires_s))

    def upload_address(self, key: str, bytes_: int, *, method: str, expires_s: int) -> Address | None:
        """See :class:`Storage`: a POST policy with the length as its range, or a PUT that signs Content-Length."""
        if self._signer is None:
            return None
        where = {"Bucket": self.bucket, "Key": checked_key(key)}
        if method == "POST":
            conditions = [["content-length-range", bytes_, bytes_]]
            form = self._signer.generate_presigned_post(**where, Conditions=conditions, ExpiresIn=expires_s)
            return Address("POST", str(form["url"]), dict(form["fields"]), {})
        url = self._signer.generate_presigned_url(
            "put_object", Params={**where, "ContentLength": bytes_}, ExpiresIn=expires_s
        )
        return Address("PUT", str(url), {}, {"Content-Length": str(bytes_)})

    def remove_unfinished(self, older_than_s: float) -> int:
        """See :class:`Storage`: large uploads whose last part never came, of which no listing of keys tells."""
        removed = 0
        with self._errors(self.bucket):
            for page in self._client.get_paginator("list_multipart_uploads").paginate(Bucket=self.bucket):
                for upload in page.get("Uploads", ()):
                    if time.time() - upload["Initiated"].timestamp() >= older_than_s:
                        which = {"Key": upload["Key"], "UploadId": upload["UploadId"]}
                        self._client.abort_multipart_upload(Bucket=self.bucket, **which)
                        removed += 1
        return removed

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
        try:
            yield
        except ClientError as error:
            raise self._refusal(error, key) from error
        except Boto3Error as error:  # an upload's says in words only what went wrong
            if isinstance(error.__context__, ClientError):
                raise self._refusal(error.__context__, key) from error
            raise _away() from error
        except (BotoCoreError, OSError) as error:
            raise _away() from error

    def _refusal(self, error: ClientError, key: str) -> StorageError:
        code = str(error.response.get("Error", {}).get("Code", ""))
        status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        if code in ("404", "NoSuchKey", "NotFound") and key != self.bucket:
            return ObjectNotFound(f"nothing is stored as {key}")
        UNWRITTEN.add(STORAGE_ERRORS.one(code or "refused"))
        if status >= 500 or code in _BUSY:
            return StorageAway(f"the object storage is too busy, or broken ({code or status})")
        return StorageError(f"the object storage refused ({code or 'no reason given'})")


def _away() -> StorageAway:
    UNWRITTEN.add(STORAGE_ERRORS.one("unreachable"))
    return StorageAway("the object storage cannot be reached")


def _below(key: str, prefix: str) -> bool:
    folder = prefix.rstrip("/")
    return not folder or key == folder or key.startswith(f"{folder}/")


class _Hashing:
    """A stream that is hashed while it is read, and whose reads are short at its end only: boto3 takes any other short
    read for the end. It cannot be rewound, so that boto3 reads each byte once.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.digest = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        data = bytearray()
        while (size < 0 or len(data) < size) and (piece := self._stream.read(size - len(data) if size >= 0 else -1)):
            data += piece
        self.digest.update(data)
        return bytes(data)


def _client(endpoint: str | None, given: dict[str, str | None]) -> Any:
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
    return TransferConfig(multipart_threshold=32 * 1024**2, multipart_chunksize=16 * 1024**2, max_concurrency=4)
