"""What is counted, by the name under which ``/metrics`` shows it. The conventions are those of Prometheus: a base unit
in the name, counters end in ``_total``, labels have few values. No label ever holds an owner, a job or a file name.
"""

from __future__ import annotations

from typing import Final

from workers.telemetry.counters import CounterFamily, HistogramFamily

SECONDS: Final = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 900.0, 1800.0)

ATTEMPTS: Final = CounterFamily(
    "sonorize_job_attempts",
    "Attempts at jobs that ended, by outcome: succeeded, failed, retried, canceled, or lost with their worker.",
    ("mode", "outcome"),
)
ERRORS: Final = CounterFamily(
    "sonorize_job_errors", "Attempts that failed, by the error's code, as jobs tell it.", ("mode", "code")
)
LEASES_LOST: Final = CounterFamily(
    "sonorize_leases_lost", "Leases that ran out because their worker was killed, stuck or cut off.", ("mode",)
)
NOTIFIED_AGAIN: Final = CounterFamily(
    "sonorize_notifications_repeated",
    "Times that a worker had to be notified again of a job that still waited: the first notification was lost, or "
    "nobody was free.",
    ("mode",),
)
STORAGE_ERRORS: Final = CounterFamily(
    "sonorize_storage_errors",
    "Calls to the storage that failed, by the system's or the object storage's own name of the error.",
    ("kind",),
)
ORPHANS: Final = CounterFamily("sonorize_orphans_removed", "Stored files that belonged to no job and were deleted.")
WORKER_FAULTS: Final = CounterFamily(
    "sonorize_worker_faults",
    "What went wrong in the background of worker processes, by part and kind of error.",
    ("part", "kind"),
)
DELIVERIES: Final = CounterFamily(
    "sonorize_webhook_deliveries",
    "Tries to deliver a webhook, by outcome: delivered, retried later, failed for good, or refused because of where "
    "the address leads.",
    ("outcome",),
)
STAGE_SECONDS: Final = HistogramFamily(
    "sonorize_stage_seconds", "Wall seconds that the stages of finished jobs took.", ("mode", "stage"), SECONDS
)
WAIT_SECONDS: Final = HistogramFamily(
    "sonorize_job_wait_seconds", "Seconds that jobs waited in the queue before they were begun.", ("mode",), SECONDS
)

COUNTERS: Final = (ATTEMPTS, ERRORS, LEASES_LOST, NOTIFIED_AGAIN, STORAGE_ERRORS, ORPHANS, WORKER_FAULTS, DELIVERIES)
HISTOGRAMS: Final = (STAGE_SECONDS, WAIT_SECONDS)
