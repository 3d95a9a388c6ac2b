"""The addresses that settings hold, looked at before anything starts: one plain sentence for each slip.

A sentence never repeats any part of an address but its scheme: what stands in the wrong place may be a password.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import SplitResult, parse_qs, urlsplit

BROKERS: Final = ("redis", "rediss", "redis+socket")
DATABASES: Final = ("sqlite", "postgresql", "postgres", "postgresql+psycopg")
STORAGES: Final = ("file", "s3")
_SCHEME: Final = re.compile(r"[a-z][a-z0-9+.-]*")
_WITH_PASSWORDS: Final = ("redis", "rediss", "postgresql", "postgres", "postgresql+psycopg")
_SOCKET_OPTIONS: Final = ("virtual_host",)
_S3_OPTIONS: Final = ("endpoint", "region", "public")
_UNQUOTED: Final = (
    "the password holds a character that ends it early; "
    "write / as %2F, ? as %3F, # as %23, @ as %40, : as %3A and % as %25"
)


def check_broker(url: str) -> None:
    """Raise ValueError unless a broker's address is ``redis[s]://[[USER]:PASSWORD@]HOST[:PORT][/NUMBER]`` or that of a
    socket, ``redis+socket:///PATH``.
    """
    parts = _split(url, BROKERS, "redis://:PASSWORD@HOST:PORT/0")
    if parts.scheme == "redis+socket":
        if len(parts.path) < 2 or parts.hostname:
            raise ValueError("after redis+socket:// comes the socket's path, which begins with /")
        _check_options(parts, _SOCKET_OPTIONS)
        database = query_of(parts).get("virtual_host", "")
    else:
        _check_host(parts)
        database = parts.path.strip("/")
    if database and not (database.isascii() and database.isdecimal()):
        raise ValueError("the database at the end must be a number, such as /0")


def check_database(url: str) -> None:
    """Raise ValueError unless an address is ``sqlite:///FILE`` or ``postgresql://[USER[:PASSWORD]@]HOST[:PORT]/NAME``.

    PostgreSQL's socket may stand in ``?host=FOLDER`` instead.
    """
    parts = _split(url, DATABASES, "sqlite:///FILE and postgresql://USER:PASSWORD@HOST/NAME")
    if parts.scheme == "sqlite":
        if parts.netloc or len(parts.path) < 2:
            raise ValueError("after sqlite:// comes a third / and the file's path")
        return
    if "host" not in query_of(parts):
        _check_host(parts)
    if len(parts.path) < 2:
        raise ValueError("the database's name is missing at the end, after a /")


def check_storage(url: str) -> None:
    """Raise ValueError unless an address is ``file:///FOLDER`` or ``s3://BUCKET[?endpoint=URL&region=NAME&public=URL]``."""
    parts = _split(url, STORAGES, "file:///FOLDER and s3://BUCKET?endpoint=URL")
    if parts.scheme == "file":
        if parts.netloc or len(parts.path) < 2:
            raise ValueError("after file:// comes a third / and the folder's path")
        return
    if "@" in parts.netloc:
        raise ValueError(
            "the keys to S3 stand in SONORIZE_S3_ACCESS_KEY and SONORIZE_S3_SECRET_KEY, not in the address"
        )
    if not parts.netloc or parts.path.strip("/"):
        raise ValueError("after s3:// comes the name of a bucket, and nothing below it")
    _check_options(parts, _S3_OPTIONS)
    for name in ("endpoint", "public"):
        address = query_of(parts).get(name)
        if address is not None:
            _check_host(_split(address, ("http", "https"), f"http://HOST:PORT as {name}"))


CHECKS: Final[Mapping[str, Callable[[str], None]]] = {
    "broker_url": check_broker,
    "database_url": check_database,
    "storage_url": check_storage,
}
"""Setting -> what holds its address to the form that is documented."""


def _split(url: str, schemes: tuple[str, ...], form: str) -> SplitResult:
    if not url.isprintable():
        raise ValueError("it holds a line break or another character that cannot be seen")
    scheme, colon, rest = url.partition("://")
    if not colon or not _SCHEME.fullmatch(scheme):
        raise ValueError(f"it is no address; allowed is {form}")
    if scheme not in schemes:
        raise ValueError(f"it begins with {scheme}://; allowed is {form}")
    before_the_path = re.split("[/?#]", rest, maxsplit=1)[0]
    if scheme in _WITH_PASSWORDS and "@" in rest and "@" not in before_the_path:
        raise ValueError(_UNQUOTED)
    if scheme in DATABASES and before_the_path.count("@") > 1:
        raise ValueError(_UNQUOTED)
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise ValueError("it holds a [ or ] that is not around an IPv6 address; write them as %5B and %5D") from error
    try:
        _ = parts.port
    except ValueError as error:
        raise ValueError("the port must be a number up to 65535, after the host and a colon") from error
    return parts


def _check_host(parts: SplitResult) -> None:
    if not parts.hostname:
        raise ValueError("the host is missing")
    if " " in parts.netloc:
        raise ValueError("it holds a space before the path")
    if parts.port == 0:
        raise ValueError("the port must be a number from 1 to 65535")


def _check_options(parts: SplitResult, allowed: tuple[str, ...]) -> None:
    if set(query_of(parts)) - set(allowed) or parts.fragment:
        raise ValueError(f"what follows the ? is not understood; allowed are {', '.join(allowed)}")


def query_of(parts: SplitResult) -> dict[str, str]:
    """What follows the ``?`` of an address."""
    return {name: values[-1] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
