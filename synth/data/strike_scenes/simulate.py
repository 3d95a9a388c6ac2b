"""Scenes of a person who strikes things with a drumstick, drawn from one integer: pictures, sounds and exact labels.

Modelled on what the Greatest Hits data set shows (Owens et al. 2016, arXiv 1512.08512): a first-person view of a hand
with a stick that hits, scratches and misses one thing after another. Down the stairs: :mod:`scene_plan` draws what
happens, :mod:`scene_paint` paints it from :mod:`scene_world` (what stands still), :mod:`scene_parts` (the person),
:mod:`scene_effects` (what else moves), :mod:`scene_motion`, :mod:`scene_camera` and :mod:`scene_textures`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from synth.data.strike_scenes.paint import Painter
from synth.data.strike_scenes.plan import SOUND, Scene, draw_scene
from synth.errors import OptionError
from synth.media import video
from synth.voices.hits import modal_synthesis

__all__ = ["Scene", "draw_scene", "render_frames", "render_sound", "write_clip"]

CLIP_SOUND_RATE_HZ: Final = 48_000

SIMULATOR_VERSION: Final = 1
"""Raised whenever a seed begins to draw another scene: rendered scenes that are kept from before are then not used."""


def render_frames(scene: Scene, *, width: int, height: int) -> Iterator[NDArray[np.uint8]]:
    """The frames of a scene, uint8 [height, width, 3] RGB; frame ``k`` shows ``k / rate_fps`` seconds.

    Raises:
        OptionError: the size is below 16 pixels.
    """
    if min(width, height) < 16:
        raise OptionError(f"the size is {width} x {height}; the least is 16 x 16")
    painter = Painter(scene, width, height)
    for frame in range(scene.frames):
        yield painter.frame(frame)


def render_sound(scene: Scene, rate_hz: int) -> NDArray[np.float32]:
    """The sound of the contacts, float32 [round(duration_s * rate_hz)] in -1..1."""
    rng = np.random.default_rng([scene.seed, SOUND])
    size = float(rng.uniform(0.2, 0.9))
    sound = np.zeros(round(scene.duration_s * rate_hz), np.float32)
    for stroke in scene.strokes:
        if stroke.kind == "miss":
            continue
        uniforms = rng.random(rate_hz, np.float32)
        if stroke.kind == "hit":
            one = modal_synthesis.strike(
                scene.material, strength=stroke.strength, size=size, rate_hz=rate_hz, uniforms=uniforms
            )
        else:
            one = modal_synthesis.scratch(
                scene.material, duration_s=stroke.contact_s, strength=stroke.strength, size=size, rate_hz=rate_hz,
                uniforms=uniforms,
            )  # fmt: skip
        start = round(stroke.time_s * rate_hz)
        one = one[: len(sound) - start]
        sound[start : start + len(one)] += one
    peak = float(np.abs(sound).max(initial=0.0))
    return sound if peak <= 1 else sound / np.float32(peak)


def write_clip(scene: Scene, target: Path, *, width: int, height: int, with_sound: bool) -> None:
    """Render a scene into a video file at ``target`` (mp4, mov or mkv), which is replaced.

    Raises:
        OptionError: the size is below 16 pixels.
        MediaError: ``target`` cannot be written.
    """
    sound = render_sound(scene, CLIP_SOUND_RATE_HZ) if with_sound else None
    frames = render_frames(scene, width=width, height=height)
    video.write_frames(frames, target, rate_fps=scene.rate_fps, sound=sound, sound_rate_hz=CLIP_SOUND_RATE_HZ)
