"""The verb verify: whether all that is stored is there and whole, and mending what is not."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Annotated, Final

import typer

from synth.cli.console import say, say_json
from web.commands.index import Json
from web.commands.serve import Data

if TYPE_CHECKING:
    from workers.files.verification import Report
    from workers.settings import Settings

SHOWN: Final = 50


def verify(
    data: Data = None,
    repair: Annotated[bool, typer.Option("--repair", help="Mend what can be mended, and say what was done.")] = False,
    quick: Annotated[bool, typer.Option("--quick", help="Compare lengths only; reads no file.")] = False,
    as_json: Json = False,
) -> None:
    """Find stored files that are missing, orphaned, cut off or changed; exit code 2 when some are, and stay so."""
    from workers.settings import of_this_machine

    settings = of_this_machine(data)
    report = _verified(settings, repair=repair, quick=quick)
    if as_json:
        say_json({"data": str(settings.data_dir), **report.as_json()})
    else:
        _tell(report, repair=repair)
    if report.unrepaired:
        raise typer.Exit(2)


def _verified(settings: Settings, *, repair: bool, quick: bool) -> Report:
    from tqdm import tqdm

    from workers.broker.notifications import QueueNotifier
    from workers.files.repair import Repairer
    from workers.files.storage import storage_of
    from workers.files.verification import Verifier
    from workers.jobs import jobs_of

    jobs, storage = jobs_of(settings), storage_of(settings)
    notifier = QueueNotifier(settings)
    repairer = Repairer(jobs, storage, settings.data_dir, notifier.notify) if repair else None
    try:
        total = sum(jobs.counts().values())
        with tqdm(desc="verify", unit="job", total=total, disable=None, leave=False) as bar:
            verifier = Verifier(jobs, storage, quick=quick)
            return verifier.run(repairer.repair if repairer else None, lambda _: bar.update())
    finally:
        notifier.close()
        jobs.close()


def _tell(report: Report, *, repair: bool) -> None:
    for one in report.wrong[:SHOWN]:
        say(f"{one.fault}  {one.key}: {one.detail}{f'; {one.repair}' if one.repair else ''}")
    if len(report.wrong) > SHOWN:
        say(f"and {len(report.wrong) - SHOWN} more; --json lists all of them")
    faults = Counter(one.fault.value for one in report.findings)
    found = ", ".join(f"{count} {fault}" for fault, count in sorted(faults.items())) or "all as they were stored"
    say(f"{report.objects} objects of {report.jobs} jobs, {report.bytes_ / 1e6:.1f} MB: {found}")
    if repair:
        say(f"{len(report.wrong) - len(report.unrepaired)} of {len(report.wrong)} were repaired")
    elif report.findings:
        say("`sonorize verify --repair` mends what can be mended.")
