"""What was read of the database counts until somebody changes it, whoever that is."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from workers.database import Database, open_database
from workers.timing.remembered import Remembered


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return open_database(f"sqlite:///{tmp_path / 'jobs.db'}")


def counted(remembered: Remembered, calls: list[int]) -> int:
    def make() -> int:
        calls.append(1)
        return len(calls)

    return remembered.get("key", make)


def test_it_holds_while_nothing_changes(database: Database) -> None:
    remembered, calls = Remembered(database, 60.0), list[int]()
    assert [counted(remembered, calls) for _ in range(5)] == [1] * 5
    database.close()


def test_a_commit_of_this_process_ends_it(database: Database) -> None:
    remembered, calls = Remembered(database, 60.0), list[int]()
    counted(remembered, calls)
    with database.writing() as connection:
        connection.exec_driver_sql("CREATE TABLE more (a)")
    assert counted(remembered, calls) == 2
    assert counted(remembered, calls) == 2
    database.close()


def test_a_commit_of_another_program_ends_it(database: Database, tmp_path: Path) -> None:
    remembered, calls = Remembered(database, 60.0), list[int]()
    counted(remembered, calls)
    other = sqlite3.connect(tmp_path / "jobs.db")
    other.execute("CREATE TABLE more (a)")
    other.commit()
    other.close()
    assert counted(remembered, calls) == 2
    database.close()


def test_it_has_an_age_and_a_size(database: Database) -> None:
    old, calls = Remembered(database, 0.0), list[int]()
    assert counted(old, calls) < counted(old, calls)
    few = Remembered(database, 60.0, most=2)
    assert [few.get(key, lambda key=key: key) for key in range(5)] == list(range(5))  # type: ignore[misc]
    assert len(few._known) <= 2
    database.close()


def test_what_goes_wrong_is_not_remembered(database: Database) -> None:
    remembered, calls = Remembered(database, 60.0), list[int]()

    def fail() -> int:
        raise KeyError("key")

    with pytest.raises(KeyError):
        remembered.get("key", fail)
    assert counted(remembered, calls) == 1
    database.close()
