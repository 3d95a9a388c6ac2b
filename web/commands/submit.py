"""The verb that sends clips to a server: submit."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from synth.cli import sound, words
from synth.cli.clips import Clip, found, tell_skipped
from synth.cli.console import say, say_json, warn
from synth.cli.flags import DEFAULTS, asks_for
from synth.errors import OptionError
from synth.options import Mode, Options
from web.client.errors import Unreachable

if TYPE_CHECKING:
    from web.client.sync import Client, Sent
    from web.commands.batch_state import BatchState
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


Batch = Annotated[
    Path | None,
    typer.Option(help="Send all videos in this folder as one batch; where it stands is kept in it.", metavar="DIR"),
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
    batch: Batch = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="With --batch: go on with an earlier run; what it sent is not sent again.")
    ] = False,
    force: sound.Force = False,
    save_hits: sound.SaveHits = False,
    as_json: sound.Json = False,
) -> None:
    """Send clips to a server, and fetch what it makes of them; its key, if it wants one, is in SONORIZE_API_KEY."""
    understood = words.understood(options, as_json=as_json)
    from web.client.sync import Client
    from web.commands.batch_state import state_of_folder
    from web.commands.transfer import Transfer, are_there, board, fetch, refuse_clashes, send
    from workers.settings import ClientSettings

    if batch is not None and (files or job):
        raise OptionError("--batch names a folder, and clips or jobs are named beside it; which of them is meant?")
    if resume and batch is None:
        raise OptionError("--resume goes on with a batch; name its folder with --batch")
    meant = found(files or (), out) if batch is None else found([batch], out)
    tell_skipped(meant)
    transfers = [
        *(Transfer(_name(one, batch), one.path, str(one.below / one.path.stem), options) for one in meant.clips),
        *(Transfer(one) for one in job or ()),
    ]
    if not transfers:
        raise OptionError("there is nothing to send; name clips, or with --job what was sent earlier")
    if out is not None and resume:
        transfers = [one for one in transfers if force or not are_there(one, out)]
    if out is not None:
        refuse_clashes([one for one in transfers if one.stem], out, force=force or resume)
    asked = ClientSettings() if server is None else ClientSettings(server=server)
    with Client(asked.server, asked.api_key) as client, board([one.name for one in transfers]) as show:
        if batch is None:
            send(client, transfers, show)
        else:
            state = state_of_folder(batch, client.base_url, options, resume=resume)
            send(client, transfers, show, partial(_send_item, client, state))
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


def _name(one: Clip, batch: Path | None) -> str:
    return one.path.name if batch is None else str(one.below / one.path.name)


def _send_item(client: Client, state: BatchState, one: Transfer, told: Sent) -> dict[str, Any]:
    """Send a clip of a batch, or what of it is missing; the user hears how to go on when that is broken off."""
    from web.commands.batch_state import sent

    assert one.clip is not None
    try:
        return sent(client, state, state.item(one.name, one.clip), one.clip, told)
    except (KeyboardInterrupt, Unreachable):
        warn(f"to go on where this ended: sonorize submit --batch {str(state.file.parent)!r} --resume")
        raise


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
