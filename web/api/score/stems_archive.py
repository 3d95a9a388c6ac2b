"""The parts of a take as one zip of WAV files, each at the level that it has in the mix."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any, Final

import numpy as np
from flask import Response, request

from synth.media import audio
from synth.media.sound import lossless
from synth.score import kept
from synth.score.score import ORIGINAL, Score
from web.api import media
from web.api.problems import Problem
from web.context import site
from workers.files.keys import CHUNK_BYTES
from workers.jobs import Job
from workers.score.stored import score_of

_FARTHEST_DB: Final = 40.0


def answer(job: Job, entry: Mapping[str, Any]) -> Response:
    """The zip: made first, so that what is wrong can still be said, and then sent.

    Raises:
        Problem: ``not-found`` where no parts are kept, or none is to be delivered; ``damaged``.
    """
    if entry.get("score_key") is None:
        raise Problem("not-found", "no parts of this take are kept: it is of an older release, or was canceled")
    score, filename = score_of(site().storage, job, entry), media.stored_name(job, entry, "stems")
    keys = {str(one["name"]): str(one["key"]) for one in entry.get("stems", ())}
    if entry.get("original_key"):
        keys[ORIGINAL] = str(entry["original_key"])
    wanted = [stem.name for stem in score.stems if stem.delivered and stem.name in keys]
    if not wanted:
        raise Problem("not-found", "no parts of this take are kept; they are of clips of up to three minutes")
    with site().submitter.spool.request() as folder:
        target = Path(folder) / "stems.zip"
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as packed:
            for name in wanted:
                path = _levelled(Path(folder), keys[name], name, entry, score)
                packed.write(path, filename.replace(".stems.zip", f".{name}.wav"))
                path.unlink()
        file, size = target.open("rb"), target.stat().st_size  # it is there until it is closed, its folder or not
    response = Response(_pieces(file), content_type="application/zip", direct_passthrough=True)
    response.content_length = size
    if request.method == "HEAD":
        file.close()
    response.headers["Cache-Control"] = "private, no-cache"
    return media.dressed(response, filename)


def _levelled(folder: Path, key: str, name: str, entry: Mapping[str, Any], score: Score) -> Path:
    """A part as 24 bit at the rate of the take: its own level, that of its stem, and the gain of the whole."""
    media.whole_size(key)
    raw = folder / f"part.{key.rpartition('.')[2]}"
    site().storage.fetch(key, raw)
    sound, rate_hz = lossless.audio_of(raw)
    raw.unlink()
    level_db = kept.levels(score).get(name, 0.0)
    if name != ORIGINAL:  # which is mixed at its own loudness
        level_db += float(entry.get("gain_db") or 0.0)
    gain = np.float32(10 ** (max(-2 * _FARTHEST_DB, level_db) / 20))
    to_hz = int(entry["sample_rate_hz"])
    path = folder / f"{name}.wav"
    audio.write(path, audio.resample(sound * gain, rate_hz, to_hz), to_hz)
    return path


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while piece := file.read(CHUNK_BYTES):
            yield piece
