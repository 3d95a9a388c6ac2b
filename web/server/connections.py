"""Who may hold the server's connections: a share for each address, and an end for those who are too slow.

waitress stops accepting once it has as many connections as it may have, and then answers nobody new: a few thousand
that are opened and left idle, by one address, silence it. Here a new connection is always taken. Where its address, or
the whole server, has as many as it may have, the one that was idle longest is closed for it. What is being answered is
left alone.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, Final

from waitress.server import TcpWSGIServer

HEAD_S: Final = 20.0
"""A request's head must be there so long after its connection was opened, or its first byte came."""
BODY_GRACE_S: Final = 30.0
LEAST_BYTES_PER_S: Final = 500.0
"""A body that comes slower than that, on the whole and after its grace, is cut off."""
ACCEPT_AT_ONCE: Final = 64
LOOK_EVERY_S: Final = 5
_log = logging.getLogger(__name__)


class Server(TcpWSGIServer):  # type: ignore[misc]
    """waitress's server with these rules. All of it runs in the thread of its loop.

    Attributes:
        most: connections at once.
        most_of_one: connections of one address.
        is_shared: whether an address stands for many people, as that of a trusted proxy does.
        cut: how many connections were ended so far: ``crowded`` (for a new one), ``slow``.
    """

    most: int
    most_of_one: int
    is_shared: Callable[[str], bool]
    cut: Counter[str]
    next_channel_cleanup: float = 0.0

    def handle_accept(self) -> None:
        """Take what waits to be taken; one at a time would let a crowd keep others waiting."""
        for _ in range(ACCEPT_AT_ONCE):
            before = len(self.active_channels)
            super().handle_accept()
            if len(self.active_channels) == before:
                return
            self._make_room(next(reversed(self.active_channels.values())))

    def readable(self) -> bool:
        """Always ready to take a connection, unlike waitress's own; room is made for it."""
        now = time.time()
        if now >= self.next_channel_cleanup:
            self.next_channel_cleanup = now + LOOK_EVERY_S
            self.maintenance(now)
        return bool(self.accepting)

    def maintenance(self, now: float) -> None:
        """End what has been idle for too long, and who is too slow."""
        super().maintenance(now)
        for channel in list(self.active_channels.values()):
            if not channel.requests and is_slow(channel, now):
                self._end(channel, "slow")

    def _make_room(self, newest: Any) -> None:
        address = newest.addr[0]
        theirs = [one for one in self.active_channels.values() if one.addr[0] == address]
        if len(theirs) > self.most_of_one and not self.is_shared(address):
            self._end(longest_idle(theirs, newest), "crowded")
        elif len(self.active_channels) > self.most:
            self._end(longest_idle(self.active_channels.values(), newest), "crowded")

    def _end(self, channel: Any, why: str) -> None:
        self.cut[why] += 1
        if self.cut[why] == 1:
            _log.warning("a connection of %s was ended: %s; further ones are only counted", channel.addr[0], why)
        channel.handle_close()


def longest_idle(channels: Iterable[Any], newest: Any) -> Any:
    """The connection that nobody works for and on which nothing came for longest; the newest if there is none."""
    idle = [one for one in channels if not one.requests and not one.total_outbufs_len and one is not newest]
    return min(idle, key=lambda one: one.last_activity, default=newest)


def is_slow(channel: Any, now: float) -> bool:
    """Whether a request comes so slowly that its connection is ended.

    Args:
        now: seconds since 1970.
    """
    request = channel.request
    if request is None:
        return not channel.answered and now - channel.creation_time > HEAD_S
    if not request.headers_finished:
        return bool(now - request.began_at > HEAD_S)
    spent_s = now - request.began_at
    arrived = 0 if request.body_rcv is None else len(request.body_rcv)
    return bool(spent_s > BODY_GRACE_S and arrived < LEAST_BYTES_PER_S * (spent_s - BODY_GRACE_S))
