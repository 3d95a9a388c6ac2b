"""One worker process: Celery's own program with a reconciler beside it. Started by
:mod:`workers.embedded.supervisor`."""

from __future__ import annotations

import argparse
import logging
import sys
import warnings
from pathlib import Path
from typing import Any, Final

from celery import signals
from celery.exceptions import CPendingDeprecationWarning, SecurityWarning

from synth.errors import SynthError
from workers.broker.notifications import QueueNotifier
from workers.broker.queue import make_app, queue_of
from workers.errors import WorkError
from workers.files.storage import storage_of
from workers.jobs import jobs_of
from workers.pulse import PulseWatch
from workers.reconciler import Reconciler
from workers.settings import from_environment
from workers.telemetry import logs
from workers.telemetry.fault_tally import FaultTally
from workers.timing import presence

DEAF_S: Final = 10.0  # a job that waits so long beside an idle worker has been notified of several times

_log = logging.getLogger(__name__)


def main(arguments: list[str] | None = None) -> None:
    """Work until asked to end: SIGTERM finishes the running job first."""
    parser = argparse.ArgumentParser(prog="python -m workers.worker", description=__doc__)
    parser.add_argument("--name", required=True, help="of this worker, unlike all others")
    parser.add_argument("--modes", required=True, help="modes to work for, separated by commas")
    parser.add_argument("--beside", default="", help="modes that its process listens for by itself, beside those")
    parser.add_argument("--alive", type=Path, required=True, help="file to touch as long as all is well")
    parsed = parser.parse_args(arguments)
    logs.set_up("text", logging.INFO)
    warnings.filterwarnings("ignore", category=SecurityWarning)  # of work as root with pickle, which is refused here
    try:
        settings = from_environment()
        logs.set_up(settings.log_format, logging.INFO)
        jobs, storage = jobs_of(settings), storage_of(settings)
    except (WorkError, SynthError) as error:
        sys.exit(str(error))
    app, notifier = make_app(settings), QueueNotifier(settings)
    app.set_current()
    modes = parsed.modes.split(",")
    pulses = PulseWatch(settings.work_dir, parsed.name, settings.lease_s)
    answered = [*modes, *filter(None, parsed.beside.split(","))]
    signs = presence.Signs(jobs.database, parsed.name, answered, jobs.now)

    def show_life() -> None:
        pulses.look()
        tally.look()
        try:
            deaf = notifier.faults.reason is None and jobs.neglects(parsed.name, answered, DEAF_S)
        except WorkError:
            deaf = False  # without database or broker a worker has nothing to hear
        if not deaf:
            parsed.alive.touch()
            signs.show()

    reconciler = Reconciler(settings, jobs, storage, notifier.notify, after=show_life)
    tally = FaultTally(notifier.faults, reconciler.faults)

    def ready(**_: Any) -> None:
        warnings.filterwarnings("ignore", category=CPendingDeprecationWarning)  # of a default of Celery 6; ours is set
        parsed.alive.touch()
        reconciler.start()

    def bereaved(pid: int, **_: Any) -> None:
        try:
            jobs.abandon(f"{parsed.name}#{pid}", blameless=False)
        except WorkError as error:
            _log.warning("the lease of a lost process will run out by itself: %s", error)

    signals.worker_ready.connect(ready, weak=False)
    signals.worker_process_shutdown.connect(bereaved, weak=False)
    queues = ",".join(queue_of(mode) for mode in modes)
    quiet = ("--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel=WARNING")
    app.worker_main(["--quiet", "worker", "-n", parsed.name, "-Q", queues, *quiet])
    reconciler.stop()
    signs.leave()
    notifier.close()


if __name__ == "__main__":
    main()
