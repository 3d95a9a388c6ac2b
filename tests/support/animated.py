"""GIF, animated WebP and APNG, made on the spot."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

WIDTH, HEIGHT = 66, 48
DELAYS_MS = [100] * 6 + [250] * 4 + [40] * 10 + [500]
KINDS = {".gif": "gif", ".webp": "webp_anim", ".png": "apng"}


def drawn(number: int, transparent: bool = False, width: int = WIDTH) -> NDArray[np.uint8]:
    """A frame [H, W, 4]: a bar that moves over a pattern of few colours; where it is clear, half is transparent."""
    across, down = np.meshgrid(np.arange(width), np.arange(HEIGHT))
    frame = np.zeros((HEIGHT, width, 4), np.uint8)
    frame[..., 0] = 60 * (across // 16 % 4)
    frame[..., 1] = 60 * (down // 12 % 4)
    frame[..., 2] = 90
    frame[..., 3] = 255
    frame[:, number % width : number % width + 6, :3] = 250
    if transparent:
        frame[: HEIGHT // 2, :, 3] = 0
    return frame


def animated(target: Path, *, transparent: bool = False, width: int = WIDTH, count: int = len(DELAYS_MS)) -> Path:
    """Frames of different lengths, in the format that the suffix names, as Pillow writes it."""
    frames = [Image.fromarray(drawn(number, transparent, width)) for number in range(count)]
    if target.suffix == ".gif" and not transparent:
        frames = [frame.convert("RGB") for frame in frames]
    kinds: dict[str, dict[str, Any]] = {".png": {"format": "PNG"}, ".webp": {"lossless": True}}
    more: dict[str, Any] = {"save_all": True, "append_images": frames[1:], "duration": DELAYS_MS[:count], "loop": 0}
    if target.suffix == ".gif":
        more["disposal"] = 2
    frames[0].save(target, **kinds.get(target.suffix, {}), **more)
    return target
