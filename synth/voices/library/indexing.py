"""Making the index of a sound library: every recording of a folder is listened to once, and again when it changed.

A file is known by its size and time of change; where these differ, by its sha256. Each recording is kept as soon as it
was heard: work that was stopped goes on where it ended. What changes beside the recordings, such as a licence that is
added later, is read each time.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np

from synth.errors import Cancelled, MediaError, OptionError
from synth.files import file_sha256
from synth.media import audio
from synth.media.sound.recordings import SUFFIXES, find_recordings
from synth.voices.library.analysis import hear
from synth.voices.library.catalogue import Entry, Recording
from synth.voices.library.embeddings import Ears
from synth.voices.library.index_file import Index, Stamp
from synth.voices.library.licences import Origin, Origins
from synth.voices.library.vocabulary import words_of

HEARING: Final = f"hearing 1, {audio.READER}"
"""Goes into each recording's stamp: when listening changes, everything is listened to again."""

_DOWNLOAD: Final = re.compile(r"\d+__[^_].*?__")

Told = Callable[[str, float], None]
"""``told(path, fraction)``: which recording is listened to, and how much of the work is done."""


@dataclass
class Report:
    """What became of the files of a folder.

    Attributes:
        heard, unchanged, removed: how many recordings; one that only moved in time is unchanged.
        skipped: path -> why it cannot be used.
        kinds, licences: of all recordings that the index now holds, with how many of each.
        notes: sentences for the person who asked.
    """

    heard: int = 0
    unchanged: int = 0
    removed: int = 0
    skipped: dict[str, str] = field(default_factory=dict)
    kinds: Counter[str] = field(default_factory=Counter)
    licences: Counter[str] = field(default_factory=Counter)
    notes: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "recordings": sum(self.kinds.values()),
            "heard": self.heard,
            "unchanged": self.unchanged,
            "removed": self.removed,
            "skipped": dict(self.skipped),
            "kinds": dict(self.kinds.most_common()),
            "licences": dict(self.licences.most_common()),
            "notes": list(self.notes),
        }


def update(
    folder: Path,
    file: Path,
    *,
    ears: Ears | None = None,
    progress: Told = lambda _path, _fraction: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Report:
    """Bring the index of a folder up to date; make it where there is none.

    Args:
        folder: searched through all its depths; links to other folders are not followed.
        file: the index.
        ears: what else listens to each recording; all that this installation has by default.
        progress: told before each recording.
        cancelled: polled before each recording.

    Raises:
        OptionError: the folder does not exist or holds no recording, or the index is of another folder.
        MediaError: the folder of the index cannot be made.
        Cancelled: ``cancelled()`` turned true; all that was heard is kept.
    """
    if not folder.is_dir():
        raise OptionError(f"the folder {str(folder)!r} does not exist")
    root = folder.resolve()
    there = find_recordings(root)
    found = there.files
    if not found:
        raise OptionError(f"the folder {str(folder)!r} holds no recording; read are {', '.join(SUFFIXES)}")
    ears = ears or Ears()
    _make_room(file)
    _refuse_another(root, file)
    report, origins = Report(notes=ears.notes), Origins(root)
    with Index(file, root) as index:
        index.note(hearing_by=HEARING, **ears.told)
        known = index.stamps()
        gone = sorted(set(known) - set(found))
        index.drop(gone)
        report.removed = len(gone)
        for number, (name, path) in enumerate(found.items()):
            if cancelled():
                raise Cancelled("stopped; what was heard is kept, and the same command goes on from there")
            progress(name, number / len(found))
            _one(index, report, name, path, origins.of(path), known.get(name), ears)
        report.skipped = {**index.skipped(), **there.passed_over}
        for recording in index.recordings():
            report.kinds[recording.kind.value] += 1
            report.licences[recording.licence] += 1
    return report


def _make_room(file: Path) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MediaError(f"the folder {str(file.parent)!r} of the index cannot be made: {error.strerror}") from error


def _refuse_another(root: Path, file: Path) -> None:
    """An index is that of one folder: another one would drive all of its recordings out."""
    if not file.is_file():
        return
    with Index(file) as index:
        before = Path(index.about()["root"])
    if before != root and before.is_dir():
        raise OptionError(
            f"the library {file.stem!r} is that of the folder {str(before)!r}; give this one another name, or forget "
            f"the other with `sonorize library forget {file.stem}`"
        )


def _one(index: Index, report: Report, name: str, path: Path, origin: Origin, before: Stamp | None, ears: Ears) -> None:
    """Bring one recording up to date."""
    try:
        status = path.stat()
    except OSError:
        return  # it went away while the others were listened to; next time it is not found
    now = Stamp(status.st_size, status.st_mtime_ns, f"{HEARING}; {ears.signature}")
    spoken = words_of(_DOWNLOAD.sub("", Path(name).with_suffix("").as_posix()), *origin.words)
    told = {**origin.as_told(), "words": spoken}
    if before is not None and before.heard_by == now.heard_by:
        same, old = before == now, index.told(name)
        if old is None and same:
            return  # it was skipped before, and nothing about it changed
        if old is not None and (same or file_sha256(path) == old["sha256"]):
            fresh = {**old, **told, "words": list(spoken)}
            if fresh != old or not same:
                index.retell(fresh, now)
            report.unchanged += 1
            return
    try:
        index.put(_heard(name, path, told, ears), now)
        report.heard += 1
    except MediaError as error:
        index.skip(name, now, str(error))


def _heard(name: str, path: Path, told: dict[str, Any], ears: Ears) -> Entry:
    """Listen to a recording.

    Raises:
        MediaError: it is damaged or silent.
    """
    digest = file_sha256(path)
    sound, rate_hz = audio.read(path)
    heard = hear(sound, rate_hz)
    first, last = (round(edge_s * rate_hz) for edge_s in heard.between_s)
    also = ears.hear(sound[first:last], rate_hz)
    recording = Recording(
        path=name,
        sha256=digest,
        duration_s=heard.duration_s,
        rate_hz=rate_hz,
        kind=heard.kind,
        loudness_lufs=heard.loudness_lufs,
        peak_dbfs=heard.peak_dbfs,
        quiet_db=heard.quiet_db,
        usual_db=heard.usual_db,
        loud_db=heard.loud_db,
        onset_count=heard.onset_count,
        pieces=heard.pieces,
        tags=also.tags,
        **told,
    )
    return Entry(recording, heard.texture, also.vector, np.asarray(heard.attacks, np.float32))
