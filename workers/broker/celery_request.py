"""A correction of Celery, for worker processes only: an acknowledgement that fails must not be swallowed."""

from __future__ import annotations

from typing import Any

from celery.worker.request import Request as CeleryRequest


class Request(CeleryRequest):  # type: ignore[misc, unused-ignore]
    """A message whose failed acknowledgement makes the worker connect anew.

    Celery 5.7 only logs a connection error here. The message's slot then counts as taken for good; and a worker with
    one slot asks for no more messages, notices no closed connection, and is deaf until it is started again.
    """

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._connection_errors = ()  # those to log; the others rise to the event loop, which connects anew
