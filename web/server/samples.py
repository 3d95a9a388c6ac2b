"""Three results to hear before anything was uploaded: drawn and sounded in the background when a server first starts.

They are jobs of an owner that no key can have, so that everybody sees them as samples and nobody as their own.
"""

from __future__ import annotations

import hashlib
import logging
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from synth.errors import SynthError
from synth.options import Mode, Options
from web.context import Site
from web.uploads.multipart import Upload
from web.uploads.ticket import Ticket
from workers.errors import WorkError
from workers.jobs import Job, State

OWNER: Final = ":samples"
SCENES: Final = ((3, "wood"), (1, "metal"), (4, "plastic"))
"""Seed of the simulator, and what is struck: scenes of which the hits voice, which has learnt from real clips last,
takes the material for what is drawn. Of most drawn ones it does not, and a sample would not sound as its title says."""
DURATION_S: Final = 4.0
RATE_FPS: Final = 30.0
SIZE: Final = (480, 360)
KEEP_DAYS: Final = 3650.0
MARKER: Final = "samples"
"""The file in the data folder that says that they were made: who deleted them does not get them back."""
_LOOK_EVERY_S: Final = 0.5
_log = logging.getLogger(__name__)


class Samples:
    """Makes the samples of a new server, beside everything else.

    Args:
        site: of the server.
        ready: whether its workers are; the samples wait for that, and nothing waits for them.
    """

    def __init__(self, site: Site, ready: Callable[[], bool]) -> None:
        self._site, self._ready = site, ready
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="samples", daemon=True)

    def start(self) -> None:
        """Begin, unless they were made before."""
        if not self._marker.exists():
            self._thread.start()

    def stop(self) -> None:
        """Leave what is not made yet to the next start."""
        self._over.set()
        if self._thread.ident is not None:
            self._thread.join(_LOOK_EVERY_S * 4)

    @property
    def _marker(self) -> Path:
        return self._site.settings.data_dir / MARKER

    def _run(self) -> None:
        try:
            while not self._ready():
                if self._over.wait(_LOOK_EVERY_S):
                    return
            if not self._is_new() or self._make():
                self._marker.write_text("made\n", encoding="utf-8")
        except ImportError as error:
            _log.info("no samples are made: %s is not installed beside the web", error.name)
        except (SynthError, WorkError, OSError) as error:
            _log.warning("the samples were not made: %s", error)

    def _is_new(self) -> bool:
        """Whether nothing is there but samples."""
        newest, _ = self._site.jobs.recent(owner=None, limit=len(SCENES) + 1)
        return all(job.owner == OWNER for job in newest)

    def _make(self) -> bool:
        """Draw and submit them; false if told to stop before the last."""
        from synth.data.strike_scenes import simulate  # brings OpenCV, which a web alone need not have

        width, height = SIZE
        for seed, material in SCENES:
            if self._over.is_set():
                return False
            with self._site.submitter.spool.request() as folder:
                clip = folder / f"sample-{material}.mp4"
                scene = simulate.draw_scene(
                    seed, duration_s=DURATION_S, rate_fps=RATE_FPS, material=material, demo=True
                )
                simulate.write_clip(scene, clip, width=width, height=height, with_sound=False)
                content = clip.read_bytes()
                upload = Upload(clip, f"Sample: {material}", len(content), hashlib.sha256(content).hexdigest())
                options = Options(mode=Mode.HITS, seed=seed)
                ticket = Ticket(OWNER, options, idempotency_key=f"sample {material}", keep_days=KEEP_DAYS)
                self._site.submitter.submit(upload, ticket)
        return True


def shown(site: Site) -> list[tuple[Job, Mapping[str, Any]]]:
    """The samples that can be heard, each with its take, in the order in which they were made."""
    found, _ = site.jobs.recent(owner=OWNER, state=State.SUCCEEDED, limit=len(SCENES))
    return [(job, (job.result or {})["outputs"][0]) for job in reversed(found)]
