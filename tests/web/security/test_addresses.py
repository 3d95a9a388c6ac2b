"""Names that the server goes by, and addresses that proxies tell."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from synth.errors import OptionError
from tests.support.web_place import place, problem
from web.security.addresses import TrustedProxies, belongs, parsed_networks

KEYS = f"ann:{hashlib.sha256(b'key').hexdigest()}"
BEARER = {"Authorization": "Bearer key"}


def test_only_its_own_names_are_answered(tmp_path: Path) -> None:
    with place(tmp_path / "data", api_keys=KEYS, trusted_hosts="sound.example.org, .inside.example") as here:
        for host in ("sound.example.org", "sound.example.org:8080", "a.b.inside.example", "inside.example"):
            assert here.client.get("/v1/me", headers={**BEARER, "Host": host}).status_code == 200
        for host in ("evil.example", "sound.example.org.evil.example", "192.0.2.1", ""):
            told = problem(here.client.get("/v1/me", headers={**BEARER, "Host": host}), 400, "bad-request")
            assert told["detail"] == f"this server does not go by the name {host!r}"
            assert here.client.get("/livez", headers={"Host": host}).status_code == 200
        assert here.client.get("/login", headers={"Host": "evil.example", "Accept": "text/html"}).status_code == 400
    with place(tmp_path / "all", api_keys=KEYS) as here:
        assert here.client.get("/v1/me", headers={**BEARER, "Host": "any.example"}).status_code == 200


@pytest.mark.parametrize(
    ("peer", "told", "seen"),
    [
        ("10.0.0.1", "192.0.2.7", "192.0.2.7"),
        ("10.0.0.1", "192.0.2.7, 10.0.0.9", "192.0.2.7"),  # two proxies of ours
        ("10.0.0.1", "127.0.0.1, 192.0.2.7", "192.0.2.7"),  # the first anybody may have written
        ("::ffff:10.0.0.1", "2001:db8::5", "2001:db8::5"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("192.0.2.9", "127.0.0.1", "192.0.2.9"),  # not a proxy of ours
        ("10.0.0.1", "192.0.2.7:4711", "192.0.2.7"),
        ("10.0.0.1", "[2001:db8::5]:80", "2001:db8::5"),
        ("10.0.0.1", "192.0.2.7, nonsense", "0.0.0.0"),  # not understood is nobody
    ],
)
def test_only_trusted_proxies_are_believed(peer: str, told: str, seen: str) -> None:
    found: list[dict[str, Any]] = []
    middleware = TrustedProxies(lambda environ, _: found.append(environ), parsed_networks("10.0.0.0/8"))
    middleware({"REMOTE_ADDR": peer, "HTTP_X_FORWARDED_FOR": told}, lambda *_: None)
    assert found == [{"REMOTE_ADDR": seen}]


def test_an_open_server_behind_a_proxy_answers_nobody_elses_machine(tmp_path: Path) -> None:
    with place(tmp_path / "data", trusted_proxies="127.0.0.1") as here:
        assert here.client.get("/v1/me").status_code == 200
        problem(here.client.get("/v1/me", headers={"X-Forwarded-For": "192.0.2.7"}), 403, "forbidden")
        problem(here.client.get("/v1/me", headers={"X-Forwarded-For": "nonsense"}), 403, "forbidden")
    with place(tmp_path / "off") as here:  # off by default
        assert here.client.get("/v1/me", headers={"X-Forwarded-For": "192.0.2.7"}).status_code == 200


def test_networks_are_read_strictly() -> None:
    assert belongs("10.1.2.3", parsed_networks("192.0.2.1, 10.0.0.0/8"))
    assert not belongs("", parsed_networks("10.0.0.0/8"))
    with pytest.raises(OptionError, match="trusted_proxies has 'nginx'"):
        parsed_networks("nginx")
