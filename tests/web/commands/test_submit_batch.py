"""``sonorize submit --batch DIR --resume``: broken off anywhere, it sends only what is missing."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from synth.errors import OptionError
from synth.options import Options
from tests.support.serving import KEY, Serving, sonorize
from web.client.sync import Client
from web.commands import batch_state
from web.commands.batch_state import NAME, sent, state_of_folder


@pytest.fixture
def folder(tmp_path: Path, flash_clip: Path, dark_clip: Path) -> Path:
    clips = tmp_path / "clips"
    (clips / "more").mkdir(parents=True)
    shutil.copy(flash_clip, clips / "a.mp4")
    shutil.copy(dark_clip, clips / "b.mp4")
    shutil.copy(flash_clip, clips / "more" / "a.mp4")
    return clips


def test_a_folder_is_one_batch_and_a_second_run_sends_nothing(keyed: Serving, folder: Path, tmp_path: Path) -> None:
    how = ("--batch", folder, "--server", keyed.address, "--mode", "hits", "--json")
    first = sonorize("submit", *how, SONORIZE_API_KEY=KEY)
    assert first.returncode == 0, first.stderr
    jobs = [one["job"] for one in json.loads(first.stdout)["jobs"]]
    assert len({job["batch_id"] for job in jobs}) == 1
    assert sorted(one["name"] for one in json.loads(first.stdout)["jobs"]) == ["a.mp4", "b.mp4", "more/a.mp4"]
    refused = sonorize("submit", *how, SONORIZE_API_KEY=KEY)
    assert (refused.returncode, "--resume goes on with it" in refused.stderr) == (2, True)
    (folder / "more" / "c.mp4").write_bytes((folder / "a.mp4").read_bytes())
    again = sonorize("submit", *how, "--resume", "-o", tmp_path / "out", SONORIZE_API_KEY=KEY)
    assert again.returncode == 0, again.stderr
    now = {one["name"]: one["job"]["id"] for one in json.loads(again.stdout)["jobs"]}
    assert set(now.values()) > {job["id"] for job in jobs}
    assert len(now) == 4
    assert (tmp_path / "out" / "more" / "c.mp4").is_file()
    done = sonorize("submit", *how, "--resume", "-o", tmp_path / "out", SONORIZE_API_KEY=KEY)
    assert (done.returncode, json.loads(done.stdout)["jobs"]) == (0, [])
    with Client(keyed.address, KEY) as client:
        assert client.batch(jobs[0]["batch_id"])["counts"]["total"] == 4


def test_broken_off_between_and_within_the_steps(keyed: Serving, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    options = Options.parse({"mode": "hits"})
    with Client(keyed.address, KEY) as client:
        for breaks in ("begin_upload", "upload", "create_of"):
            state = state_of_folder(folder, client.base_url, options, resume=True)
            real = getattr(Client, breaks)

            def broken(self: Client, *given: object, _real: object = real, **how: object) -> object:
                _real(self, *given, **how)  # type: ignore[operator]
                raise KeyboardInterrupt

            with monkeypatch.context() as cut:
                cut.setattr(Client, breaks, broken)
                with pytest.raises(KeyboardInterrupt):
                    sent(client, state, state.item("a.mp4", folder / "a.mp4"), folder / "a.mp4", lambda count: None)
        state = state_of_folder(folder, client.base_url, options, resume=True)
        job = sent(client, state, state.item("a.mp4", folder / "a.mp4"), folder / "a.mp4", lambda count: None)
        assert client.batch(state.batch_id)["counts"]["total"] == 1  # the job of the run that was broken off
        again = state_of_folder(folder, client.base_url, options, resume=True)
        assert again.items["a.mp4"].job == job["id"]
        client._request("DELETE", f"/v1/uploads/{again.items['a.mp4'].upload}")
        client.delete(job["id"])
        anew = sent(client, again, again.items["a.mp4"], folder / "a.mp4", lambda count: None)
        assert anew["id"] != job["id"]


def test_a_clip_that_changed_is_another_one(tmp_path: Path, flash_clip: Path) -> None:
    shutil.copy(flash_clip, tmp_path / "a.mp4")
    state = state_of_folder(tmp_path, "http://s", Options(), resume=False)
    first = state.item("a.mp4", tmp_path / "a.mp4")
    first.job = "j"
    state.save()
    assert state.item("a.mp4", tmp_path / "a.mp4") is first
    (tmp_path / "a.mp4").write_bytes(b"another")
    second = state.item("a.mp4", tmp_path / "a.mp4")
    assert (second.job, second.custom_id == first.custom_id) == (None, False)


def test_what_cannot_be_gone_on_with(tmp_path: Path) -> None:
    state_of_folder(tmp_path, "http://s", Options(), resume=True).save()
    for server, options, words in (
        ("http://t", Options(), "begun on http://s"),
        ("http://s", Options(seed=3), "other options"),
    ):
        with pytest.raises(OptionError, match=words):
            state_of_folder(tmp_path, server, options, resume=True)
    (tmp_path / NAME).write_text("{")
    with pytest.raises(OptionError, match="cannot be read"):
        state_of_folder(tmp_path, "http://s", Options(), resume=True)
    assert batch_state._custom_id("../ä b/" + "x" * 200, "1").startswith("x" * 40)


@pytest.mark.parametrize(
    "arguments", [("--resume", "a.mp4"), ("--batch", ".", "a.mp4"), ("--batch", ".", "--job", "x")]
)
def test_flags_that_do_not_go_together(arguments: tuple[str, ...]) -> None:
    done = sonorize("submit", *arguments)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
