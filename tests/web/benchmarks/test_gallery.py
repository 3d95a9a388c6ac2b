"""The bench of the gallery, with little of everything."""

from __future__ import annotations

from tests.web.pages.test_browser import pytestmark
from web.benchmarks.gallery import Sizes, gallery

__all__ = ["pytestmark"]


def test_every_figure_is_measured() -> None:
    figures = gallery(Sizes(results=5, live=3, running=2, watched_s=2.0, loads=1))
    for path, page in figures["pages"].items():
        assert page["painted_ms"] > 0, path
        assert 0 < page["bytes"] <= 150_000, path
    assert figures["live"]["live"]["frames"] > 0
    assert figures["live"]["live"]["web_cpu_share"] > 0
    assert figures["live"]["under_way_at_the_end"] <= 3
