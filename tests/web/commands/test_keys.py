"""The verbs about keys, as a person types them, on a server's data folder."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.web_place import place
from web.cli import main


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, object]:
    assert main([*arguments, "--json"]) == 0
    return dict(json.loads(capsys.readouterr().out))


def test_keys_are_added_listed_rotated_and_revoked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = tmp_path / "data"
    with place(data) as here:
        at = ("--data", str(data))
        made = told(
            capsys, "keys", "add", "ann", "--scopes", "read,admin", "--label", "desk", "--expires-days", "1", *at
        )
        headers = {"Authorization": f"Bearer {made['key']}"}
        assert here.client.get("/v1/me", headers=headers).get_json()["key"]["scopes"] == ["read", "admin"]
        rotated = told(capsys, "keys", "rotate", str(made["id"]), "--overlap-hours", "0", *at)
        assert here.client.get("/v1/me", headers=headers).status_code == 401
        headers = {"Authorization": f"Bearer {rotated['key']}"}
        assert here.client.get("/v1/me", headers=headers).status_code == 200
        assert main(["keys", "list", "ann", *at]) == 0
        listed = capsys.readouterr().out
        assert str(rotated["key"]).partition(".")[2] not in listed
        assert [line.split()[0] for line in listed.splitlines()] == [rotated["id"], made["id"]]
        assert "desk" in listed
        assert told(capsys, "keys", "revoke", str(rotated["id"]), *at)["active"] is False
        assert here.client.get("/v1/me", headers=headers).status_code == 401


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("add", "a b"), "the name is 'a b'"),
        (("add", "ann", "--scopes", "root"), "scopes has 'root'"),
        (("add", "ann", "--expires-days", "0"), "expired already"),
        (("create", "ann", "--scopes", "root"), "scopes has 'root'"),
    ],
)
def test_what_is_no_key_is_refused_with_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], word: str
) -> None:
    (tmp_path / "data").mkdir()
    where = () if arguments[0] == "create" else ("--data", str(tmp_path / "data"))
    assert main(["keys", *arguments, *where]) == 2
    said = capsys.readouterr().err
    assert word in said
    assert len(said.strip().splitlines()) == 1


def test_a_folder_that_is_not_there_is_said_to_be(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["keys", "list", "--data", str(tmp_path / "nowhere")]) == 2
    assert "there is no folder" in capsys.readouterr().err
    assert not (tmp_path / "nowhere").exists()


def test_an_unknown_key_is_said_to_be(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with place(tmp_path / "data"):
        assert main(["keys", "revoke", "nothing", "--data", str(tmp_path / "data")]) != 0
    assert "there is no such key" in capsys.readouterr().err


def test_a_key_for_the_settings_names_its_scopes(capsys: pytest.CaptureFixture[str]) -> None:
    assert str(told(capsys, "keys", "create", "ann")["entry"]).count(":") == 1
    assert str(told(capsys, "keys", "create", "ann", "--scopes", "admin,read")["entry"]).endswith(":read+admin")
