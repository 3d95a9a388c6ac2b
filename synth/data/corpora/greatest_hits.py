"""The Greatest Hits corpus (Owens et al., CVPR 2016): people striking and scratching things with a drumstick.

Two layouts are read. The published one: ``<video>_denoised.mp4`` (or ``_mic.mp4``), ``<video>_denoised.wav`` and
``<video>_times.txt`` with one line a contact: time in seconds, material, action, reaction. And a folder of cut clips:
``clips/*.mkv`` with their sound inside and a ``labels.json`` that maps a clip's name to its source video and contacts.

Importable without torch.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from synth.data.corpora.clip import Clip, LabelledHit
from synth.errors import MediaError, OptionError
from synth.materials import MATERIALS

VIDEO_SUFFIXES: Final = ("_denoised.mp4", "_mic.mp4")

SAME_PLACE: Final = {"sonic_8_cond": "2015-03-20-01-23-48", "sonic_498_target": "sonic_60"}
"""Cut clips without a stated source that show the scene of another source: found by comparing their pictures."""


def load(folder: Path) -> list[Clip]:
    """All clips under ``folder``, in order of name.

    Raises:
        OptionError: the folder holds neither layout.
        MediaError: a label file cannot be read.
    """
    if (folder / "labels.json").is_file():
        return _cut_clips(folder)
    published = folder / "vis-data" if (folder / "vis-data").is_dir() else folder
    clips = _published(published) if published.is_dir() else []
    if not clips:
        raise OptionError(
            f"no Greatest Hits data in {folder}; expected labels.json beside clips/, "
            "or <video>_denoised.mp4 files with <video>_times.txt"
        )
    return clips


def _published(folder: Path) -> list[Clip]:
    clips = []
    for times in sorted(folder.glob("*_times.txt")):
        name = times.name.removesuffix("_times.txt")
        video = next(
            (folder / (name + suffix) for suffix in VIDEO_SUFFIXES if (folder / (name + suffix)).is_file()), None
        )
        if video is None:
            continue
        sound = folder / f"{name}_denoised.wav"
        clips.append(Clip(name, name, video, _read_times(times), sound if sound.is_file() else None))
    return clips


def _read_times(path: Path) -> tuple[LabelledHit, ...]:
    hits = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        fields = line.split()
        if not fields:
            continue
        try:
            time_s = float(fields[0])
        except ValueError as error:
            raise MediaError(
                f"line {number} of {path} begins with {fields[0]!r}; a time in seconds is wanted"
            ) from error
        hits.append(LabelledHit(time_s, _material(fields[1:2]), _action(fields[2:3])))
    return tuple(sorted(hits, key=lambda hit: hit.time_s))


def _cut_clips(folder: Path) -> list[Clip]:
    try:
        labels: dict[str, dict[str, Any]] = json.loads((folder / "labels.json").read_text())
    except ValueError as error:
        raise MediaError(f"{folder / 'labels.json'} is not JSON") from error
    clips = []
    for name, about in sorted(labels.items()):
        video = folder / "clips" / f"{name}.mkv"
        # Clips whose source is not known are cut in pairs from one video: the name without its role is the source.
        group = about.get("gh_video") or SAME_PLACE.get(name) or name.rsplit("_", 1)[0]
        hits = None
        if about.get("hits") is not None:
            hits = tuple(_hit(time_s, words) for time_s, words in sorted(about["hits"]))
        clips.append(Clip(name, group, video, hits))
    return clips


def _hit(time_s: float, words: str) -> LabelledHit:
    fields = words.split()
    return LabelledHit(time_s, _material(fields[:1]), _action(fields[1:2]))


def _material(fields: list[str]) -> str | None:
    return fields[0] if fields and fields[0] in MATERIALS else None


def _action(fields: list[str]) -> str | None:
    return fields[0] if fields and fields[0] in ("hit", "scratch") else None
