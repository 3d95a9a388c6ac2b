"""The web's factory: settings, jobs, storage and queue in, a WSGI application out.

``web.server.http_server`` runs it on waitress. Importing this loads no torch: a test holds that.
"""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from flask import Flask

from web import context
from web.api import batches, boxes, direct, music, openapi, problems, search, sounds, uploads
from web.api import jobs as api
from web.api.events import Streams
from web.api.owners import admin, me
from web.api.owners import keys as owners_keys
from web.api.score import exchange, exemplars, scores, takes
from web.api.semantics.numbers import SmallInteger
from web.api.semantics.waiting import Waits
from web.api.webhooks import routes as webhooks_api
from web.comparisons import api as comparisons_api
from web.comparisons import page as comparisons_page
from web.context import Site
from web.gallery import changes, live, shares
from web.pages import (
    account,
    administration,
    documents,
    explanations,
    filters,
    heat_videos,
    login,
    samples,
    views,
    webhooks,
)
from web.security import addresses, csrf, sessions
from web.security.api_keys import KeyRing, Keys
from web.server import health, metrics, request_ids
from web.uploads.clips import ClipsOfUploads
from web.uploads.submit import Submitter
from workers.broker.notifications import QueueNotifier
from workers.broker.queue import Notify
from workers.errors import StorageError
from workers.faults import Faults
from workers.files.ballast import Ballast
from workers.files.cleanup import Cleanup
from workers.files.storage import Storage, storage_of
from workers.jobs import Jobs, jobs_of
from workers.owners.keys import KeyStore
from workers.settings import Settings
from workers.timing.queue_view import REMEMBERED_S
from workers.timing.remembered import Remembered
from workers.uploads.deposits import Deposits
from workers.uploads.store import Uploads
from workers.webhooks.deliveries import Deliveries
from workers.webhooks.endpoints import Endpoints
from workers.webhooks.sender import policy_of

SESSION_DAYS: Final = 14
PARTS: Final = (
    api,
    uploads,
    direct,
    batches,
    boxes,
    changes,
    explanations,
    heat_videos,
    live,
    music,
    scores,
    takes,
    exemplars,
    exchange,
    openapi,
    documents,
    views,
    search,
    shares,
    sounds,
    login,
    account,
    administration,
    admin,
    health,
    me,
    owners_keys,
    webhooks,
    webhooks_api,
    comparisons_api,
    comparisons_page,
    samples,
)
"""The modules whose blueprints make up the site."""
_log = logging.getLogger(__name__)


def create_app(
    settings: Settings,
    *,
    jobs: Jobs | None = None,
    storage: Storage | None = None,
    notify: Notify | None = None,
    broker_check: Callable[[], None] | None = None,
    faults: Sequence[Faults] = (),
) -> Flask:
    """One server's web application.

    Args:
        settings: what :mod:`workers.settings` read.
        jobs, storage: handed in by tests and by a process that has them already; else opened from the settings.
        ring: wakes a worker for a mode, never fails, and may be lost; else the broker of the settings is used.
        broker_check: raises when the broker is away; ``/readyz`` reports it.
        faults: of the parts that work beside the requests; ``/readyz`` and ``/metrics`` tell of them.

    Raises:
        OptionError: a setting is not allowed.
        WorkError: the database or the storage cannot be opened.
    """
    keys = Keys.parse(settings.api_keys)
    jobs = jobs if jobs is not None else jobs_of(settings)
    storage = storage if storage is not None else storage_of(settings)
    if notify is None:
        notifier = QueueNotifier(settings)
        notify, broker_check, faults = notifier.notify, notifier.check, (notifier.faults, *faults)
    app = Flask("web", root_path=str(Path(__file__).parent / "pages"))
    app.url_map.converters["int"] = SmallInteger
    _configure(app, settings)
    ballast = Ballast(settings.data_dir)
    held = Uploads(jobs.database, settings.uploads_dir, kept_s=settings.upload_hours * 3600)
    deposits = Deposits(jobs, storage, settings.uploads_dir, notify)
    submitter = Submitter(settings, jobs, storage, notify, ballast, deposits)
    parts = Site(
        settings=settings,
        jobs=jobs,
        storage=storage,
        submitter=submitter,
        uploads=held,
        deposits=deposits,
        clips=ClipsOfUploads(submitter, held, deposits),
        keys=KeyRing(keys, KeyStore(jobs.database)),
        streams=Streams(),
        waits=Waits(),
        cleanup=Cleanup(jobs, storage, settings.spool_dir, ballast, held),
        broker_check=broker_check,
        faults=(*faults, deposits.faults),
        media_origins=_origins(storage),
        endpoints=Endpoints(jobs.database),
        deliveries=Deliveries(jobs.database, jobs.now, time.time),
        webhook_policy=policy_of(settings),
        answers=Remembered(jobs.database, REMEMBERED_S),
    )
    context.install(app, parts)
    request_ids.install(app)
    metrics.install(app)  # its clock starts before anybody does something
    addresses.install(app, settings)
    sessions.install(app, settings)
    csrf.install(app)
    problems.install(app)
    filters.install(app)
    for part in PARTS:
        app.register_blueprint(part.blueprint)
    app.register_blueprint(shares.public)
    return app


def _configure(app: Flask, settings: Settings) -> None:
    secret = settings.secret_key
    if not secret:
        _log.warning("SONORIZE_SECRET_KEY is not set: log-ins end when this process does")
        secret = secrets.token_urlsafe(32)
    app.config.update(
        SECRET_KEY=secret,
        SESSION_COOKIE_NAME="sonorize",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=settings.public_url.startswith("https://"),
        PERMANENT_SESSION_LIFETIME=timedelta(days=SESSION_DAYS),
        MAX_CONTENT_LENGTH=None,  # guards sets it for each request that is no upload
        MAX_FORM_MEMORY_SIZE=csrf.FORM_BYTES,
        MAX_FORM_PARTS=100,
        SEND_FILE_MAX_AGE_DEFAULT=timedelta(days=365),  # static files carry a digest in their address
    )
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True


def _origins(storage: Storage) -> tuple[str, ...]:
    """Where else pictures and sounds may come from: the storage's own public address, if it has one."""
    try:
        address = storage.url("origin", expires_s=1, filename=None, content_type=None)
    except StorageError:
        return ()
    if address is None:
        return ()
    parts = urlsplit(address)
    return (f"{parts.scheme}://{parts.netloc}",)
