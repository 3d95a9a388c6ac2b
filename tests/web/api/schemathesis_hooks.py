"""What schemathesis is told of this server: files that are clips, and jobs that there are.

Loaded by schemathesis itself, in its own process. The environment names the files and the jobs.
"""

from __future__ import annotations

import os
import random
from pathlib import Path
from typing import Any

import schemathesis
from hypothesis import strategies

CLIP = Path(os.environ["SONORIZE_TEST_CLIP"]).read_bytes()
PICTURE = Path(os.environ["SONORIZE_TEST_PICTURE"]).read_bytes()
SOUND = Path(os.environ["SONORIZE_TEST_SOUND"]).read_bytes()
PLACES = {
    "job_id": os.environ["SONORIZE_TEST_JOBS"].split(","),
    "batch_id": os.environ["SONORIZE_TEST_BATCHES"].split(","),
}

for _kind in ("video/mp4", "video/quicktime", "video/x-matroska", "video/webm"):
    schemathesis.openapi.media_type(_kind, strategies.just(CLIP))
for _kind in ("image/jpeg", "image/png", "image/webp"):
    schemathesis.openapi.media_type(_kind, strategies.just(PICTURE))
for _kind in ("audio/wav", "audio/mpeg", "audio/flac"):
    schemathesis.openapi.media_type(_kind, strategies.just(SOUND))


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    """Send most requests to a job or a batch that is there; what is deleted is another's turn."""
    if case.operation.method.upper() == "DELETE":
        return
    for name, there in PLACES.items():
        if name in (case.path_parameters or {}) and random.Random(repr(case.path_parameters)).random() < 0.7:
            case.path_parameters[name] = random.Random(case.id).choice(there)
