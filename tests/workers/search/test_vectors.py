"""What is kept of finished jobs for the search: by attempt, gone with its job."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa

from synth.description.description import SPACES, Side, Vector
from synth.options import Mode, Options
from tests.support import databases
from workers.jobs import Job, Jobs, open_jobs
from workers.records import VECTORS
from workers.search import vectors
from workers.search.vector_cache import VectorCache

DAY_S = 86_400.0


@pytest.fixture(params=databases.KINDS)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return databases.url_of(request, tmp_path)


@pytest.fixture
def jobs(database_url: str) -> Iterator[Jobs]:
    jobs = open_jobs(database_url)
    yield jobs
    jobs.close()


def claimed(jobs: Jobs, owner: str = "ann") -> Job:
    jobs.create(options=Options(mode=Mode.HITS), title="clip.mp4", source_key="s", info={}, owner=owner)
    (job,) = jobs.claim(1, "hits", "worker#1")
    return job


def vector(seed: int, side: Side = Side.SOUND, space: str = "ave") -> Vector:
    values = np.random.default_rng(seed).standard_normal(SPACES[space]).astype(np.float32)
    return Vector(space, side, values / np.float32(np.linalg.norm(values)))


def rows(jobs: Jobs) -> list[tuple[str, int, str, int]]:
    with jobs.database.reading() as connection:
        found = connection.execute(
            sa.select(VECTORS.c.job_id, VECTORS.c.take, VECTORS.c.space, VECTORS.c.attempt).order_by(*VECTORS.c)
        )
        return [tuple(row) for row in found]


def test_vectors_are_kept_and_read_again_nearly_as_they_were(jobs: Jobs) -> None:
    job = claimed(jobs)
    picture = (vector(0, Side.PICTURE), vector(1, Side.PICTURE, "crossmodal"))
    assert vectors.keep(jobs, job.id, 1, picture, {0: [vector(2)], 1: [vector(3)]})
    found = vectors.of_job(jobs, job.id)
    assert {take: [(one.space, one.side) for one in kept] for take, kept in found.items()} == {
        -1: [("ave", Side.PICTURE), ("crossmodal", Side.PICTURE)],
        0: [("ave", Side.SOUND)],
        1: [("ave", Side.SOUND)],
    }
    assert float(found[1][0].values @ vector(3).values) == pytest.approx(1.0, abs=1e-3)


def test_keeping_again_replaces_what_was_kept(jobs: Jobs) -> None:
    job = claimed(jobs)
    assert vectors.keep(jobs, job.id, 1, [vector(0, Side.PICTURE)], {0: [vector(1)], 1: [vector(2)]})
    assert vectors.keep(jobs, job.id, 1, [], {0: [vector(3)]})
    assert rows(jobs) == [(job.id, 0, "ave", 1)]
    assert float(vectors.of_job(jobs, job.id)[0][0].values @ vector(3).values) > 0.99


def test_who_lost_the_job_keeps_nothing(jobs: Jobs) -> None:
    job = claimed(jobs)
    vectors.keep(jobs, job.id, 1, [], {0: [vector(0)]})
    assert not vectors.keep(jobs, job.id, 2, [], {0: [vector(1)]})
    assert not vectors.keep(jobs, "0" * 26, 1, [], {0: [vector(1)]})
    assert rows(jobs) == [(job.id, 0, "ave", 1)]


def test_every_way_that_a_job_goes_takes_its_vectors_along(jobs: Jobs) -> None:
    gone = [claimed(jobs) for _ in range(3)]
    stays = claimed(jobs)
    for job in (*gone, stays):
        vectors.keep(jobs, job.id, 1, [], {0: [vector(0)]})
    jobs.delete(gone[0].id, None)
    jobs.finish(gone[1].id, 1, {"outputs": []})
    jobs.expire(older_than=gone[1].created_at + DAY_S)
    jobs.fail(gone[2].id, 1, "internal", "it broke", retryable=False)
    jobs.retry(gone[2].id, None)
    assert rows(jobs) == [(stays.id, 0, "ave", 1)]


@pytest.mark.parametrize(
    ("bad", "complaint"),
    [
        (Vector("smell", Side.SOUND, np.ones(3, np.float32)), "space 'smell'"),
        (Vector("ave", Side.SOUND, np.ones(128, np.float32)), "length must be one"),
        (Vector("ave", Side.SOUND, np.full(128, np.nan, np.float32)), "length must be one"),
        (Vector("ave", Side.SOUND, np.full(4, 0.5, np.float32)), "allowed are"),
    ],
)
def test_what_is_no_vector_of_a_space_is_refused(jobs: Jobs, bad: Vector, complaint: str) -> None:
    job = claimed(jobs)
    with pytest.raises(ValueError, match=complaint):
        vectors.keep(jobs, job.id, 1, [], {0: [bad]})


def kept(jobs: Jobs, seed: int, owner: str = "ann") -> str:
    """A job with one vector of its sound."""
    job = claimed(jobs, owner)
    assert vectors.keep(jobs, job.id, 1, [], {0: [vector(seed)]})
    return job.id


def found(vector_cache: VectorCache, seed: int, owner: str | None = None, k: int = 100) -> list[str]:
    return [near.item.job_id for near in vector_cache.nearest(vector(seed).values, "ave", Side.SOUND, owner, k)]


def test_the_cache_finds_what_came_since_and_not_what_went(jobs: Jobs) -> None:
    vector_cache = VectorCache(jobs)
    assert found(vector_cache, 0) == []
    ids = [kept(jobs, seed) for seed in range(5)]
    assert found(vector_cache, 3)[0] == ids[3]
    assert set(found(vector_cache, 3)) == set(ids)
    jobs.delete(ids[3], None)
    new = kept(jobs, 3)  # as many as before
    assert found(vector_cache, 3)[0] == new
    assert set(found(vector_cache, 3)) == {*ids, new} - {ids[3]}
    vectors.keep(jobs, ids[0], 1, [], {0: [vector(77)], 2: [vector(78)]})
    assert [near.item.take for near in vector_cache.nearest(vector(78).values, "ave", Side.SOUND, None, 1)] == [2]
    assert found(vector_cache, 78).count(ids[0]) == 2
    vectors.keep(jobs, ids[0], 1, [], {})
    assert ids[0] not in found(vector_cache, 77)


def test_one_more_take_is_found_beside_the_others_and_not_once_it_went(jobs: Jobs) -> None:
    vector_cache = VectorCache(jobs)
    job_id = kept(jobs, 0)

    def keep_take(of: str, values: list[Vector]) -> bool:
        with jobs.database.writing() as connection:
            serial = vectors.next_serial(connection, jobs.database.is_postgresql)
            return vectors.keep_take(connection, serial, of, 1, values)

    def takes() -> set[int]:
        return {near.item.take for near in vector_cache.nearest(vector(1).values, "ave", Side.SOUND, None, 9)}

    assert takes() == {0}
    assert keep_take(job_id, [vector(1)])
    assert takes() == {0, 1}
    assert keep_take(job_id, [vector(2)])
    assert found(vector_cache, 2) == [job_id, job_id]
    assert keep_take(job_id, [])
    assert takes() == {0}
    assert not keep_take(claimed(jobs).id, [vector(3)])  # nothing is kept of that one
    with pytest.raises(ValueError, match="space"):
        keep_take(job_id, [Vector("smell", Side.SOUND, vector(1).values)])
    assert takes() == {0}


def test_most_of_it_deleted_leaves_the_rest_to_be_found(jobs: Jobs) -> None:
    vector_cache = VectorCache(jobs)
    ids = [kept(jobs, seed) for seed in range(12)]
    assert len(found(vector_cache, 0)) == 12
    for job_id in ids[:9]:
        jobs.delete(job_id, None)
    for seed in (9, 10, 11):
        assert found(vector_cache, seed)[0] == ids[seed]
    assert len(vector_cache.matrix("ave", Side.SOUND, None).items) == 3


def test_nobody_sees_what_is_somebody_elses(jobs: Jobs) -> None:
    vector_cache = VectorCache(jobs)
    hers, his = kept(jobs, 1, "ann"), kept(jobs, 1, "bob")
    assert set(found(vector_cache, 1)) == {hers, his}
    assert found(vector_cache, 1, "ann") == [hers]
    assert found(vector_cache, 1, "bob") == [his]
    assert found(vector_cache, 1, "eve") == []
    matrix = vector_cache.matrix("ave", Side.SOUND, "bob")
    assert [item.job_id for item in matrix.items] == [his]
    assert matrix.values.astype(np.float32)[0] @ vector(1).values == pytest.approx(1.0, abs=1e-3)
    assert vector_cache.nearest(vector(1).values, "ave", Side.SOUND, "ann", 5, without=[hers]) == []


def test_sides_and_spaces_are_kept_apart(jobs: Jobs) -> None:
    vector_cache = VectorCache(jobs)
    job = claimed(jobs)
    vectors.keep(jobs, job.id, 1, [vector(0, Side.PICTURE)], {0: [vector(1, space="crossmodal")]})
    assert [near.side for near in vector_cache.nearest(vector(0).values, "ave", Side.PICTURE, None, 5)] == [
        Side.PICTURE
    ]
    assert vector_cache.nearest(vector(0).values, "ave", Side.SOUND, None, 5) == []
    assert vector_cache.nearest(vector(1).values, "crossmodal", Side.SOUND, None, 5)[0].item.take == 0


def test_writers_and_searchers_at_once_lose_nothing(jobs: Jobs) -> None:
    vector_cache = VectorCache(jobs)
    ids = [claimed(jobs).id for _ in range(20)]

    def write(share: int) -> list[str]:
        for number, job_id in enumerate(ids[share::2]):
            assert vectors.keep(jobs, job_id, 1, [], {0: [vector(100 * share + number)]})
        return ids[share::2]

    def look(_: int) -> list[str]:
        for _ in range(10):
            found(vector_cache, 1)
        return []

    with ThreadPoolExecutor(4) as pool:
        writers = [pool.submit(write, share) for share in range(2)]
        lookers = [pool.submit(look, share) for share in range(2)]
        written = {job_id for one in writers for job_id in one.result()}
        assert not any(one.result() for one in lookers)
    assert set(found(vector_cache, 1)) == written
