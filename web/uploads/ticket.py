"""What one caller asks for, apart from the clip; a request is the same as another by its hash."""

from __future__ import annotations

import functools
import hashlib
import json
from dataclasses import dataclass
from typing import Any

from synth.options import Options


@dataclass(frozen=True)
class Ticket:
    """One caller's request to make a job.

    Attributes:
        owner: whose the job will be.
        options: checked.
        batch_id: the batch it belongs to.
        idempotency_key: a key under which the same request makes one job, however often it is sent.
        cancel_after_s: after how long it is cancelled unless it has ended.
        keep_days: its files are deleted after so many days; ``None``: as the owner or the settings say.
        custom_id: the client's own name for it, once in a batch.
        webhook_url: an allowed address that is to be told of the job's end.
    """

    owner: str
    options: Options
    batch_id: str | None = None
    idempotency_key: str | None = None
    cancel_after_s: float | None = None
    keep_days: float | None = None
    custom_id: str | None = None
    webhook_url: str | None = None

    @functools.cached_property
    def options_json(self) -> dict[str, Any]:
        """The options as JSON values, put together once; nobody changes them."""
        return self.options.as_dict()


def request_hash_of(sha256: str, ticket: Ticket) -> str:
    """Of all that is asked for: the same clip with the same options."""
    asked: dict[str, Any] = {"clip": sha256, "options": ticket.options_json}
    if ticket.cancel_after_s is not None:
        asked["cancel_after_s"] = ticket.cancel_after_s
    if ticket.keep_days is not None:
        asked["keep_days"] = ticket.keep_days
    if ticket.custom_id is not None:
        asked["custom_id"] = ticket.custom_id
    if ticket.webhook_url is not None:
        asked["webhook"] = ticket.webhook_url
    told = json.dumps(asked, sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()
