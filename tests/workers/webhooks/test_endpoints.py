"""Endpoints in the table: one for each address that jobs name, and not without end; over SQLite and PostgreSQL."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.support import servers
from tests.workers.test_jobs import create
from workers import database
from workers.errors import Conflict
from workers.jobs import Jobs, open_jobs
from workers.webhooks import endpoints as endpoints_module
from workers.webhooks.endpoints import Endpoints
from workers.webhooks.outbox import DeliveryState
from workers.webhooks.tables import DELIVERIES


@pytest.fixture(name="url", params=["sqlite", "postgresql"])
def _url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "postgresql":
        return servers.emptied(request.getfixturevalue("postgres_url"))
    return f"sqlite:///{tmp_path / 'jobs.db'}"


@pytest.fixture
def jobs(url: str) -> Iterator[Jobs]:
    opened = open_jobs(url)
    yield opened
    opened.close()


def test_an_address_that_many_jobs_name_at_once_is_one_webhook(jobs: Jobs) -> None:
    endpoints = Endpoints(jobs.database)
    together = threading.Barrier(12)

    def name(_: int) -> str:
        together.wait()
        return endpoints.named("ann", "https://example.org/mine").id

    with ThreadPoolExecutor(12) as pool:
        assert len(set(pool.map(name, range(12)))) == 1
    assert len(endpoints.listed("ann")) == 1
    assert endpoints.named("ben", "https://example.org/mine").owner == "ben"
    other = endpoints.named("ann", "https://example.org/other")
    with pytest.raises(Conflict, match="of that address already"):
        endpoints.change(other.id, "ann", url="https://example.org/mine")


def test_jobs_may_name_so_many_addresses(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest of which nothing is expected makes room; where all are awaited, no more are taken."""
    monkeypatch.setattr(endpoints_module, "MOST_NAMED", 3)
    endpoints = Endpoints(jobs.database)
    urls = [f"https://example.org/{number}" for number in range(4)]
    named = [endpoints.named("ann", url) for url in urls[:3]]
    waiting = [create(jobs, webhook_id=one.id) for one in named]
    with pytest.raises(Conflict, match="your jobs name 3 addresses"):
        endpoints.named("ann", urls[3])
    assert endpoints.named("ann", urls[2]).id == named[2].id
    assert endpoints.named("ben", urls[3]).owner == "ben"
    jobs.cancel(waiting[1].id, None)
    with pytest.raises(Conflict):  # its event is still to be sent
        endpoints.named("ann", urls[3])
    with jobs.database.writing() as connection:
        connection.execute(sa.update(DELIVERIES).values(state=DeliveryState.DELIVERED))
    made = endpoints.named("ann", urls[3])
    assert {one.id for one in endpoints.listed("ann")} == {named[0].id, named[2].id, made.id}
    assert endpoints.make("ann", "https://example.org/own").named is None


def test_addresses_that_jobs_named_twice_become_one_webhook(url: str) -> None:
    """As an older release left them: what the others had is the oldest one's."""
    old = database.Database(database._engine(url))
    row = {"owner": "ann", "events": "[]", "description": "", "secret": "s", "created_at": 1.0}
    with old.writing() as connection:
        database._migrate(connection, "0015")
        for id, address, named_only in (("1", "a", True), ("2", "a", True), ("3", "b", True), ("4", "a", False)):
            values = {**row, "id": id, "url": f"https://example.org/{address}", "named_only": named_only}
            names = ", ".join(values)
            marks = ", ".join(f":{name}" for name in values)
            connection.execute(sa.text(f"INSERT INTO webhooks ({names}) VALUES ({marks})"), values)
        connection.execute(
            sa.text("INSERT INTO webhook_events VALUES ('e', 'ann', 'job.failed', 'j', '{}', 1.0)"),
        )
        connection.execute(
            sa.text(
                "INSERT INTO webhook_deliveries "
                "(id, webhook_id, event_id, state, tries, attempt, next_at, created_at, log) "
                "VALUES ('d', '2', 'e', 'pending', 0, 0, 0.0, 1.0, '[]')"
            )
        )
    old.engine.dispose()
    opened = open_jobs(url)
    try:
        endpoints = Endpoints(opened.database)
        assert [one.id for one in endpoints.listed("ann")] == ["4", "3", "1"]
        with opened.database.reading() as connection:
            assert connection.scalar(sa.select(DELIVERIES.c.webhook_id)) == "1"
        assert endpoints.named("ann", "https://example.org/b").id == "3"
    finally:
        opened.close()
