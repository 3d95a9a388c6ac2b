"""Where webhooks may go: nowhere that only this server can reach, however it is written."""

from __future__ import annotations

import itertools
import re

import pytest

from workers.webhooks.addresses import Policy, Refused, allowed_of, pattern_of, target_of

PUBLIC = Policy()
PRIVATE = Policy(private=True)


@pytest.mark.parametrize(
    ("url", "authority", "path"),
    [
        ("https://example.org", "example.org", "/"),
        ("https://example.org:443/a?b=c", "example.org", "/a?b=c"),
        ("https://example.org.:8443/a", "example.org:8443", "/a"),
        ("https://[2606:4700:4700::1111]/", "[2606:4700:4700::1111]", "/"),
        ("https://93.184.215.14/x", "93.184.215.14", "/x"),
    ],
)
def test_public_addresses_are_taken_apart(url: str, authority: str, path: str) -> None:
    target = target_of(url, PUBLIC)
    assert (target.secure, target.authority, target.path) == (True, authority, path)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.org",
        "http://example.org",
        "ftp://example.org",
        "file:///etc/passwd",
        "https://",
        "https:///path",
        "https://user:secret@example.org",
        "https://example.org/#fragment",
        "https://example.org:0/",
        "https://example.org:99999/",
        "https://exa mple.org/",
        "https://example.org\\@127.0.0.1/",
        "https://example.org/\r\nX-Header: x",
        "https://[::1",
        "https://localhost/",
        "https://printer.local/",
        "https://metadata.google.internal/",
        "https://127.0.0.1/",
        "https://[::ffff:127.0.0.1]/",
        "https://169.254.169.254/latest",
        "https://example.org/" + "a" * 2000,
        "https://a..example.org/",
        "https://.example.org/",
        "https://./",
        f"https://{'a' * 64}.example.org/",
    ],
)
def test_what_is_no_public_address_is_refused(url: str) -> None:
    with pytest.raises(Refused) as refused:
        target_of(url, PUBLIC)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.8.8.8",
        "0.0.0.0",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "100.64.0.1",
        "100.100.100.200",
        "169.254.169.254",
        "168.63.129.16",
        "192.0.0.192",
        "198.18.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "240.0.0.1",
        "::",
        "::1",
        "::ffff:10.0.0.1",
        "::ffff:169.254.169.254",
        "::127.0.0.1",
        "64:ff9b::a00:1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::1",
        "2002:c0a8:101::",
        "fe80::1",
        "fe80::1%eth0",
        "fec0::1",
        "fd00:ec2::254",
        "fc00::1",
        "ff02::1",
        "2001:db8::1",
        "no address",
    ],
)
def test_a_name_that_leads_inward_is_refused(address: str) -> None:
    with pytest.raises(Refused):
        allowed_of([address], PUBLIC)
    with pytest.raises(Refused):  # one good one among them makes it no better
        allowed_of(["93.184.215.14", address], PUBLIC)


def test_public_names_are_good() -> None:
    found = ["93.184.215.14", "2606:4700:4700::1111", "64:ff9b::5db8:d70e", "93.184.215.14"]
    assert allowed_of(found, PUBLIC) == found[:3]
    with pytest.raises(Refused):
        allowed_of([], PUBLIC)


def test_private_ones_where_that_is_allowed() -> None:
    assert target_of("http://127.0.0.1:8000/x", PRIVATE).authority == "127.0.0.1:8000"
    assert allowed_of(["127.0.0.1", "10.0.0.1", "fd12::1", "::1"], PRIVATE)
    for never in ("169.254.169.254", "::ffff:169.254.169.254", "0.0.0.0", "224.0.0.1", "fe80::1", "fd00:ec2::254"):
        with pytest.raises(Refused):
            allowed_of([never], PRIVATE)


def test_ports() -> None:
    few = Policy(ports=frozenset({443, 8443}))
    assert target_of("https://example.org:8443/", few).port == 8443
    assert target_of("https://example.org/", few).port == 443
    with pytest.raises(Refused, match="port is 8444; allowed are 443, 8443"):
        target_of("https://example.org:8444/", few)


def taken(url: str, policy: Policy) -> bool:
    try:
        target_of(url, policy)
    except Refused:
        return False
    return True


@pytest.mark.parametrize("policy", [PUBLIC, PRIVATE], ids=["public", "private"])
def test_the_pattern_in_the_document_and_the_server_take_the_same(policy: Policy) -> None:
    schemes = ["https://", "HTTPS://", "hTTp://", "http://", "ftp://", "https:", "https:/", "//", ""]
    hosts = ["example.org", "EXAMPLE.org.", "a_b;c", "93.184.215.14", "[2606:4700:4700::1111]", "[::g]", "[v1.a]", ""]
    hosts += ["u@example.org", "@example.org", "u:p@example.org", "exa mple.org", "exa\\mple", "a]b", "b\u00fccher.de"]
    ports = ["", ":", ":443", ":0443", ":0", ":65535", ":65536", ":99999", ":4a", ":-1", ":+443"]
    rests = ["", "/", "/a?b=c", "?a", "#", "/#", "/a?b#", "#x", "/a#x", "/a b", "/\\"]
    rests += ["/\u00fc", '/[x]{|}~^`"<>%', "/\n"]
    for url in map("".join, itertools.product(schemes, hosts, ports, rests)):
        assert taken(url, policy) == bool(re.search(pattern_of(policy), url)) or "\n" in url, url


def test_what_people_write_by_accident_is_taken() -> None:
    assert target_of("HTTPS://Example.org/a#", PUBLIC).authority == "example.org"
    assert target_of("HTTPS://Example.org/a#", PUBLIC).path == "/a"
