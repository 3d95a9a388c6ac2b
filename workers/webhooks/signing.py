"""Signatures of Standard Webhooks (https://www.standardwebhooks.com), version 1: HMAC-SHA256 of id, time and body."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from typing import Final

PREFIX: Final = "whsec_"
SECRET_BYTES: Final = 32


def new_secret() -> str:
    """A secret, as the standard writes it."""
    return PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def headers(message_id: str, sent_at: int, body: bytes, keys: Sequence[str]) -> dict[str, str]:
    """The headers of one try.

    Args:
        message_id: the same for every try of one event, by which receivers know a duplicate.
        sent_at: seconds since 1970; receivers refuse what is minutes old.
        keys: secrets; each signs, so that a receiver that knows only one of them is content.
    """
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(sent_at),
        "webhook-signature": " ".join(signature(message_id, sent_at, body, key) for key in keys),
    }


def signature(message_id: str, sent_at: int, body: bytes, key: str) -> str:
    """One signature with its version."""
    signed = f"{message_id}.{sent_at}.".encode() + body
    digest = hmac.new(base64.b64decode(key.removeprefix(PREFIX)), signed, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"
