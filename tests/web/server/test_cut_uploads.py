"""What a connection that breaks off leaves behind."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from waitress.adjustments import Adjustments
from waitress.parser import HTTPRequestParser

from web.server.cut_uploads import cut_piece


@pytest.mark.parametrize("target", ["/v1/jobs", "/v1/uploads/one"])
def test_a_body_that_is_not_kept_is_closed(target: str) -> None:
    request = HTTPRequestParser(Adjustments(inbuf_overflow=10))
    request.received(f"POST {target} HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n".encode())
    request.received(b"x" * 100)
    file = request.body_rcv.getbuf().getfile()
    assert not file.closed
    channel = SimpleNamespace(request=request)
    assert cut_piece(channel) is None
    assert file.closed
    assert cut_piece(channel) is None
