"""Videos with their own sound, ready for the ambient decoder: looked at once, then read from a cache.

Beside the sound lies what the ambient voice would see of the picture (:mod:`synth.voices.ambient.scene`): here nothing
stands in for anything. Sound and picture keep their places: no silence is cut out, and a sound that begins later than
its picture is moved there.

Shapes: T = picture frames (15.625 a second), K = pictures that the eye looked at, A = what it says, M = 15 motion
numbers, N = 1024 T samples at 16 kHz.
"""

from __future__ import annotations

import functools
import itertools
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import safetensors
from numpy.typing import NDArray
from safetensors.numpy import save_file
from tqdm import tqdm

from synth import weights
from synth.data.corpora import vegas, video_folder
from synth.data.corpora.video_folder import HELD_OUT, TRAIN, LabelledVideo
from synth.errors import MediaError, OptionError, WeightsError
from synth.files import file_sha256
from synth.media import audio, packets, video
from synth.models.vgg import FC6, VGG19Eye
from synth.models.visual_to_sound import SAMPLES_PER_PICTURE
from synth.options import LIMITS
from synth.training.ambient.data import levelled
from synth.voices.ambient import band_envelopes, scene

SHORTEST: Final = 31  # pictures; 2 s, as the shortest of VEGAS
LONGEST: Final = 156  # 10 s, as its longest; longer videos are cut into equal pieces
VGG_FILES: Final = ("vgg19.safetensors", "vgg19.pth")
PACKAGED: Final = "efficientnet-lite0"
BROUGHT: Final = "vgg19-fc6"
_UNTOLD: Final = 0.1
_SILENT: Final = 0.001  # -60 dB of full scale
_PRIMING_S: Final = 0.1  # coders begin this much before zero at most, with samples that decoders drop
_SMALLEST_DEVIATION: Final = 0.05  # of a feature: what hardly ever changes must not be blown up
_SCALED_BY: Final = 400  # recordings that the statistics are taken from
_VERSION: Final = 1
_IN_MEMORY: Final = 256  # pieces, of up to half a megabyte


class Scale(NamedTuple):
    """Means and deviations of the features of those who are trained on: [A], [A], [M], [M]."""

    appearance_mean: NDArray[np.float32]
    appearance_deviation: NDArray[np.float32]
    motion_mean: NDArray[np.float32]
    motion_deviation: NDArray[np.float32]

    @classmethod
    def of(cls, filmed: Sequence[Filmed]) -> Scale:
        """Those of some recordings, spread evenly where there are very many."""
        some = [filmed[at] for at in np.linspace(0, len(filmed) - 1, min(len(filmed), _SCALED_BY)).astype(int)]
        seen = np.concatenate([one.pictures["appearance"] for one in some]).astype(np.float64)
        moved = np.concatenate([one.pictures["motion"] for one in some]).astype(np.float64)
        parts = (seen.mean(0), seen.std(0), moved.mean(0), moved.std(0))
        means_and = (np.maximum(part, _SMALLEST_DEVIATION) if at % 2 else part for at, part in enumerate(parts))
        return cls(*(np.asarray(part, np.float32) for part in means_and))


@dataclass(frozen=True, eq=False)
class Filmed:
    """One piece of a video; a :class:`synth.training.ambient.data.Example`. Its arrays are read when asked for.

    Attributes:
        name: ``<class>/<video>``, and ``@<s>`` where the piece begins later than the video.
        label: its class.
        group: the recording that it was cut from.
        part: ``"train"`` or ``"held-out"``.
        kept: its video's file in the cache.
        first: picture that the piece begins with.
        count: T.
        scale: what features are brought to a common scale with; ``None`` leaves them as they are.
        picture_of: another one whose picture it shows instead of its own, from the start again where that is shorter.
    """

    name: str
    label: str
    group: str
    part: str
    kept: Path
    first: int
    count: int
    scale: Scale | None = None
    picture_of: Filmed | None = None

    @property
    def sound(self) -> NDArray[np.float32]:
        """[N] at 16 kHz, its video brought to a common loudness."""
        return np.asarray(self.arrays["sound"] / np.float32(32767), np.float32)

    @functools.cached_property
    def levels(self) -> band_envelopes.Levels:
        """Band levels [S, K] of the sound."""
        return band_envelopes.band_levels(self.sound)

    @property
    def activity(self) -> NDArray[np.float32]:
        """How much moves in the picture, 0..1, [T]."""
        return np.asarray(self._shown("activity"), np.float32)

    @property
    def motion(self) -> NDArray[np.float32]:
        """What moves, [T, M]."""
        rows = np.asarray(self._shown("motion"), np.float32)
        return rows if self.scale is None else (rows - self.scale.motion_mean) / self.scale.motion_deviation

    @property
    def untold(self) -> float:
        """One visit in ten is without its class, for pictures of which nobody knows it."""
        return _UNTOLD

    def appearance(self, size: int, share: float) -> NDArray[np.float32]:
        """What the eye saw, [T, A]; no selector has a say, so ``share`` is not asked.

        Raises:
            ValueError: ``size`` is not A.
        """
        rows = np.asarray(self._shown("appearance"), np.float32)
        if rows.shape[1] != size:
            raise ValueError(f"the pictures of {self.name} are {rows.shape[1]} numbers each; asked for were {size}")
        return rows if self.scale is None else (rows - self.scale.appearance_mean) / self.scale.appearance_deviation

    def showing(self, other: Filmed) -> Filmed:
        """The same sound and class with the picture of another."""
        return replace(self, name=f"{self.name} showing {other.name}", picture_of=other)

    @property
    def arrays(self) -> dict[str, NDArray[Any]]:
        """What the cache holds of this piece: sound int16 [N]; appearance, motion and activity a picture."""
        return _piece(self.kept, self.first, self.count)

    @property
    def pictures(self) -> dict[str, NDArray[Any]]:
        """The arrays of whom it shows, as they are."""
        return (self.picture_of or self).arrays

    def _shown(self, name: str) -> NDArray[Any]:
        rows = self.pictures[name]
        return rows[np.arange(self.count) % len(rows)]


@functools.lru_cache(maxsize=_IN_MEMORY)
def _piece(kept: Path, first: int, count: int) -> dict[str, NDArray[Any]]:
    last = first + count
    with safetensors.safe_open(kept, "np") as file:
        index = file.get_slice("index")[first:last]
        return {
            "sound": file.get_slice("sound")[first * SAMPLES_PER_PICTURE : last * SAMPLES_PER_PICTURE],
            "appearance": file.get_slice("appearance")[index[0] : index[-1] + 1][index - index[0]],
            "motion": file.get_slice("motion")[first:last],
            "activity": file.get_slice("activity")[first:last],
        }


class ChosenEye:
    """Who looks at the pictures: the packaged network, or VGG-19 where its weights lie in one of these folders.

    Raises:
        WeightsError: the file there is unreadable.
    """

    def __init__(self, *folders: Path) -> None:
        places = [folder / name for folder in folders for name in VGG_FILES]
        self._file = next((place for place in places if place.is_file()), None)
        self.name = BROUGHT if self._file else PACKAGED
        self.outputs = FC6 if self._file else scene.FEATURES
        self.sha256 = file_sha256(self._file) if self._file else weights.IMAGENET_SHA256

    @functools.cached_property
    def eye(self) -> scene.Eye:
        """The network itself, loaded when first asked for.

        Raises:
            WeightsError: it is not the one that is wanted; the sentence says what is.
        """
        if self._file is None:
            return scene.packaged_eye()
        try:
            return VGG19Eye(weights.load_brought(self._file))
        except ValueError as error:
            raise WeightsError(f"{self._file}: {error}") from error


def load_videos(data: Path | None) -> list[LabelledVideo]:
    """The videos of a folder: VEGAS, or any of its own.

    Raises:
        OptionError: there are none.
        MediaError: a list of VEGAS's cannot be read.
    """
    if data is None:
        raise OptionError("--data is missing: a folder with VEGAS, or with one folder of videos a class")
    return vegas.load(data) if vegas.is_here(data) else video_folder.load(data)


def prepare(videos: Sequence[LabelledVideo], cache: Path, chosen: ChosenEye) -> tuple[list[Filmed], dict[str, str]]:
    """All videos as pieces of 2 to 10 s, looked at once and kept in ``cache``, and why some were left out, by name.

    Raises:
        OptionError: none is left to train on, or none to measure on.
        WeightsError: the eye is not to be had.
    """
    kept = {one.name: _kept(one.video, cache, chosen) for one in videos}
    todo = [one for one in videos if not kept[one.name].exists()]
    left_out: dict[str, str] = {}
    if todo:
        eye = chosen.eye
        cache.mkdir(parents=True, exist_ok=True)
        # ffmpeg decodes in programs of its own and torch and OpenCV let go of the interpreter, so threads are enough.
        pool = ThreadPoolExecutor(min(4, os.cpu_count() or 1))
        try:
            reasons = pool.map(lambda one: _film(one.video, kept[one.name], eye), todo)
            for one, reason in zip(todo, tqdm(reasons, total=len(todo), unit="video", dynamic_ncols=True), strict=True):
                if reason:
                    left_out[one.name] = reason
        finally:
            pool.shutdown(cancel_futures=True)
    filmed = [piece for one in videos if one.name not in left_out for piece in _pieces(one, kept[one.name])]
    for part in (TRAIN, HELD_OUT):
        if not any(piece.part == part for piece in filmed):
            why = f"; {len(left_out)} were left out: {next(iter(left_out.values()))}" if left_out else ""
            raise OptionError(f"no videos are in the part {part!r} of the split{why}")
    return filmed, left_out


def _kept(path: Path, cache: Path, chosen: ChosenEye) -> Path:
    about = path.stat()
    key = f"{_VERSION} {path.resolve()} {about.st_size} {about.st_mtime_ns} {chosen.name} {chosen.sha256}"
    return cache / f"{blake2b(key.encode(), digest_size=12).hexdigest()}.safetensors"


def _film(path: Path, target: Path, eye: scene.Eye) -> str | None:
    """Look at a video and keep it, or say why it is of no use."""
    try:
        arrays = look_and_listen(path, eye)
    except MediaError as error:
        return str(error)
    unfinished = target.with_suffix(f".{os.getpid()}.tmp")
    save_file(arrays, unfinished)
    unfinished.replace(target)
    return None


def look_and_listen(path: Path, eye: scene.Eye) -> dict[str, NDArray[Any]]:
    """What the cache keeps of a video.

    Returns:
        ``sound`` int16 [N], ``appearance`` float16 [K, A], ``index`` int32 [T] into its rows, ``motion`` float32
        [T, M], ``activity`` float32 [T].

    Raises:
        MediaError: it cannot be read, has no sound or a silent one, or is shorter than 2 s.
    """
    sound = _sound_beside_picture(path)
    if not np.any(np.abs(sound) > _SILENT):
        raise MediaError("the sound is silent")
    width, height = scene.FRAME_SIZE
    seen = scene.look(video.read_frames(path, rate_hz=scene.RATE_HZ, width=width, height=height), eye=eye)
    count = min(len(seen.motion), len(sound) // SAMPLES_PER_PICTURE)
    if count < SHORTEST:
        raise MediaError(f"sound and picture last {count / scene.RATE_HZ:.1f} s together; wanted are 2 s or more")
    return {
        "sound": np.round(levelled(sound[: count * SAMPLES_PER_PICTURE]) * 32767).astype(np.int16),
        "appearance": seen.appearance.astype(np.float16),
        "index": seen.appearance_index[:count].astype(np.int32),
        "motion": np.ascontiguousarray(seen.motion[:count]),
        "activity": np.ascontiguousarray(seen.activity[:count]),
    }


def _sound_beside_picture(path: Path) -> NDArray[np.float32]:
    """The sound [N] at 16 kHz from the moment on when the picture begins."""
    found = packets.listing(path, LIMITS)
    times, _ = found.shown()
    if found.first_sound_s is None or not len(times):
        raise MediaError("the video has no sound" if len(times) else "the video has no frames")
    sound, rate_hz = audio.read(path, band_envelopes.RATE_HZ)
    begins_s = 0.0 if -_PRIMING_S < found.first_sound_s < 0 else float(found.first_sound_s)
    late = round((begins_s - float(int(times[0]) * found.tick_s)) * rate_hz)
    return np.pad(sound, (late, 0)) if late > 0 else sound[-late:]


def _pieces(one: LabelledVideo, kept: Path) -> list[Filmed]:
    with safetensors.safe_open(kept, "np") as file:
        total = int(file.get_slice("activity").get_shape()[0])
    cuts = np.linspace(0, total, -(-total // LONGEST) + 1).astype(int).tolist()
    return [
        Filmed(
            one.name if first == 0 else f"{one.name}@{first / scene.RATE_HZ:.1f}",
            one.label,
            one.group,
            one.part,
            kept,
            first,
            last - first,
        )
        for first, last in itertools.pairwise(cuts)
    ]
