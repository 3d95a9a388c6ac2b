"""Where a result comes from: enough to make the same samples again, and to see why another run differs."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping, Sequence
from importlib import metadata
from typing import Any, Final

from synth.media import ffmpeg
from synth.options import Options

COMMENT_BYTES: Final = 100_000  # Linux takes 128 KiB for one argument


def package_version(name: str) -> str | None:
    """Version of an installed package, without importing it; ``None`` where it is not installed."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def versions() -> dict[str, str | None]:
    """What the samples may depend on: our own version, Python, torch, numpy, scipy and ffmpeg."""
    return {
        "sonorize": package_version("sonorize"),
        "python": platform.python_version(),
        "torch": package_version("torch"),
        "numpy": package_version("numpy"),
        "scipy": package_version("scipy"),
        "ffmpeg": ffmpeg.version(),
    }


def record(
    *,
    input_sha256: str,
    weights: Mapping[str, str],
    options: Options,
    mode_reason: str,
    hit_list: bool,
    ranges: Sequence[Mapping[str, Any]] = (),
    synthetic_speech: bool = False,
    sounds: Sequence[Mapping[str, Any]] = (),
    edited: Sequence[str] = (),
) -> dict[str, Any]:
    """The provenance record of one output, as plain JSON values; the same job gives the same record.

    Args:
        input_sha256: of the whole source file.
        weights: name -> sha256 of the weights and banks in use.
        options: of this take: its own seed.
        mode_reason: why this voice and no other.
        hit_list: whether the hits came from an edited list rather than from the net.
        ranges: which voice sounds which part, where there are several.
        synthetic_speech: whether somebody is made to say something: whoever finds the file shall be able to tell.
        edited: what of its score a person changed.
        sounds: the recordings of a sound library that are heard, each with its author and licence.
    """
    return {
        "input_sha256": input_sha256,
        "weights": [{"name": name, "sha256": digest} for name, digest in sorted(weights.items())],
        "options": options.as_dict(),
        "seed": options.seed,
        "mode_reason": mode_reason,
        **({"ranges": [dict(one) for one in ranges]} if ranges else {}),
        **({"synthetic_speech": True} if synthetic_speech else {}),
        **({"sounds": [dict(one) for one in sounds]} if sounds else {}),
        **({"edited": list(edited)} if edited else {}),
        "hits_from": "edited list" if hit_list else "picture",
        "versions": versions(),
    }


def comment(origin: Mapping[str, Any]) -> str:
    """A record as the comment of the file itself, of 100 000 bytes at most: a tag is an argument of ffmpeg's.

    Where so many recordings are heard that their list is longer, the last of them are left out and counted.
    """
    told = dict(origin)
    sounds = list(told.get("sounds", ()))
    while len(text := json.dumps(told, separators=(",", ":"))) > COMMENT_BYTES and sounds:
        sounds = sounds[: len(sounds) // 2]
        told = {**told, "sounds": sounds, "sounds_left_out": len(origin["sounds"]) - len(sounds)}
    return text
