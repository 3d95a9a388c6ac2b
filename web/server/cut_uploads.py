"""What had arrived of an upload's piece when its connection broke.

waitress hands a request to the app once its body is whole, and forgets one that breaks off. tus promises that as much
as possible is kept, so such a piece is handed on as if it ended there; nobody is left to hear the answer.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, Final

from waitress.task import WSGITask

from web.uploads.tus import PIECE_TYPE

PREFIX: Final = "/v1/uploads/"
_log = logging.getLogger(__name__)


class CutPiece:
    """A task for one of waitress's threads.

    Args:
        channel: the connection that broke.
        request: what had arrived of its request.
    """

    def __init__(self, channel: Any, request: Any) -> None:
        self._application, self._request = channel.server.application, request
        request.headers["CONTENT_LENGTH"] = str(len(request.body_rcv))
        self._environ = WSGITask(channel, request).get_environment()

    def service(self) -> None:
        """Give the app what is there."""

        def start(status: str, headers: list[tuple[str, str]], exc_info: object = None) -> Callable[[bytes], object]:
            _log.info("a piece of %s broke off: %s", self._request.path, status)
            return lambda data: None

        answer: Any = self._application(self._environ, start)
        try:
            for _ in answer:
                pass
        finally:
            if hasattr(answer, "close"):
                answer.close()
            self._request.close()

    def cancel(self) -> None:
        """Nobody has the time any more."""
        self._request.close()


def cut_piece(channel: Any) -> CutPiece | None:
    """What is to be kept of the request that a connection is in the middle of, once."""
    request, channel.request = channel.request, None
    if request is None:
        return None
    if (
        not request.headers_finished
        or request.completed
        or request.error
        or request.body_rcv is None
        or len(request.body_rcv) == 0
        or not request.path.startswith(PREFIX)
        or not (request.command == "PATCH" or request.headers.get("X_HTTP_METHOD_OVERRIDE") == "PATCH")
        or request.headers.get("CONTENT_TYPE") != PIECE_TYPE
        or "UPLOAD_CHECKSUM" in request.headers  # counts whole or not at all
    ):
        request.close()  # its body may lie in a file
        return None
    return CutPiece(channel, request)
