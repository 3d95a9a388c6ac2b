"""The verb bench, with the server's bench beside the library's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any

import typer

from synth.cli import learn


def bench(
    name: Annotated[str, typer.Argument(help="What to measure; without one, the names are listed.")] = "",
    beside: learn.Beside = None,
    as_json: learn.Json = False,
) -> None:
    """Measure seconds and megabytes on this machine, side by side in one run."""
    from synth.benchmarks.job import BENCHES, COMPARED
    from web.benchmarks import beside as of_builds
    from web.benchmarks import gallery, scaling, search, studio
    from web.benchmarks import server as of_the_server

    ours: dict[str, Callable[[], Mapping[str, Any]]] = {
        "server": of_the_server.server,
        "batch": of_the_server.batch,
        "search": search.search,
        "studio": studio.studio,
        "gallery": gallery.gallery,
        "scaling": scaling.scaling,
    }
    compared = {**COMPARED, "job": of_builds.job, "server": of_builds.server}
    learn.measure(name, {**BENCHES, **ours}, compared, beside=beside, as_json=as_json)
