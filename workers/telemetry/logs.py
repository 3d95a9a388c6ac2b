"""Log lines: text for people, or one JSON object a line with the ids of the request and the job that it is about."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any, Final, TextIO

from workers.telemetry import context

TEXT: Final = "%(asctime)s %(levelname)s %(name)s: %(message)s"


class JsonFormatter(logging.Formatter):
    """One object a line: ``time``, ``level``, ``logger``, ``message``, and what is known of request and job.

    What a caller gives as ``extra={"fields": {...}}`` stands in it too.
    """

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        told: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            "process": record.process,
            "request_id": context.request_id(),
            "job_id": context.job_id(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            told["exception"] = self.formatException(record.exc_info)
        return json.dumps({name: value for name, value in told.items() if value is not None}, default=str)


class _Ours(logging.StreamHandler[TextIO]):
    """The handler of :func:`set_up`, known again when it is called a second time."""


def set_up(log_format: str, level: int, text_format: str = TEXT) -> None:
    """Write this process's log to stderr from now on; handlers of others stay.

    Args:
        log_format: ``text`` or ``json``.
        text_format: of :mod:`logging`, for text.
    """
    root = logging.getLogger()
    for handler in [one for one in root.handlers if isinstance(one, _Ours)]:
        root.removeHandler(handler)
    made = _Ours(sys.stderr)
    made.setFormatter(JsonFormatter() if log_format == "json" else logging.Formatter(text_format))
    root.addHandler(made)
    root.setLevel(level)
    logging.captureWarnings(True)
    for chatty in ("alembic", "botocore", "boto3", "s3transfer", "urllib3", "httpx", "waitress.queue"):
        logging.getLogger(chatty).setLevel(max(level, logging.WARNING))
