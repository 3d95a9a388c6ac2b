"""A sound library as a voice: recordings of the user's own, laid under what the hits or the ambient voice sees.

The voice inside says what is to be heard: hits with times, strengths, materials and predicted envelopes; or a class of
ambient sound and how lively the picture is. The library says what there is (:mod:`synth.voices.library.catalogue`),
matching which of it fits (:mod:`synth.voices.library.matching`). A picture a second is looked at on the way, for its
words and its vector. The seed chooses among the best few and says how loops go on.

Importable without torch. Shapes: K = pictures that were looked at, E = numbers of a vector, N = samples.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from synth.errors import OptionError
from synth.media.video import VideoInfo
from synth.models.vocabulary.imagenet import NAMES
from synth.options import Mode, Options
from synth.voices.base import CancelPoll, Controls, Frame, Hit, Progress, Rendering, Uniforms, Voice
from synth.voices.hits.sound_bank import window
from synth.voices.library import embeddings, index_file, registry, vocabulary
from synth.voices.library.ambience import lay_beds
from synth.voices.library.catalogue import Library
from synth.voices.library.impacts import lay_hits
from synth.voices.library.matching import Candidate, Wanted, rank_beds, rank_hits, seen_words
from synth.voices.library.recordings import RATE_HZ, Recordings

SIGHTS_HZ: Final = 1.0
SPAN_S: Final = 30.0
"""After so much of a clip it is asked again which recording fits: scenes change."""

_UNSURE: Final = 0.5  # what a class of sound counts for that the picture does not really show
_BANK: Final = "bank"
_OTHER_WEIGHTS: Final = (
    "the library was listened to with other weights than this installation has: pictures choose by words and texture "
    "alone until `sonorize library index` is run again"
)


@dataclass(frozen=True)
class SeenControls(Controls):
    """What the voice inside saw, and what was seen of the picture besides.

    Attributes:
        sights_s: [K], when each picture is shown.
        answers: float32 [K, 1000], ImageNet's probabilities.
        vectors: float32 [K, E] of length one; ``None`` without the weights.
    """

    sights_s: tuple[float, ...] = ()
    answers: NDArray[np.float32] | None = None
    vectors: NDArray[np.float32] | None = None


class LibraryVoice:
    """Lays recordings of a library under what another voice sees; a :class:`synth.voices.base.Voice`.

    Args:
        voice: what sees; only its controls are asked for.
        mode: hits or ambient.
    """

    sample_rate_hz = RATE_HZ

    def __init__(self, voice: Voice, mode: Mode) -> None:
        self._voice, self._mode = voice, mode

    @property
    def rate_hz(self) -> float:
        """That of the voice inside."""
        return self._voice.rate_hz

    def frame_size(self, info: VideoInfo) -> tuple[int, int]:
        """That of the voice inside."""
        return self._voice.frame_size(info)

    def weights(self, options: Options) -> Mapping[str, str]:
        """Name -> sha256 of what looks, and a digest of the library; no bank, for none is heard."""
        library = load(options.library)
        seeing = {name: digest for name, digest in self._voice.weights(options).items() if not name.startswith(_BANK)}
        also = embeddings.entry()
        return {**seeing, **({also.name: also.sha256} if also else {}), f"library {library.name}": library.sha256}

    def controls(
        self, frames: Iterator[Frame], info: VideoInfo, options: Options, progress: Progress, cancelled: CancelPoll
    ) -> Controls:
        """As the voice inside, with a picture a second looked at; see :meth:`synth.voices.base.Voice.controls`.

        Raises:
            OptionError: there is no such library, or it holds nothing that may be laid.
        """
        library = load(options.library)
        if not library.entries or (self._mode is Mode.HITS and not library.cuts):
            raise OptionError(
                f"the library {library.name!r} holds {len(library.entries)} recordings, none of which may stand for "
                f"{'a hit: all of them are continuous' if library.entries else 'anything'}"
            )
        sights = _Sights(self.rate_hz, comparable=_comparable(library))
        seen = self._voice.controls(sights.watch(frames), info, options, progress, cancelled)
        own = {field.name: getattr(seen, field.name) for field in dataclasses.fields(Controls)}
        if library.vectors is not None and not _comparable(library):
            own["warnings"] = (*seen.warnings, _OTHER_WEIGHTS)
        return SeenControls(**own, **sights.as_fields())

    def render(self, controls: Controls, options: Options, uniforms: Uniforms, cancelled: CancelPoll) -> Rendering:
        """Lay the sounds; see :meth:`synth.voices.base.Voice.render`.

        Raises:
            MediaError: a recording cannot be read, or changed since it was indexed.
        """
        library = load(options.library)
        count = round(controls.duration_s * self.sample_rate_hz)
        recordings = Recordings(library)
        if self._mode is Mode.HITS:
            ranked = (_for_hit(library, controls, hit, options) for hit in controls.hits)
            return lay_hits(recordings, controls.hits, ranked, count, uniforms, cancelled)
        spans = np.arange(0.0, max(controls.duration_s, 1e-3), SPAN_S)
        beds = ((float(start_s), _for_bed(library, controls, float(start_s))) for start_s in spans)
        return lay_beds(recordings, controls, beds, count, uniforms, cancelled)


def load(asked: str | None) -> Library:
    """A library by its name or the path of its index; kept in memory until its index changes.

    Raises:
        OptionError: there is none such, or its index cannot be read.
    """
    file = registry.find(asked)
    status = file.stat()
    return _load(file, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=2)
def _load(file: Path, _mtime_ns: int, _bytes: int) -> Library:
    return index_file.load(file)


def _comparable(library: Library) -> bool:
    """Whether pictures and the library's recordings are points of one and the same space."""
    return library.about.get("vectors_by") == embeddings.vectors_by()


class _Sights:
    """Looks at a picture a second as frames go by."""

    def __init__(self, rate_hz: float, *, comparable: bool) -> None:
        self._rate_hz, self._comparable = rate_hz, comparable
        self._every = max(1, round(rate_hz / SIGHTS_HZ))
        self._seen: list[tuple[float, embeddings.Seen]] = []

    def watch(self, frames: Iterator[Frame]) -> Iterator[Frame]:
        """The same frames; in the middle of each second one is looked at."""
        first: Frame | None = None
        for index, frame in enumerate(frames):
            first = frame.copy() if first is None else first
            if index % self._every == self._every // 2:
                self._seen.append((index / self._rate_hz, embeddings.see(frame)))
            yield frame
        if first is not None and not self._seen:  # shorter than half a second
            self._seen.append((0.0, embeddings.see(first)))

    def as_fields(self) -> dict[str, Any]:
        """The fields that :class:`SeenControls` adds."""
        vectors = [one.vector for _, one in self._seen if one.vector is not None]
        return {
            "sights_s": tuple(time_s for time_s, _ in self._seen),
            "answers": np.stack([one.answers for _, one in self._seen]) if self._seen else None,
            "vectors": np.stack(vectors) if self._comparable and len(vectors) == len(self._seen) > 0 else None,
        }


def _for_hit(library: Library, controls: Controls, hit: Hit, options: Options) -> Sequence[Candidate]:
    """What may be laid on a hit, the best first; only what the hit itself names, where it does."""
    if hit.exemplar is not None:
        return [_named(library, hit.exemplar)]
    chances = hit.probabilities if hit.probabilities and not options.material else {hit.material: 1.0}
    likeliest = max(chances.values())
    # The likeliest material counts in full: that a network is unsure is no reason to listen to weaker evidence.
    words = vocabulary.of_materials({name: chance / likeliest for name, chance in chances.items() if likeliest > 0})
    picture = None
    if isinstance(controls, SeenControls) and controls.sights_s:
        words = _with_sights(words, controls, 0.0, controls.duration_s)
        if controls.vectors is not None:
            picture = controls.vectors[int(np.abs(np.array(controls.sights_s) - hit.time_s).argmin())]
    attack = None if controls.track is None else window(controls.track, hit.time_s).features
    return rank_hits(library, Wanted(words, attack, picture, firm=options.material is not None))


def _for_bed(library: Library, controls: Controls, start_s: float) -> Sequence[Candidate]:
    """What may lie under a stretch of a clip, the best first."""
    words, asked = dict[str, float](), False
    if controls.choice is not None:
        sure = 1.0 if controls.choice.fits else _UNSURE
        asked = controls.choice.probability == 1.0
        chances = {controls.choice.name: 1.0} if asked else controls.choice.probabilities
        words = vocabulary.of_classes({name: sure * chance for name, chance in chances.items()})
    picture = None
    if isinstance(controls, SeenControls) and controls.sights_s:
        words = _with_sights(words, controls, start_s, start_s + SPAN_S)
        if controls.vectors is not None:
            mean = controls.vectors[_between(controls, start_s, start_s + SPAN_S)].mean(0)
            picture = mean / max(1e-9, float(np.linalg.norm(mean)))
    return rank_beds(library, Wanted(words, None, picture, firm=asked))


def _with_sights(words: Mapping[str, float], controls: SeenControls, start_s: float, end_s: float) -> dict[str, float]:
    """Words that are wanted, and those of what the pictures of a stretch show."""
    if controls.answers is None:
        return dict(words)
    seen = seen_words(NAMES, controls.answers[_between(controls, start_s, end_s)].mean(0).astype(np.float64))
    return {word: max(words.get(word, 0.0), seen.get(word, 0.0)) for word in sorted({*words, *seen})}


def _between(controls: SeenControls, start_s: float, end_s: float) -> NDArray[np.intp]:
    """The pictures of a stretch; the last one before it where it has none."""
    times_s = np.array(controls.sights_s)
    inside = np.flatnonzero((times_s >= start_s) & (times_s < end_s))
    return inside if len(inside) else np.array([max(0, int(np.searchsorted(times_s, start_s)) - 1)])


def _named(library: Library, name: str) -> Candidate:
    """The piece that a hit list asks for: a path, or a path and the number of the piece after ``#``.

    Raises:
        OptionError: the library has no such recording, or it has no such piece.
    """
    path, _, number = name.rpartition("#")
    if not (path in library.places and number.isdecimal()):
        path, number = name, "1"
    if path not in library.places:
        raise OptionError(f"exemplar {name!r} is not in the library {library.name!r}")
    recording = library.entries[library.places[path]].recording
    if not 1 <= int(number) <= len(recording.pieces):
        raise OptionError(
            f"exemplar {name!r}: the recording has {len(recording.pieces)} pieces that may stand for a hit"
        )
    return Candidate(recording, int(number) - 1, 1.0, {})
