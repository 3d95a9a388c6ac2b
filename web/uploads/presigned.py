"""Addresses of this server that take one upload without a key: signed, for one length, for a quarter of an hour.

They stand in for those of an object storage, where files lie in a folder or browsers cannot reach the bucket.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from typing import Final

from flask import current_app, request

from workers.uploads.records import Upload

LIFE_S: Final = 15 * 60
ENDPOINT: Final = "direct.put"


def address(upload: Upload, root: str) -> str:
    """Where the bytes of an upload may be put until :data:`LIFE_S` from now.

    Args:
        root: of this server, as its callers reach it.
    """
    expires = int(time.time()) + LIFE_S
    return f"{root.rstrip('/')}/v1/uploads/{upload.id}/content?expires={expires}&signature={_sign(upload.id, expires)}"


def is_signed() -> bool:
    """Whether this request goes to such an address, and in time."""
    if request.endpoint != ENDPOINT or request.method != "PUT":
        return False
    expires, shown = request.args.get("expires", ""), request.args.get("signature", "")
    if not expires.isdecimal() or len(expires) > 12 or int(expires) < time.time():
        return False
    wanted = _sign(str((request.view_args or {}).get("upload_id")), int(expires))
    return shown.isascii() and hmac.compare_digest(wanted, shown)


def _sign(upload_id: str, expires: int) -> str:
    """Of method, upload and end; the length stands in the upload's row, which nobody can change."""
    said = f"PUT /v1/uploads/{upload_id}/content until {expires}"
    return hmac.new(str(current_app.secret_key).encode(), said.encode(), hashlib.sha256).hexdigest()
