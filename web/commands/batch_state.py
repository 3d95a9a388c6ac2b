"""What ``submit --batch`` has done so far, in a file beside the clips: a run that ended early is gone on with.

The file is replaced whole after every step. A clip that changed since is sent anew.
"""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from synth.errors import OptionError
from synth.files import write_whole
from synth.options import Options
from web.client.errors import Missing
from web.client.sync import Client, Sent
from workers.records import new_id

NAME: Final = ".sonorize-batch.json"


@dataclass
class Item:
    """One clip.

    Attributes:
        mark: of the file as it was when it was sent: its length and when it was changed.
        upload, job: their ids, once there are any.
    """

    custom_id: str
    mark: str
    upload: str | None = None
    job: str | None = None


@dataclass
class BatchState:
    """One batch on its way to one server.

    Attributes:
        file: where it is kept.
        options: what is asked for; another run may not ask for something else.
        items: by the clip's path below the folder.
    """

    file: Path
    server: str
    batch_id: str
    options: Mapping[str, Any]
    items: dict[str, Item] = field(default_factory=dict)

    def save(self) -> None:
        """Write it down, whole or not at all. Raises MediaError."""
        told = {"server": self.server, "batch_id": self.batch_id, "options": dict(self.options)}
        told["items"] = {name: asdict(item) for name, item in self.items.items()}
        write_whole(self.file, json.dumps(told, indent=1).encode())

    def item(self, name: str, clip: Path) -> Item:
        """That of a clip; a new one for a clip that is new, or not as it was."""
        seen = clip.stat()
        mark = f"{seen.st_size} {seen.st_mtime_ns}"
        known = self.items.get(name)
        if known is None or known.mark != mark:
            known = self.items[name] = Item(_custom_id(name, mark), mark)
        return known


def state_of_folder(folder: Path, server: str, options: Options, *, resume: bool) -> BatchState:
    """The batch of a folder: that of an earlier run, or a new one.

    Raises:
        OptionError: there is an earlier run that is not to be gone on with; or it was for another server, or asked for
            something else; or its file cannot be read.
    """
    file = folder / NAME
    if not file.exists():
        return BatchState(file, server, new_id(time.time()), options.as_dict())
    if not resume:
        raise OptionError(f"a batch of this folder was begun; --resume goes on with it, or delete {str(file)!r}")
    try:
        told = json.loads(file.read_text(encoding="utf-8"))
        items = {str(name): Item(**item) for name, item in told["items"].items()}
        found = BatchState(file, str(told["server"]), str(told["batch_id"]), told["options"], items)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise OptionError(f"{str(file)!r} cannot be read; delete it to begin anew") from error
    if found.server != server:
        raise OptionError(f"this batch was begun on {found.server}, and the server is {server}")
    if dict(found.options) != options.as_dict():
        raise OptionError("this batch was begun with other options; delete its file to begin anew")
    return found


def sent(client: Client, state: BatchState, item: Item, clip: Path, told: Sent) -> dict[str, Any]:
    """The job of a clip: that of an earlier run, or one that is made now; what was sent of the clip is not sent again.

    Raises:
        ClientError, Unreachable: the server refuses it, or does not answer.
        OSError: the clip cannot be read.
    """
    if item.job is not None:
        try:
            return client.get(item.job)
        except Missing:  # somebody deleted it
            item.job = None
    for last in (False, True):
        if item.upload is None:
            item.upload = client.begin_upload(clip)
            state.save()
        try:
            client.upload(clip, item.upload, sent=told)
            asked = {**state.options, "batch_id": state.batch_id, "custom_id": item.custom_id}
            key = f"{state.batch_id}-{item.custom_id}"
            job = client.create_of(item.upload, idempotency_key=key, **asked)
            break
        except Missing:  # the upload expired: once more from the start
            item.upload = None
            if last:
                raise
    item.job = str(job["id"])
    state.save()
    return job


def _custom_id(name: str, mark: str) -> str:
    """A name that tells people which clip it is, and that no other clip has."""
    words = re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-.")[-48:]
    return f"{words}-{hashlib.sha256(f'{name} {mark}'.encode()).hexdigest()[:10]}"
