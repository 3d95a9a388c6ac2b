"""The verb that sends clips to a server: submit."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from synth.cli import sound, words
from synth.cli.clips import found, tell_skipped
from synth.cli.console import say, say_json, warn
from synth.cli.flags import DEFAULTS, asks_for
from synth.errors import OptionError
from synth.options import Mode, Options

if TYPE_CHECKING:
    from web.commands.transfer import Transfer

Files = Annotated[
    list[Path] | None, typer.Argument(help="The clips to send; of a folder all videos in it.", metavar="CLIP")
]
Server = Annotated[
    str | None, typer.Option(help="Its address.", metavar="URL", show_default="http://127.0.0.1:8080")
]  # fmt: skip
Jobs = Annotated[
    list[str] | None,
    typer.Option("--job", help="Wait for a job sent earlier, instead of sending files; may be repeated.", metavar="ID"),
]


@asks_for()
def submit(
    files: Files = None,
    server: Server = None,
    job: Jobs = None,
    wait: Annotated[bool, typer.Option("--wait", help="Wait until the clips are sounded.")] = False,
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="Wait, and put the results into this folder.", metavar="DIR")
    ] = None,
    options: Options = DEFAULTS,
    force: sound.Force = False,
    save_hits: sound.SaveHits = False,
    as_json: sound.Json = False,
) -> None:
    """Send clips to a server, and fetch what it makes of them; its key, if it wants one, is in SONORIZE_API_KEY."""
    understood = words.understood(options, as_json=as_json)
    from web.client import Client
    from web.commands.transfer import Transfer, board, fetch, refuse_clashes, send
    from workers.settings import ClientSettings

    meant = found(files or (), out)
    tell_skipped(meant)
    transfers = [
        *(Transfer(one.path.name, one.path, str(one.below / one.path.stem), options) for one in meant.clips),
        *(Transfer(one) for one in job or ()),
    ]
    if not transfers:
        raise OptionError("there is nothing to send; name clips, or with --job what was sent earlier")
    if out is not None:
        refuse_clashes([one for one in transfers if one.stem], out, force=force)
    asked = ClientSettings() if server is None else ClientSettings(server=server)
    with Client(asked.server, asked.api_key) as client, board([one.name for one in transfers]) as show:
        send(client, transfers, show)
        try:
            if wait or out is not None:
                fetch(client, transfers, out, show, force=force, save_hits=save_hits)
        except BaseException:
            _tell_how_to_go_on(transfers)
            raise
    if as_json:
        say_json({"jobs": [one.as_json() for one in transfers], **({"prompt": understood} if understood else {})})
    else:
        for one in transfers:
            _report(one, asked.server)
    if any(one.problem for one in transfers):
        raise typer.Exit(2)


def _report(one: Transfer, server: str) -> None:
    if one.job is None or (one.problem is not None and not one.files):
        return  # was complained of when it came up
    page = server.rstrip("/") + one.job["links"]["page"]
    if not one.files:
        say(f"{one.name}: {one.job['status']}, {page}")
        return
    for path, output in zip([path for path in one.files if path.suffix != ".json"], one.job["outputs"], strict=True):
        chosen = (output["sound_class"] or {}).get("name")
        what = sound.told_sound(output["hit_count"], chosen, Mode(output["mode"]))
        level = "silence" if output["loudness_lufs"] is None else f"{output['loudness_lufs']:.1f} LUFS"
        say(f"{path}: {what}, {level}, {output['duration_s']:.2f} s of picture; {page}")


def _tell_how_to_go_on(transfers: Sequence[Transfer]) -> None:
    """The server works on; what it makes can be fetched later."""
    waiting = [f"--job {one.job['id']}" for one in transfers if one.job is not None and not one.files]
    if waiting:
        warn(f"the server works on; to fetch the results: sonorize submit {' '.join(waiting)} -o DIR")
