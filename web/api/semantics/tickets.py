"""What a request wants of a job, or of all jobs of a batch, as a ticket: checked against what this server has."""

from __future__ import annotations

from synth.options import Options
from web.api.problems import Problem
from web.api.schemas.batches import BatchDefaults
from web.api.schemas.jobs import BatchUpload, JobOfUpload, Upload
from web.api.schemas.options import OptionsBody, OptionsForm
from web.api.semantics import preferences
from web.api.webhooks.steps import allowed_url
from web.context import owner, site
from web.uploads import forms
from web.uploads.ticket import Ticket
from workers.jobs import made_at


def checked_days(name: str, days: float | None) -> float | None:
    """A number of days for which somebody wants files kept.

    Raises:
        Problem: ``option``, where it is more than the operator allows.
    """
    most = site().settings.retention_max_days
    if days is not None and days > most:
        raise Problem("option", f"{name} is {days:g}; allowed are up to {most:g} days on this server")
    return days


def options_of(form: OptionsForm | OptionsBody) -> Options:
    """The options of an upload.

    Raises:
        OptionError: this server has not what is asked for.
    """
    return forms.parse_options(form.options(), site().libraries)


def ticket_of(asked: Upload | JobOfUpload, key: str | None) -> Ticket:
    """What the caller asks for.

    Raises:
        OptionError, Problem: something of it is not allowed.
    """
    if asked.batch_id and made_at(asked.batch_id) is None:
        raise Problem("option", "batch_id is not the id of a batch: 26 digits and small letters")
    return Ticket(
        owner(),
        options_of(asked),
        asked.batch_id or None,
        key,
        preferences.cancel_after_s(asked.cancel_after),
        checked_days("keep_days", asked.keep_days or None),
        custom_id=asked.custom_id or None,
        webhook_url=allowed_url(asked.webhook) if asked.webhook else None,
    )


def ticket_of_batch(asked: BatchUpload | BatchDefaults, batch_id: str, key: str | None) -> Ticket:
    """What is wanted of every item that says nothing else. Raises as :func:`ticket_of`."""
    return Ticket(
        owner(),
        options_of(asked),
        batch_id,
        key,
        preferences.cancel_after_s(asked.cancel_after),
        checked_days("keep_days", asked.keep_days or None),
        webhook_url=allowed_url(asked.webhook) if asked.webhook else None,
    )
