"""What is in a file, and what a result would keep of it and lose: said by making the result, with silence for sound."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from synth.errors import MediaError
from synth.media import containers, packets, remuxing
from synth.media.looking import Look, look
from synth.media.metadata import side_data
from synth.media.metadata import tags as metadata
from synth.media.picture import tone_mapping
from synth.media.streams import Stream
from synth.options import LIMITS, ExistingSound

TRIAL_RATE_HZ: Final = 48_000


@dataclass(frozen=True)
class Trial:
    """What became of a file in a result that was made for looks and thrown away.

    Attributes:
        suffix: names the container.
        picture: ``copied`` or ``encoded``; ``None`` where the result was refused.
        refused: why, in a sentence.
        kept: what of the source is in the result, in words.
        lost: a sentence for each thing that is not, and for whatever else a person should know.
    """

    suffix: str
    picture: str | None
    refused: str | None
    kept: tuple[str, ...]
    lost: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "suffix": self.suffix,
            "picture": self.picture,
            "refused": self.refused,
            "kept": list(self.kept),
            "lost": list(self.lost),
        }


@dataclass(frozen=True)
class Inspection:
    """What :func:`inspect` found.

    Attributes:
        path: of the file.
        seen: how it is read.
        refused: why it is not taken as it is, in a sentence that names the option under which it is.
        trial: what a result would hold; ``None`` where none was made.
    """

    path: Path
    seen: Look
    refused: str | None
    trial: Trial | None

    @property
    def side_data(self) -> dict[str, str]:
        """What is said of the picture beside the picture."""
        return side_data.of_picture(self.seen.found.description, self.seen.found.stream.index)

    @property
    def tags(self) -> dict[str, str]:
        """Tags of the file."""
        return metadata.of_file(self.seen.found.description)

    @property
    def colours(self) -> tone_mapping.Colours:
        """How the numbers of the picture are meant."""
        return tone_mapping.of_picture(self.seen.found.description, self.seen.found.stream.index)

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        info, found, colours = self.seen.info, self.seen.found, self.colours
        return {
            "file": str(self.path),
            "bytes": info.bytes_,
            "container": info.container,
            "refused": self.refused,
            "picture": {
                "track": found.stream.index,
                "coding": info.video_codec,
                "width": info.width,
                "height": info.height,
                "rotation_deg": info.rotation_deg,
                "frames": info.frames,
                "duration_s": info.duration_s,
                "rate_fps": info.rate_fps,
                "variable_rate": info.variable_rate,
                "transparent": info.transparent,
                "matrix": colours.matrix,
                "primaries": colours.primaries,
                "transfer": colours.transfer,
                "tone_mapped": colours.hdr,
            },
            "tracks": [_track(one) for one in found.streams],
            "clock": {
                "tick_s": str(found.tick_s),
                "start_s": info.start_s,
                "own": found.clock.own,
                "shift_s": found.clock.shift_s,
                "stated_duration_s": found.stated_s,
            },
            "edits": {
                "hidden_before": self.seen.hidden_before,
                "hidden_after": self.seen.hidden_after,
                "joined": self.seen.joined,
            },
            "side_data": self.side_data,
            "tags": self.tags,
            "warnings": list(info.warnings),
            "result": self.trial.as_json() if self.trial else None,
        }


def inspect(path: Path, *, suffix: str | None = None, existing: ExistingSound, trial: bool = True) -> Inspection:
    """Look at a file, and make a result of it in a temporary folder, which takes as much room as the file.

    Args:
        suffix: of the result; by default the file's own where that can hold it, else the one a server would choose.
        existing: what happens to sound that the file has.
        trial: whether a result is made.

    Raises:
        MediaError: nothing can be said of the file, or no container is called ``suffix``.
    """
    if suffix is not None and suffix not in containers.SUFFIXES:
        raise MediaError(f"the result ends in {suffix!r}; allowed are {', '.join(containers.SUFFIXES)}")
    refused = None
    try:
        seen = look(path, LIMITS)
    except MediaError as error:
        refused = str(error)
        seen = look(path, LIMITS, salvage=True, recut=True)
    if not trial:
        return Inspection(path, seen, refused, None)
    suffix = suffix or _suffix(path, seen, existing)
    return Inspection(path, seen, refused, _tried(path, seen, suffix, existing, lenient=refused is not None))


def _suffix(path: Path, seen: Look, existing: ExistingSound) -> str:
    own = path.suffix.lower()
    if own in containers.SUFFIXES:
        return own
    return containers.suffix_for(
        seen.info.video_codec, seen.found.sounds, transparent=seen.info.transparent, existing=existing
    )


def _tried(path: Path, seen: Look, suffix: str, existing: ExistingSound, *, lenient: bool) -> Trial:
    silence = np.zeros(1, np.float32)
    with tempfile.TemporaryDirectory(prefix="sonorize-") as folder:
        target = Path(folder) / f"result{suffix}"
        try:
            done = remuxing.remux(
                path, silence, TRIAL_RATE_HZ, target, existing=existing, salvage=lenient, recut=lenient
            )
        except MediaError as error:
            return Trial(suffix, None, str(error), (), ())
        made = packets.listing(target, LIMITS)
    kept = [f"picture ({made.stream.coding}), {done.digests.frames_shown} frames, {done.picture}"]
    kept += [one.name for one in made.streams if one.index > 1]  # after the picture and the sound that is ours
    before = side_data.of_picture(seen.found.description, seen.found.stream.index)
    after = side_data.of_picture(made.description)
    kept += side_data.told({kind: value for kind, value in after.items() if kind in before})
    tags = metadata.of_file(made.description)
    names = sorted(set(metadata.of_file(seen.found.description)) & set(tags) - metadata.FILE_OWN)
    kept += [f"tags: {', '.join(names)}"] if names else []
    return Trial(suffix, done.picture, None, tuple(kept), done.warnings)


def _track(one: Stream) -> dict[str, Any]:
    return {
        "index": one.index,
        "kind": "cover" if one.cover else one.kind,
        "coding": one.coding,
        "tag": one.tag,
        "language": one.language,
        "default": one.default,
    }
