"""A take's heat maps over its video, drawn when somebody asks for it: a question to a worker, answered with a file.

The file goes beside the take's other files, under a key that the asker names, so it is drawn once.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from synth.description import heat_map
from synth.errors import OptionError
from workers.attempt import Attempt
from workers.files.result_upload import patiently, put
from workers.files.storage import Storage


def draw(storage: Storage, attempt: Attempt, folder: Path) -> dict[str, Any]:
    """Draw what a question asks for and store it; the question's ``result``.

    Args:
        folder: where the take's video lies as ``source``.

    Raises:
        OptionError: the take has no maps of that method.
        MediaError: the video cannot be read, or its maps are none.
        StorageError: patience ended.
        Cancelled: the work is to be stopped.
    """
    request = attempt.job.info
    kept, drawn = folder / "maps.npz", folder / "overlay.mp4"
    patiently(attempt, lambda: storage.fetch(str(request["maps_key"]), kept))
    maps, times_s = heat_map.load(kept)
    if request["method"] not in maps:
        raise OptionError(f"method is {request['method']!r}; the take has {', '.join(maps) or 'no maps'}")
    heat_map.write_video(
        folder / "source",
        maps[request["method"]],
        times_s,
        drawn,
        cancelled=attempt.stop,
        progress=lambda fraction: attempt.progress("draw", fraction),
    )
    return {"outputs": [], "overlay_key": put(storage, attempt, str(request["target_key"]), drawn)}
