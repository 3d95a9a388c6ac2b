"""What every view needs, handed in once by the factory and found again with :func:`site`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

from flask import Flask, current_app, g

from synth.voices.library import registry as libraries
from workers.faults import Faults
from workers.files.storage import Storage
from workers.gallery import listing
from workers.jobs import Job, Jobs
from workers.settings import Settings
from workers.timing.queue_view import QueueView
from workers.timing.remembered import Remembered

if TYPE_CHECKING:
    from web.api.events import Streams
    from web.api.semantics.waiting import Waits
    from web.security.api_keys import Caller, KeyRing
    from web.uploads.clips import ClipsOfUploads
    from web.uploads.submit import Submitter
    from workers.files.cleanup import Cleanup
    from workers.uploads.deposits import Deposits
    from workers.uploads.store import Uploads
    from workers.webhooks.addresses import Policy
    from workers.webhooks.deliveries import Deliveries
    from workers.webhooks.endpoints import Endpoints, Webhook


_KEY: Final = "sonorize"
NOBODY: Final = "local"  # who owns a job while no API keys are configured


@dataclass(frozen=True)
class Site:
    """The parts of one server."""

    settings: Settings
    jobs: Jobs
    storage: Storage
    submitter: Submitter
    uploads: Uploads
    deposits: Deposits
    clips: ClipsOfUploads
    keys: KeyRing
    streams: Streams
    waits: Waits
    cleanup: Cleanup
    broker_check: Callable[[], None] | None
    faults: tuple[Faults, ...]
    media_origins: tuple[str, ...]
    endpoints: Endpoints
    deliveries: Deliveries
    webhook_policy: Policy
    answers: Remembered

    @property
    def libraries(self) -> tuple[str, ...]:
        """Names of the sound libraries that jobs may use."""
        return libraries.names(self.settings.libraries_dir)

    def job(self, job_id: str) -> Job:
        """One job of the caller.

        Raises:
            NotFound: there is none, or it belongs to somebody else.
        """
        return self.jobs.get(job_id, viewer())

    def webhook(self, webhook_id: str) -> Webhook:
        """One webhook of the caller.

        Raises:
            NotFound: there is none, or it belongs to somebody else.
        """
        return self.endpoints.get(webhook_id, viewer())


def site() -> Site:
    """The parts of the server that answers this request."""
    return cast(Site, current_app.extensions[_KEY])


def install(app: Flask, parts: Site) -> None:
    """Hand the parts to an app."""
    app.extensions[_KEY] = parts


def parts_of(app: Flask) -> Site:
    """The parts that were handed to an app."""
    return cast(Site, app.extensions[_KEY])


def owner() -> str:
    """Under which name this caller's jobs stand."""
    return caller().owner


def caller() -> Caller:
    """Who asks, as :mod:`web.security.sessions` found out before the view began."""
    return cast("Caller", g.caller)


def viewer() -> str | None:
    """Whose jobs this caller may see; ``None`` sees all, which is so only while no keys are needed."""
    return owner() if g.keyed else None


def queue_view() -> QueueView:
    """How the queue stands, looked at once a request: a list of a hundred jobs asks no hundred times."""
    if "queue_view" not in g:
        g.queue_view = site().jobs.queue()
    return cast(QueueView, g.queue_view)


def favourites() -> frozenset[str]:
    """All that the caller marked, looked up once a request."""
    if "favourites" not in g:
        g.favourites = listing.all_favourites(site().jobs.database, viewer())
    return cast("frozenset[str]", g.favourites)


def forget_favourites() -> None:
    """One was marked, or is no longer."""
    g.pop("favourites", None)


def look_at_the_queue_again() -> None:
    """For a request that took its time: what :func:`queue_view` knows is old."""
    g.pop("queue_view", None)


def owner_retention_days(owner: str) -> float | None:
    """For how many days an owner wants results kept; asked once a request."""
    if "retention_days" not in g:
        g.retention_days = {}
    known = cast("dict[str, float | None]", g.retention_days)
    if owner not in known:
        known[owner] = site().jobs.owners.quota(owner).retention_days
    return known[owner]
