"""The verb demo: the whole way of a job through a server of its own, with clips that the simulator draws."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from synth.cli.console import say, say_json
from synth.errors import OptionError
from synth.options import Mode, Options

if TYPE_CHECKING:
    from web.commands.transfer import Show, Transfer

DURATION_S: Final = 6.0
RATE_FPS: Final = 30.0
SIZE: Final = (640, 480)


def demo(
    out: Annotated[Path, typer.Option("-o", "--out", help="The folder to write to.")] = Path("demo-output"),
    as_json: Annotated[bool, typer.Option("--json", help="Print the whole result as JSON.")] = False,
) -> None:
    """Start a server, upload three silent clips that the simulator draws, and fetch them with sound."""
    from web.client.sync import Client
    from web.commands.transfer import Transfer, board, fetch, send
    from web.server.run import Server
    from web.server.samples import SCENES
    from workers.settings import embedded

    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OptionError(f"the folder {str(out)!r} cannot be made: {error.strerror}") from error
    transfers = [
        Transfer(
            f"clip {number} of {len(SCENES)}",
            out / f"silent-{number}.mp4",
            f"sounded-{number}",
            Options(mode=Mode.HITS, seed=seed),
        )
        for number, (seed, _) in enumerate(SCENES, start=1)
    ]
    data = out / "server"
    settings = embedded(data, host="127.0.0.1", port=0, api_keys="", public_url="")
    with Server(settings) as server, Client(server.address) as client, board([one.name for one in transfers]) as show:
        _draw(transfers, show)  # meanwhile the worker loads what it needs
        send(client, transfers, show)
        server.until_ready()
        fetch(client, transfers, out, show, force=True)
        _report(transfers, server.address, data, as_json=as_json)
    if any(one.problem for one in transfers):
        raise typer.Exit(2)


def _draw(transfers: list[Transfer], show: Show) -> None:
    """The silent clips."""
    from synth.data.strike_scenes import simulate
    from web.server.samples import SCENES

    width, height = SIZE
    for number, (one, (seed, material)) in enumerate(zip(transfers, SCENES, strict=True)):
        show(number, "draw", 0.0)
        scene = simulate.draw_scene(seed, duration_s=DURATION_S, rate_fps=RATE_FPS, material=material, demo=True)
        assert one.clip is not None
        simulate.write_clip(scene, one.clip, width=width, height=height, with_sound=False)


def _report(transfers: list[Transfer], address: str, data: Path, *, as_json: bool) -> None:
    if as_json:
        say_json({"gallery": f"{address}/gallery", "jobs": [one.as_json() for one in transfers]})
        return
    for one in transfers:
        for path in one.files:
            assert one.job is not None
            say(f"{one.clip} went in, {path} came out: {one.job['outputs'][0]['hit_count']} hits")
    say(f"The gallery was at {address}/gallery; see it again with: sonorize serve --data {data}")
