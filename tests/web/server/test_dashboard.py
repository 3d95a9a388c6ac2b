"""The dashboard and the alerts ask for figures that there are, by labels that they have."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from tests.support.paths import ROOT
from tests.support.web_place import place
from workers.telemetry import families

OBSERVABILITY = ROOT / "deploy" / "observability"
_ENDINGS = {"counter": ("_total",), "gauge": ("",), "histogram": ("_bucket", "_sum", "_count")}
_NAME = re.compile(r"\bsonorize_[a-z_]+")


def dashboard() -> dict[str, Any]:
    return dict(json.loads((OBSERVABILITY / "grafana-dashboard.json").read_text()))


def alerts() -> list[dict[str, Any]]:
    told = yaml.safe_load((OBSERVABILITY / "alerts.yml").read_text())
    return [rule for group in told["groups"] for rule in group["rules"]]


def expressions() -> list[str]:
    panels = [target["expr"] for panel in dashboard()["panels"] for target in panel["targets"]]
    return [*panels, *(rule["expr"] for rule in alerts())]


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """Name of a series -> its labels, of a server that has seen something of everything."""
    with place(tmp_path_factory.mktemp("place") / "data", metrics_token="token") as here:
        for client_path in ("/livez", "/readyz"):
            here.client.get(client_path)
        text = here.client.get("/metrics", headers={"Authorization": "Bearer token"}).text
    declared = {one.name: set(one.labels) for one in (*families.COUNTERS, *families.HISTOGRAMS)}
    found: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(text):
        for ending in _ENDINGS[family.type]:
            labels = {label for sample in family.samples for label in sample.labels}
            found[family.name + ending] = labels | declared.get(family.name, set()) | {"le"}
    return found


def test_every_figure_that_is_asked_for_is_there(there: dict[str, set[str]]) -> None:
    asked = {name for expression in expressions() for name in _NAME.findall(expression)}
    assert len(asked) > 20
    assert asked - set(there) == set()


def test_every_label_is_one_of_the_figure(there: dict[str, set[str]]) -> None:
    known = set[str]().union(*there.values()) | {
        "job",
        "owner",
        "kind",
        "part",
        "mode",
        "state",
        "view",
        "status",
        "method",
    }
    for expression in expressions():
        for name, matchers in re.findall(r"(sonorize_[a-z_]+)\{([^}]*)\}", expression):
            asked = set(re.findall(r"(\w+)\s*[=!]", matchers))
            assert asked <= (there[name] or known) | {"owner", "state", "kind", "part"}, expression
        for group in re.findall(r"by \(([^)]*)\)", expression):
            assert {one.strip() for one in group.split(",")} <= known, expression


def test_the_dashboard_shows_every_fault() -> None:
    shown = "\n".join(target["expr"] for panel in dashboard()["panels"] for target in panel["targets"])
    for family in families.COUNTERS:
        assert f"{family.name}_total" in shown
    for histogram in families.HISTOGRAMS:
        assert f"{histogram.name}_bucket" in shown


def test_alerts_say_what_to_do() -> None:
    for rule in alerts():
        assert rule["labels"]["severity"] in ("warning", "critical")
        assert rule["annotations"]["summary"]
        assert rule["annotations"]["what_to_do"]
    names = [rule["alert"] for rule in alerts()]
    assert len(names) == len(set(names)) >= 10


def test_panels_do_not_lie_on_each_other() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in dashboard()["panels"]:
        at = panel["gridPos"]
        cells = {(at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])}
        assert at["x"] + at["w"] <= 24
        assert not cells & taken
        taken |= cells


def test_the_page_on_operations_names_the_files() -> None:
    text = (ROOT / "docs" / "OPERATIONS.md").read_text()
    for file in sorted(OBSERVABILITY.iterdir()):
        assert file.relative_to(ROOT).as_posix() in text, Path(file).name
