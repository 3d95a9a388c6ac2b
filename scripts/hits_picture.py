"""Draw docs/hits.png, the README picture: a rendered clip that no network was trained on, and what is made of it.

Run it again after the weights have changed: ``.venv/bin/python scripts/hits_picture.py``.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from synth import weights
from synth.data.corpora.clip import Clip
from synth.data.strike_scenes.simulate import draw_scene, write_clip
from synth.evaluation.hits import pictures
from synth.evaluation.hits.clips import Listener, judge, see
from synth.models.imagenet import ImageNetEye
from synth.voices.hits import detector
from synth.voices.hits.voice import NETWORK

SEED = 900_000_007
TARGET = Path(__file__).parents[1] / "docs" / "hits.png"


def main() -> None:
    """Render, listen, draw."""
    loaded = weights.load(NETWORK)
    shipped = detector.build(loaded.tensors, loaded.metadata)
    scene = draw_scene(SEED, duration_s=6.0, rate_fps=30.0, material="wood", demo=True)
    with tempfile.TemporaryDirectory() as name:
        file = Path(name) / "clip.mp4"
        write_clip(scene, file, width=640, height=480, with_sound=True)
        clip = Clip("a rendered scene, heard by the shipped network", "scene", file, scene.hits)
        seen = see(clip, ImageNetEye(weights.load_imagenet()))
    judged = judge(seen, Listener("shipped", {}, shipped))
    pictures.clip_picture(judged, TARGET)
    print(f"{TARGET} drawn")


if __name__ == "__main__":
    main()
