"""One POST to somebody else's server, which may be slow, endless, hostile or somewhere that it should not be.

Written out on :mod:`h11` and a socket: no redirect is followed, no proxy and no cookie is used, the address is looked
up once and the connection goes there, and one clock bounds all of it, from the look-up to the last byte.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import h11

from workers.webhooks.addresses import Policy, Refused, Target, allowed_of, target_of

TOTAL_S: Final = 15.0
CONNECT_S: Final = 5.0
BODY_BYTES: Final = 64 * 1024  # of an answer are read at most
KEPT_CHARS: Final = 500  # and of these are kept
_PIECE: Final = 16 * 1024

Resolve = Callable[[str, int], Sequence[str]]
"""Host and port -> the addresses that the name has. Raises OSError where it has none."""


@dataclass(frozen=True)
class Answer:
    """What came of one try.

    Attributes:
        status: HTTP's; ``None`` where none came.
        error: one sentence, where it did not go well.
        seconds: that it took.
        body: the beginning of the answer's, as text.
        retry_after_s: what the receiver asks for.
        refused: nothing was sent, because the address may not be asked.
    """

    status: int | None = None
    error: str | None = None
    seconds: float = 0.0
    body: str = ""
    retry_after_s: float | None = None
    refused: bool = False

    @property
    def good(self) -> bool:
        """Whether it arrived."""
        return self.status is not None and 200 <= self.status < 300


def resolve(host: str, port: int) -> Sequence[str]:
    """The addresses of a name, by this machine's own resolver."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


@dataclass(frozen=True)
class Transport:
    """How it is sent.

    Attributes:
        tls: whose certificates are believed.
        total_s: for all of it.
    """

    policy: Policy
    tls: ssl.SSLContext
    resolve: Resolve = resolve
    total_s: float = TOTAL_S

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Send it; never raises for what the other side does."""
        began = time.monotonic()
        try:
            async with asyncio.timeout(self.total_s):
                answer = await self._post(target_of(url, self.policy), headers, body)
        except Refused as error:
            return Answer(error=f"refused: {error}", refused=True)
        except TimeoutError:
            answer = Answer(error=f"no whole answer came within {self.total_s:g} s")
        except ssl.SSLCertVerificationError as error:
            answer = Answer(error=f"the certificate is not believed: {error.verify_message or 'it is not valid'}")
        except ssl.SSLError as error:
            answer = Answer(error=f"no TLS connection came about ({error.reason or type(error).__name__})")
        except socket.gaierror:
            answer = Answer(error="the url's host is not known")
        except h11.RemoteProtocolError:
            answer = Answer(error="what came back is no HTTP")
        except ValueError:  # a resolver or TLS does not take the name; that is no OSError
            answer = Answer(error="the url's host cannot be looked up")
        except OSError as error:
            answer = Answer(error=f"the connection failed: {error.strerror or type(error).__name__}")
        return Answer(**{**vars(answer), "seconds": round(time.monotonic() - began, 3)})

    async def _post(self, target: Target, headers: Mapping[str, str], body: bytes) -> Answer:
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(None, self.resolve, target.host, target.port)
        reader, writer = await self._connect(target, allowed_of(found, self.policy))
        try:
            connection = h11.Connection(h11.CLIENT)
            given = {"Host": target.authority, "Content-Length": str(len(body)), "Connection": "close", **headers}
            request = h11.Request(method="POST", target=target.path, headers=list(given.items()))
            for event in (request, h11.Data(data=body), h11.EndOfMessage()):
                writer.write(connection.send(event) or b"")
            await writer.drain()
            return await _answer(connection, reader)
        finally:
            writer.close()

    async def _connect(
        self, target: Target, addresses: Sequence[str]
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """To the first of the addresses that answers; none but these is ever asked."""
        tls = {"ssl": self.tls, "server_hostname": target.host} if target.secure else {}
        for number, address in enumerate(addresses, 1):
            try:
                async with asyncio.timeout(CONNECT_S):
                    return await asyncio.open_connection(address, target.port, limit=_PIECE, **tls)  # type: ignore[arg-type]
            except (OSError, TimeoutError):
                if number == len(addresses):
                    raise
        raise OSError("no address")  # not reached: allowed_of gives one at least


async def _answer(connection: h11.Connection, reader: asyncio.StreamReader) -> Answer:
    status, read, after = 0, b"", None
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            connection.receive_data(await reader.read(_PIECE))
        elif isinstance(event, h11.Response):
            status = event.status_code
            after = dict(event.headers).get(b"retry-after")
        elif isinstance(event, h11.Data):
            read += bytes(event.data)
            if len(read) > BODY_BYTES:
                break
        elif isinstance(event, (h11.EndOfMessage, h11.ConnectionClosed)):
            break
    if not status:
        raise h11.RemoteProtocolError("no response")
    text = "".join(char for char in read.decode("utf-8", "replace")[:KEPT_CHARS] if char.isprintable() or char == "\n")
    seconds = float(after) if after is not None and after.isdigit() and len(after) < 7 else None
    return Answer(status, _complaint(status), body=text, retry_after_s=seconds)


def _complaint(status: int) -> str | None:
    if 200 <= status < 300:
        return None
    if 300 <= status < 400:
        return f"the answer was {status}, a redirect, which is not followed"
    return f"the answer was {status}"
