"""What the nets say of a clip and of the sounds that were made for it: the last stage of a job.

A few pictures of the clip are looked at, each take is heard once; everything else is small nets on top of these. The
maps are AVOL-Net's and the attention localiser's, the ranking AVE-Net's, the correspondence L3-Net's, tags SoundNet's,
and the texture is Owens et al.'s.

Shapes: K pictures, maps of the packaged net [K, 432, 14, 14], spectrograms [64, T], N samples.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from synth import weights
from synth.description import heat_map, nets, tags, textures
from synth.description.description import Description, Side, Tag, TakeDescription, Unit, Vector
from synth.description.embedding import CrossmodalReader
from synth.description.localization import AttentionReader
from synth.dsp.resampling import resample
from synth.media import video
from synth.media.picture.views import View, Views
from synth.models.avenet import AVOLNet
from synth.models.imagenet import ImageNetEye, Sight
from synth.models.l3net import RATE_HZ, STEPS, STEPS_HZ, log_mel, pool, windows
from synth.models.reproducible import reproducible_inference
from synth.stopwatch import Stopwatch

PICTURES: Final = 6
"""Of a clip, spread evenly; each costs some 30 ms."""
MAX_HEARD_S: Final = 60.0
"""Of a longer sound, stretches are heard that lie evenly."""
UNITS: Final = 3
_PX: Final = 224
_EVENT_S: Final = 2.0

Sounds = Sequence[tuple[NDArray[np.float32], int]]


@dataclass(frozen=True)
class Seen:
    """A clip that was looked at: pictures at K times, what was seen in them, and the seconds that looking took."""

    times_s: tuple[float, ...]
    sight: Sight
    vectors: tuple[Vector, ...]
    units: tuple[Unit, ...]
    spent_s: float


class Describer:
    """All nets, loaded when first needed."""

    def __init__(self) -> None:
        self._eye = ImageNetEye(weights.load_imagenet())

    def see(self, source: Path, cancelled: Callable[[], bool] = lambda: False, *, views: Views | None = None) -> Seen:
        """Look at a clip, which needs no sound: it may be done while that is being made.

        Arguments and errors are those of :meth:`describe`.
        """
        watch = Stopwatch()
        with watch.stage("pictures"):
            pictures, times_s = pictures_of(source, PICTURES, cancelled, views)
            sight = self._eye.look(pictures)
            vectors, units = self._seen(sight), excited(sight.maps)
        return Seen(times_s, sight, vectors, units, watch.stages_s["pictures"])

    def describe(
        self,
        source: Path,
        sounds: Sounds,
        cancelled: Callable[[], bool] = lambda: False,
        *,
        views: Views | None = None,
        seen: Seen | None = None,
    ) -> Description:
        """Look at a clip and hear its takes.

        Args:
            source: the clip, with or without sound.
            sounds: of each take: float32 [N], one channel, and its rate in Hz.
            views: what is kept of the clip, see :func:`synth.media.video.read_frames`.
            seen: what :meth:`see` gave of it, where somebody looked already.

        Raises:
            MediaError: the clip cannot be decoded.
            WeightsError: weights are missing.
            Cancelled: ``cancelled`` said so while pictures were read.
        """
        seen = seen or self.see(source, cancelled, views=views)
        watch = Stopwatch()
        with watch.stage("hear"):
            takes = tuple(
                self._take(seen.sight, seen.vectors[0], seen.times_s, sound, rate_hz) for sound, rate_hz in sounds
            )
        return Description(seen.times_s, seen.vectors, takes, seen.units, {"pictures": seen.spent_s, **watch.stages_s})

    def of_picture(self, pictures: NDArray[np.uint8]) -> tuple[Vector, ...]:
        """Vectors of pictures [K, H, W, 3] taken together, one a space."""
        return self._seen(self._eye.look(pictures))

    def of_sound(self, sound: NDArray[np.float32], rate_hz: int) -> tuple[Vector, ...]:
        """Vectors of a sound [N], one a space."""
        return self._heard(log_mel(heard(sound, rate_hz)))

    def _seen(self, sight: Sight) -> tuple[Vector, ...]:
        maps = torch.from_numpy(sight.maps).float()
        with reproducible_inference():
            point = nets.ave().embed_pictures(maps).mean(0).numpy()
        return Vector("ave", Side.PICTURE, unit(point)), _crossmodal().of_picture(sight.pooled)

    def _heard(self, mel: NDArray[np.float32]) -> tuple[Vector, ...]:
        with reproducible_inference():
            point = nets.ave().embed_sounds(torch.from_numpy(windows(mel))).mean(0).numpy()
        return Vector("ave", Side.SOUND, unit(point)), _crossmodal().of_mel(mel)

    def _take(
        self, sight: Sight, seen: Vector, times_s: Sequence[float], sound: NDArray[np.float32], rate_hz: int
    ) -> TakeDescription:
        whole_s = len(sound) / rate_hz
        sound = heard(sound, rate_hz)
        with ThreadPoolExecutor(1, "tags") as beside:  # on one thread each, so that no figure depends on their number
            named = beside.submit(tags.load().tags, sound, RATE_HZ)
            return self._read(sight, seen, times_s, sound, whole_s, named)

    def _read(
        self,
        sight: Sight,
        seen: Vector,
        times_s: Sequence[float],
        sound: NDArray[np.float32],
        whole_s: float,
        named: Future[tuple[Tag, ...]],
    ) -> TakeDescription:
        mel = log_mel(sound)
        # Of a long sound less is heard than there is; pictures then hear the stretch that lies nearest.
        moments_s = [time_s * min(1.0, len(sound) / RATE_HZ / whole_s) for time_s in times_s]
        mine = self._heard(mel)
        maps = {
            "avol": avol_maps(nets.avol(), sight.maps, mel, moments_s),
            "attention": _attention().maps_of(sight.maps, mel, moments_s)[0],
        }
        return TakeDescription(
            correspondence=correspondence(sight.maps, mel),
            distance=float(np.linalg.norm(mine[0].values - seen.values)),
            texture=textures.load().read(sound, RATE_HZ, sight.maps),
            tags=named.result(),
            maps=maps,
            firmness={method: float(found.max()) for method, found in maps.items()},
            vectors=mine,
        )


@functools.cache
def _attention() -> AttentionReader:
    return AttentionReader.shipped()


@functools.cache
def _crossmodal() -> CrossmodalReader:
    return CrossmodalReader.shipped()


def views_of(info: video.VideoInfo) -> list[View]:
    """The views of a clip that describing it and drawing the heat maps take."""
    rate_hz = _rate_hz(info, PICTURES)
    return [View.of(rate_hz, _PX, _PX), View.of(rate_hz, *heat_map.still_size(info))]


def _rate_hz(info: video.VideoInfo, count: int) -> float:
    """Twice as many as wanted, of which every second one is taken: so each stands in the middle of its stretch."""
    return min(2 * count / info.duration_s, info.rate_fps)


def pictures_of(
    source: Path, count: int, cancelled: Callable[[], bool] = lambda: False, views: Views | None = None
) -> tuple[NDArray[np.uint8], tuple[float, ...]]:
    """``count`` pictures of a clip [count, 224, 224, 3], spread evenly, and when they are shown.

    Raises:
        MediaError: the clip cannot be decoded.
        Cancelled: ``cancelled`` said so.
    """
    info = video.probe(source, salvage=True, recut=True)
    rate_hz = _rate_hz(info, count)
    reader = video.read_frames(
        source, rate_hz=rate_hz, width=_PX, height=_PX, lenient=True, views=views, cancelled=cancelled
    )
    frames = list(reader)
    chosen = sorted({min(len(frames) - 1, 2 * number + 1) for number in range(count)})
    return np.stack([frames[number] for number in chosen]), tuple(number / rate_hz for number in chosen)


def heard(sound: NDArray[np.float32], rate_hz: int) -> NDArray[np.float32]:
    """A sound [N] as the nets want it: at 22.05 kHz, a minute at most, of stretches that lie evenly."""
    limit = round(MAX_HEARD_S * rate_hz)
    if len(sound) > limit:
        piece = limit // 6
        starts = np.linspace(0, len(sound) - piece, 6).astype(int)
        sound = np.concatenate([sound[start : start + piece] for start in starts])
    return np.asarray(resample(sound, rate_hz, RATE_HZ), np.float32)


def unit(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """The same direction, of length one."""
    return np.asarray(values / max(1e-9, float(np.linalg.norm(values))), np.float32)


def correspondence(maps: NDArray[np.float16], mel: NDArray[np.float32]) -> float:
    """L3-Net's probability that pictures and a sound belong together: the mean over pictures and windows."""
    net = nets.l3()
    with reproducible_inference():
        seen = pool(net.picture(torch.from_numpy(maps).float()))
        told = pool(net.sound(torch.from_numpy(windows(mel))))
        pairs = [net.judge(seen, one.expand(len(seen), -1)).softmax(1)[:, 1] for one in told]
    return float(torch.stack(pairs).mean())


def excited(maps: NDArray[np.float16], count: int = UNITS) -> tuple[Unit, ...]:
    """The units of L3-Net's picture tower that pictures excite most, against what is usual, and where."""
    net = nets.l3()
    with reproducible_inference():
        seen = net.picture(torch.from_numpy(maps).float())
        strength = net.excitement(seen).mean(0)
    likes = nets.likes()
    found = []
    for number in strength.argsort(descending=True)[:count].tolist():
        own = seen[:, number].numpy()
        shown = np.asarray(own / max(1e-6, float(own.max())), np.float32)
        found.append(Unit(number, likes[number] if likes else "", float(strength[number]), shown))
    return tuple(found)


def avol_maps(
    net: AVOLNet, maps: NDArray[np.float16], mel: NDArray[np.float32], times_s: Sequence[float] = ()
) -> NDArray[np.float32]:
    """Where the sound comes from: [K, 14, 14] in 0..1.

    Args:
        times_s: of the pictures; each then hears the two seconds around it, without them all hear everything.
    """
    with reproducible_inference():
        seen = net.see(torch.from_numpy(np.asarray(maps)).float())
        if times_s:
            parts = np.stack([_around(mel, time_s) for time_s in times_s])
            return np.asarray(net.maps(seen, net.hear(torch.from_numpy(parts))).sigmoid().numpy(), np.float32)
        told = net.hear(torch.from_numpy(windows(mel)))
        found = torch.stack([net.maps(seen, one.expand(len(seen), -1)).sigmoid() for one in told])
    return np.asarray(found.mean(0).numpy(), np.float32)


def _around(mel: NDArray[np.float32], time_s: float) -> NDArray[np.float32]:
    """The window [64, 100] in whose middle a moment lies, or the nearest one that the sound has."""
    while mel.shape[1] < STEPS:
        mel = np.concatenate([mel, mel], axis=1)
    first = int(np.clip(round((time_s - _EVENT_S / 2) * STEPS_HZ), 0, mel.shape[1] - STEPS))
    return mel[:, first : first + STEPS]


def describer() -> Describer:
    """The one of this process, whoever asks first."""
    with _LOADING:
        return _describer()


@functools.cache
def _describer() -> Describer:
    return Describer()


_LOADING: Final = threading.Lock()
