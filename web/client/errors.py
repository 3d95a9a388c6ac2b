"""Errors of the API's clients: one class for each kind of problem that a program does something about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from synth.errors import SynthError

if TYPE_CHECKING:
    import httpx  # a tenth of a second of every command, were it loaded for the class of an error


class ClientError(SynthError):
    """The server refused a request.

    Attributes:
        status: of HTTP.
        code: the problem's code, such as ``media`` or ``not-found``; empty where the answer was no problem document.
        retry_after_s: when another try is worth it, where the server said so.
    """

    def __init__(self, detail: str, status: int, code: str, retry_after_s: float | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.retry_after_s = retry_after_s


class ClipRefused(ClientError):
    """The clip is no video that this server takes."""


class OptionRefused(ClientError):
    """An option is not allowed."""


class Missing(ClientError):
    """There is no such thing, or it is somebody else's; or it is there no longer."""


class InConflict(ClientError):
    """The request contradicts what is there already; reading it again shows how."""


class NotAllowed(ClientError):
    """The key is missing, unknown, or not good for this."""


class TooMuch(ClientError):
    """A queue, a quota, a rate or a disk is full; later is better."""


class Unreachable(SynthError):
    """The server does not answer."""


_BY_CODE: Final[dict[str, type[ClientError]]] = {
    "media": ClipRefused,
    "option": OptionRefused,
    "not-found": Missing,
    "gone": Missing,
    "conflict": InConflict,
    "idempotency": InConflict,
    "locked": InConflict,
    "unauthorized": NotAllowed,
    "forbidden": NotAllowed,
    "scope": NotAllowed,
    **dict.fromkeys(("queue-full", "quota", "quota-bytes", "too-many-uploads", "disk-full", "rate"), TooMuch),
}

# Answers to HEAD have no document.
_BY_STATUS: Final[dict[int, type[ClientError]]] = {
    401: NotAllowed,
    403: NotAllowed,
    404: Missing,
    409: InConflict,
    410: Missing,
    423: InConflict,
}


def refusal(answer: httpx.Response) -> ClientError:
    """The problem document of an answer as an error; its detail is one sentence already."""
    try:
        problem = answer.json()
        detail, code = str(problem["detail"]), str(problem["code"])
    except (ValueError, KeyError, TypeError):
        detail, code = f"the server answered {answer.status_code} {answer.reason_phrase}", ""
    if answer.status_code == 401 and "Authorization" not in answer.request.headers:
        detail += "; it is taken from SONORIZE_API_KEY, or from `key` of the Python client"
    wait = answer.headers.get("Retry-After", "")
    kind = _BY_CODE.get(code) or _BY_STATUS.get(answer.status_code, ClientError)
    return kind(detail, answer.status_code, code, float(wait) if wait.isdecimal() else None)
