"""The verbs about API keys. The server keeps digests only; a key is seen once, when it is made.

``create`` makes a key for the settings and touches nothing; the others work on a server's database, and what they
change counts at once. Importable without the database's library, since every command imports every verb.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from synth.cli.console import say, say_json
from synth.errors import OptionError

if TYPE_CHECKING:
    from workers.owners.keys import Key, KeyStore
    from workers.settings import Settings

DAY_S: Final = 86_400.0

keys_app: Final = typer.Typer(no_args_is_help=True, help="Keys for programs and people that use the server.")

AsJson = Annotated[bool, typer.Option("--json", help="Print the whole result as JSON.")]
Owner = Annotated[str, typer.Argument(help="Whose key it is; jobs belong to this name.", metavar="OWNER")]
KeyId = Annotated[str, typer.Argument(help="The key's id, as `sonorize keys list` prints it.", metavar="ID")]
Scopes = Annotated[
    str, typer.Option(help="What the key is good for: read, write, admin, with commas between them.", metavar="LIST")
]
Data = Annotated[
    Path | None,
    typer.Option(help="The server's data folder; without it, as the settings say.", metavar="DIR", show_default=False),
]


@keys_app.command("create")
def create(
    name: Annotated[str, typer.Argument(help="Whose key it is; jobs belong to this name.")],
    scopes: Scopes = "read,write",
    as_json: AsJson = False,
) -> None:
    """Make a key for the server's settings: print it once, and what the settings need to know of it."""
    from workers.owners.keys import PREFIX, SECRET_BYTES, USUAL_SCOPES, Scope, checked_owner, parsed_scopes

    checked_owner(name)
    chosen = parsed_scopes(scopes)
    key = PREFIX + secrets.token_urlsafe(SECRET_BYTES)
    entry = f"{name}:{hashlib.sha256(key.encode()).hexdigest()}"
    if chosen != USUAL_SCOPES:
        entry += ":" + "+".join(scope for scope in Scope if scope in chosen)
    if as_json:
        say_json({"name": name, "key": key, "entry": entry})
        return
    say(f"The key of {name}, shown this once; `sonorize submit` finds it in SONORIZE_API_KEY:")
    say(f"  {key}")
    say("For the server, several entries with commas between them:")
    say(f"  SONORIZE_API_KEYS={entry}")


@keys_app.command("add")
def add(
    owner: Owner,
    scopes: Scopes = "read,write",
    label: Annotated[str, typer.Option(help="What it is for, such as the machine that holds it.")] = "",
    expires_days: Annotated[float | None, typer.Option(min=0, help="Days until it opens nothing any more.")] = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Make a key in the server's database: it opens the server at once, without a restart."""
    from workers.owners.keys import parsed_scopes

    ends = None if expires_days is None else time.time() + expires_days * DAY_S
    with _store(data) as store:
        key, secret = store.make(owner, parsed_scopes(scopes), label=label, expires_at=ends, made_by="command line")
    _tell(key, secret, as_json)


@keys_app.command("list")
def listing(
    owner: Annotated[str | None, typer.Argument(help="Only this owner's.", metavar="OWNER", show_default=False)] = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """List the keys of the server's database, newest first; those of its settings are not among them."""
    from workers.owners.keys import Scope

    with _store(data) as store:
        keys = store.listed(owner)
    if as_json:
        say_json({"keys": [key.as_json() for key in keys]})
        return
    for key in keys:
        words = " ".join(scope for scope in Scope if scope in key.scopes)
        say(f"{key.id}  {key.owner}  {words}  {_state(key)}  {_used(key)}{'  ' + key.label if key.label else ''}")
    if not keys:
        say("There are no keys in this database.")


@keys_app.command("revoke")
def revoke(id: KeyId, data: Data = None, as_json: AsJson = False) -> None:
    """End a key at once, with its sessions and its event streams."""
    with _store(data) as store:
        key = store.revoke(id, None)
    if as_json:
        say_json(key.as_json())
        return
    say(f"The key {key.id} of {key.owner} opens nothing any more.")


@keys_app.command("rotate")
def rotate(
    id: KeyId,
    overlap_hours: Annotated[
        float | None, typer.Option(min=0, help="So long the old key is good beside the new one.", show_default="24")
    ] = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Replace a key by a new one with the same scopes and lifetime."""
    from workers.owners.keys import OVERLAP_S

    overlap_s = OVERLAP_S if overlap_hours is None else overlap_hours * 3600
    with _store(data) as store:
        key, secret = store.rotate(id, None, overlap_s=overlap_s, made_by="command line")
    if not as_json:
        say(f"The key {id} is good for {overlap_s / 3600:g} more hours, unless it expires before.")
    _tell(key, secret, as_json)


@contextmanager
def _store(data: Path | None) -> Iterator[KeyStore]:
    from workers.jobs import jobs_of
    from workers.owners.keys import KeyStore
    from workers.settings import from_environment

    jobs = jobs_of(_existing(from_environment(data_dir=data)))
    try:
        yield KeyStore(jobs.database)
    finally:
        jobs.close()


def _existing(settings: Settings) -> Settings:
    """The settings, unless a slip in the folder's name would make a new database of nobody's."""
    from urllib.parse import unquote, urlsplit

    database = urlsplit(settings.database_url)
    if database.scheme == "sqlite" and not Path(unquote(database.path[1:])).parent.is_dir():
        raise OptionError(f"there is no folder {str(settings.data_dir)!r}; make it, or name the server's with --data")
    return settings


def _tell(key: Key, secret: str, as_json: bool) -> None:
    if as_json:
        say_json({"key": secret, **key.as_json()})
        return
    say(f"The key {key.id} of {key.owner}, shown this once; `sonorize submit` finds it in SONORIZE_API_KEY:")
    say(f"  {secret}")


def _state(key: Key) -> str:
    from workers.records import moment

    if key.revoked_at is not None:
        return f"revoked {moment(key.revoked_at)}"
    if key.expires_at is None:
        return "no end"
    return f"{'ends' if key.active(time.time()) else 'expired'} {moment(key.expires_at)}"


def _used(key: Key) -> str:
    from workers.records import moment

    return "never used" if key.last_used_at is None else f"used {moment(key.last_used_at)}"
