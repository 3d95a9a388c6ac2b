"""Two builds side by side: what is measured of each, and which is the better one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from synth.errors import OptionError
from web.benchmarks import beside, builds
from web.benchmarks.beside import Sizes

ROOT = Path(__file__).parents[3]
LITTLE = Sizes(
    rounds=1, clip_s=1.0, cold_clip_s=1.0, modes=("hits",), cold_modes=("hits",), batch=2, submits=8, reads=16,
    size=(160, 120),
)  # fmt: skip


def test_a_ratio_over_one_means_that_ours_is_better() -> None:
    rows = {
        "ours": [{"took_s": 2.0, "per_s": 30.0, "only_here_s": 1.0}, {"took_s": 4.0, "per_s": 10.0}],
        "other": [{"took_s": 6.0, "per_s": 10.0}, {"took_s": 6.0, "per_s": 10.0}],
    }
    told = beside.compared(rows)
    assert told["ours"]["took_s"] == {"median": 3.0, "least": 2.0, "greatest": 4.0}
    assert told["ratio"] == {"took_s": 2.0, "per_s": 2.0}


def test_what_is_no_checkout_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=r"is no checkout of Sonorize: it has no web/cli\.py"):
        builds.checkout(tmp_path)


def test_a_build_finds_its_own_modules_and_none_of_our_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SONORIZE_API_KEYS", "secret")
    environment = builds.checkout(ROOT).environment
    assert environment["PYTHONPATH"] == str(ROOT)
    assert "SONORIZE_API_KEYS" not in environment


def test_a_tree_of_processes_is_counted_with_its_memory() -> None:
    mine = next(process for process in builds.processes(os.getpid()) if process.pid == os.getpid())
    assert mine.role == "web"
    assert mine.rss_mb >= mine.pss_mb > 1
    assert 0 < mine.cpu_s <= builds.cpu_seconds(os.getpid())


@pytest.mark.parametrize(
    ("command", "parent", "role"),
    [
        ("python -m workers.worker --name worker-1-ab@host", "web", "worker parent"),
        ("python -m workers.worker --name search-1-ab@host", "web", "searcher parent"),
        ("python -c from billiard.spawn import spawn_main", "worker parent", "worker"),
        ("python -c from billiard.spawn import spawn_main", "searcher parent", "searcher"),
        ("/wheel/valkey-server --port 0", "web", "broker"),
    ],
)
def test_processes_are_told_apart(command: str, parent: str, role: str) -> None:
    assert builds._role(command, parent) == role


@pytest.mark.slow
def test_whole_jobs_of_two_builds() -> None:
    told = beside.job(ROOT, LITTLE)
    for what in ("warm hits", "2 hits jobs of 1 s", "run hits"):
        assert set(told[what]) == {"ours", "other", "ratio"}
        assert all(figure["median"] > 0 for figure in told[what]["ours"].values() if "_s" in figure)
    assert told["warm hits"]["ours"]["took_s"]["median"] > 0
    assert 0 < told["warm hits"]["ours"]["describing_share"]["median"] < 1


@pytest.mark.slow
def test_servers_of_two_builds() -> None:
    told = beside.server(ROOT, LITTLE)
    assert told["submits"]["ours"]["per_s"]["median"] > 1
    assert told["status reads"]["other"]["per_s"]["median"] > 1
    assert told["memory_mb"]["ours"]["rss"]["worker"] > told["memory_mb"]["ours"]["rss"]["worker parent"]
