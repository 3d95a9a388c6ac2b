"""Jobs that nobody described are made findable afterwards, from their stored files."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from synth.errors import MediaError
from tests.support.describers import FlashDescriber
from tests.support.voices import FlashVoice
from tests.support.web_place import Place, place
from web import cli
from workers.records import WORDS
from workers.search import vectors
from workers.tasks import description, indexing


@pytest.fixture
def describer(monkeypatch: pytest.MonkeyPatch) -> FlashDescriber:
    made = FlashDescriber()
    monkeypatch.setattr(description, "describer", lambda: made)
    return made


@pytest.fixture
def here(tmp_path: Path, flash_voice: FlashVoice) -> Iterator[Place]:
    with place(tmp_path / "data") as made:
        yield made


def worked(here: Place, clip: Path, count: int, **options: object) -> list[str]:
    """Jobs done by a worker that describes nothing."""
    ids = [here.sent(clip, mode="hits", seed=seed, **options)["id"] for seed in range(count)]
    here.work()
    return ids


def rebuilt(here: Place, *, everything: bool = False) -> indexing.Tally:
    return indexing.rebuild(here.jobs, here.storage, here.settings.data_dir, everything=everything)


def test_what_was_not_described_is_and_then_no_more(here: Place, flash_clip: Path, describer: FlashDescriber) -> None:
    ids = worked(here, flash_clip, 3, takes=2)
    assert indexing.status(here.jobs) == {
        "finished": 3, "found_by_words": 3, "found_by_vectors": 0, "vectors": {},
    }  # fmt: skip
    tally = rebuilt(here)
    assert (tally.wanted, tally.described, tally.failed) == (3, 3, {})
    assert indexing.status(here.jobs)["found_by_vectors"] == 3
    assert indexing.status(here.jobs)["vectors"]["ave"] == {"picture": 3, "sound": 6}
    assert sorted(vectors.of_job(here.jobs, ids[0])) == [-1, 0, 1]
    assert (rebuilt(here).wanted, describer.described) == (0, 3)
    # Its tags are told and found, as if it had been described when it was made.
    job = here.client.get(f"/v1/jobs/{ids[0]}").get_json()
    assert [take["description"]["tags"][0]["name"] for take in job["outputs"]] == ["crackling fire"] * 2
    assert {one["job"] for one in here.client.get("/v1/search?q=crackling").get_json()["results"]} == set(ids)
    assert list(here.settings.data_dir.glob("index-*")) == []


def test_a_rebuild_of_everything_goes_on_where_it_was_stopped(
    here: Place, flash_clip: Path, describer: FlashDescriber
) -> None:
    worked(here, flash_clip, 3)
    rebuilt(here)
    answers = iter([False, False, True])  # asked before each job
    stopped = indexing.rebuild(
        here.jobs, here.storage, here.settings.data_dir, everything=True, cancelled=lambda: next(answers, True)
    )
    assert stopped.wanted == 3
    assert stopped.described == 2
    rest = rebuilt(here, everything=True)
    assert rest.wanted == rest.described == 1
    assert rebuilt(here, everything=True).described == 3  # a new one begins anew


def test_a_job_that_cannot_be_described_holds_up_no_other(
    here: Place, flash_clip: Path, describer: FlashDescriber
) -> None:
    gone, bad, good = worked(here, flash_clip, 3)
    here.storage.delete(f"{gone}/")
    calls = iter([None, MediaError("it is spoilt")])  # the newest comes first

    def before() -> None:
        if (error := next(calls, None)) is not None:
            raise error

    describer.before = before
    tally = rebuilt(here)
    assert tally.failed == {gone: "its files are not in the storage any more", bad: "it is spoilt"}
    assert vectors.of_job(here.jobs, good)
    assert not vectors.of_job(here.jobs, bad)


def test_words_of_older_releases_are_filled_in(here: Place, flash_clip: Path, describer: FlashDescriber) -> None:
    worked(here, flash_clip, 2)
    with here.jobs.database.writing() as connection:
        connection.execute(sa.delete(WORDS))
    assert indexing.status(here.jobs)["found_by_words"] == 0
    rebuilt(here)
    assert indexing.status(here.jobs)["found_by_words"] == 2


def test_the_verbs_say_what_they_did(
    here: Place, flash_clip: Path, describer: FlashDescriber, capsys: pytest.CaptureFixture[str]
) -> None:
    (job,) = worked(here, flash_clip, 1)
    data = str(here.settings.data_dir)
    assert cli.main(["index", "rebuild", "--data", data, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"wanted": 1, "described": 1, "failed": {}}
    assert cli.main(["index", "status", "--data", data, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["found_by_vectors"] == 1
    assert cli.main(["index", "status", "--data", data]) == 0
    assert "found by words: 1; by picture and sound: 1" in capsys.readouterr().out
    here.storage.delete(f"{job}/")
    assert cli.main(["index", "rebuild", "--all", "--data", data]) == 2
    answer = capsys.readouterr()
    assert f"warning: job {job}: its files are not in the storage any more" in answer.err
    assert "0 of 1 jobs were looked at; 1 could not be" in answer.out
