"""What administrators see and change of everybody, over HTTP. Keys are in :mod:`web.api.owners.keys`."""

from __future__ import annotations

import shutil
from dataclasses import asdict
from typing import Any

from flask import Blueprint, Response

from web.api.jobs import reply
from web.api.operations import BODY, Operation, describes
from web.api.schemas import owners as schemas
from web.api.schemas.owners import ChangeOwner
from web.context import site
from workers.owners import overview
from workers.owners.keys import Scope, checked_owner
from workers.owners.quotas import Quota

blueprint = Blueprint("admin", __name__, url_prefix="/v1/admin")


def overview_json() -> dict[str, Any]:
    """Owners, queue, workers, disk and deliveries as they are now."""
    jobs = site().jobs
    disk = shutil.disk_usage(site().settings.data_dir)
    return {
        "owners": [_owner_json(row) for row in overview.owners(jobs)],
        "queue": [{**asdict(row), "oldest_s": round(row.oldest_s, 1)} for row in overview.queue(jobs)],
        "workers": [
            {**asdict(row), "seen_s": None if row.seen_s is None else round(row.seen_s, 1)}
            for row in overview.workers(jobs)
        ],
        "disk": {"free_bytes": disk.free, "total_bytes": disk.total},
        "deliveries": overview.deliveries(jobs),
        "event_streams": site().streams.open,
    }


def change(owner: str, asked: ChangeOwner) -> Quota:
    """Set what an owner may have.

    Raises:
        OptionError: nobody may be called so.
    """
    return site().jobs.owners.change(checked_owner(owner), **asked.model_dump(exclude_unset=True))


def _owner_json(row: overview.OwnerRow) -> dict[str, Any]:
    return {
        "owner": row.name,
        "queued": row.queued,
        "running": row.running,
        "jobs": row.jobs,
        "stored_bytes": row.stored_bytes,
        "sound_s_today": round(row.sound_s, 3),
        "active_keys": row.keys,
        "quota": asdict(row.quota),
    }


@blueprint.get("/overview")
@describes(
    Operation(
        "readOverview",
        "Owners, queue, workers, disk and deliveries as they are now",
        {200: schemas.Overview},
        scope=Scope.ADMIN,
    )
)
def read() -> Response:
    """Everything at once."""
    return reply(overview_json())


@blueprint.patch("/owners/<owner>")
@describes(
    Operation(
        "changeOwner",
        "Say what an owner may have",
        {200: schemas.QuotaSettings},
        BODY,
        body=ChangeOwner,
        scope=Scope.ADMIN,
    )
)
def change_owner(owner: str, body: ChangeOwner) -> Response:
    """Set some of an owner's quota."""
    return reply(asdict(change(owner, body)))
