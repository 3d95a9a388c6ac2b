"""The sound that a clip brought with it, as it runs beside the picture."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from synth.errors import MediaError
from synth.media import audio
from synth.media.ffmpeg import Cancel, Fence, run
from synth.media.files import url
from synth.media.looking import Look

RATE_HZ: Final = 48_000


def read(source: Path, seen: Look, cancelled: Cancel | None = None) -> NDArray[np.float32] | None:
    """The clip's first sound [N, 2] at 48 kHz, from the picture's start and as long; ``None`` without any.

    Raises:
        Cancelled: ``cancelled``, polled meanwhile, said so.
    """
    if not seen.found.sounds:
        return None
    clock, stream = seen.found.clock.arguments(), seen.found.sounds[0].index
    return _decoded(source, clock, stream, seen.info.start_s, seen.info.duration_s, cancelled)


def of_result(path: Path, duration_s: float, cancelled: Cancel | None = None) -> NDArray[np.float32] | None:
    """The first sound of a result [N, 2] at 48 kHz. Raises as :func:`read`."""
    return _decoded(path, [], None, 0.0, duration_s, cancelled)


def _decoded(
    path: Path, clock: list[str], stream: int | None, start_s: float, duration_s: float, cancelled: Cancel | None
) -> NDArray[np.float32] | None:
    chain = f"asetpts=PTS-{start_s:.9f}/TB,aresample={RATE_HZ}:async=1:first_pts=0,aformat=channel_layouts=stereo"
    count = round(duration_s * RATE_HZ)
    with tempfile.TemporaryDirectory(prefix="sonorize-") as folder:
        file = Path(folder) / "sound"
        arguments = ["-v", "error", *clock, "-i", url(path), "-map", "0:a:0" if stream is None else f"0:{stream}"]
        arguments += ["-af", chain, "-t", f"{duration_s:.6f}", "-f", "f32le", "-y", url(file)]
        fence = Fence(cpu_s=600, wall_s=1200, file_bytes=16 * count + 2**20)
        try:
            run(arguments, fence=fence, cancelled=cancelled)
        except MediaError:
            return None  # a sound that nobody can decode is none to listen to
        sound = np.fromfile(file, "<f4")
    return audio.fit(sound[: len(sound) // 2 * 2].reshape(-1, 2), RATE_HZ, duration_s)
