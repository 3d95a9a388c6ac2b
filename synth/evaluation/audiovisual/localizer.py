"""``sonorize eval localizer``: whether attention lies on what sounds, in scenes and in real frames.

Consensus intersection over union at one half and its area, as in Senocak et al. (CVPR 2018, section 4), and pointing
accuracy, for the localizer that ships and, with ``beside``, its variants. Floors: the middle of the picture, anywhere,
the untrained net, what stands out to the ImageNet net. Ceilings: the box itself, and somebody who sees every thing and
is deaf. Controls: silence, noise, the sound of nothing in the picture, the sound of its silent thing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from tqdm import tqdm

from synth import weights
from synth.data.corpora import drawn_boxes, video_folder
from synth.data.corpora.av_clip import RATE_HZ
from synth.description.localization import WEIGHTS, AttentionReader
from synth.evaluation.audiovisual import marked_frames
from synth.evaluation.audiovisual.marked_frames import Frame
from synth.evaluation.audiovisual.pointing import Maps, cases, judge
from synth.media import audio, video
from synth.metrics import localization
from synth.metrics.hits import wilson_interval
from synth.models.attention_localizer import AttentionLocalizer, unpack
from synth.models.imagenet import ImageNetEye
from synth.models.l3net import STEPS_HZ, log_mel
from synth.training.audiovisual import data as av_data
from synth.training.audiovisual import pair_recipes
from synth.training.audiovisual.data import AVData

PAPER: Final = {
    "data": "Flickr-SoundNet; no figures of the paper could be confirmed, so none are quoted",
    "ezvsl_144k_ciou_at_half": 0.8313,
    "ezvsl_144k_ciou_auc": 0.6306,
}
_AROUND_S: Final = 1.5  # of the sound before and behind a marked frame


def evaluate_localizer(data: Path, out: Path | None, beside: Path | None = None) -> dict[str, Any]:
    """All figures, on scenes that no training saw and on the marked frames of real clips in ``data``.

    Args:
        data: with ``esc10`` in it, whose fourth fold sounds in the scenes; and clips of
            :mod:`synth.evaluation.audiovisual.marked_frames`, in it or in its folder ``wild``.
        out: a folder for pictures.
        beside: folder of a run whose nets are measured too, such as the variants.

    Raises:
        OptionError: scenes cannot be made.
        MediaError: a clip cannot be read.
        WeightsError: the weights are missing.
    """
    esc10 = pair_recipes.esc10_in(data)
    test = av_data.scenes(pair_recipes.EVALUATION_CACHE, pair_recipes.TEST_SCENES, test=True, esc10=esc10, mixes=1)
    loaded = weights.load(WEIGHTS)
    nets = {"shipped": unpack(loaded.tensors, loaded.metadata), **(nets_in(beside) if beside else {})}
    frames = marked(data)
    told = report(nets, test, esc10, frames)
    if out is not None:
        from synth.evaluation.audiovisual import localizer_pictures

        localizer_pictures.draw(nets, test, frames, out)
    return told


def report(
    nets: Mapping[str, AttentionLocalizer], test: AVData, esc10: Path | None, frames: Sequence[Frame]
) -> dict[str, Any]:
    """The figures of some nets beside those that need none."""
    torch.manual_seed(1)
    every: dict[str, Maps] = {name: maps_of(net) for name, net in nets.items()}
    every["floor: untrained"] = maps_of(AttentionLocalizer().eval())
    every["floor: what stands out to the ImageNet net"] = standing_out(test)
    every["floor: a random place"] = _random()
    some = cases(test)
    mixed = [case for case in some if case.silent]
    return {
        "scenes": {name: judge(maps, test, esc10) for name, maps in tqdm(every.items(), desc="methods", disable=None)},
        "ceiling, deaf: a thing of the picture by chance": {
            "all_scenes": float(np.mean([len(c.sounding) / len((*c.sounding, *c.silent)) for c in some])),
            "with_a_silent_thing_too": float(
                np.mean([len(c.sounding) / len((*c.sounding, *c.silent)) for c in mixed]) if mixed else 0.0
            ),
        },
        "real_frames": real(every, frames) if frames else None,
        "paper": PAPER,
    }


def nets_in(folder: Path) -> dict[str, AttentionLocalizer]:
    """The localizers in the folder of a run and in those just below it, by name."""
    found = {}
    for place in sorted({folder, *(inner for inner in folder.iterdir() if inner.is_dir())}):
        for name in weights.entries(place):
            loaded = weights.load(name, place)
            if loaded.metadata.get("arch") == "attention-localizer":
                found[name] = unpack(loaded.tensors, loaded.metadata)
    return found


def maps_of(net: AttentionLocalizer) -> Maps:
    """The probabilities of a net, as they are shown."""
    reader = _Remembering(net)
    return lambda maps, mel: reader.maps_of(maps, mel)[0]


class _Remembering(AttentionReader):
    """Sees and hears what it is asked again only once: the same scene is measured in several ways."""

    def __init__(self, net: AttentionLocalizer) -> None:
        super().__init__(net)
        self._known: dict[bytes, Tensor] = {}

    def hear(self, mel: NDArray[np.float32]) -> Tensor:
        """As the reader."""
        key = hashlib.sha256(mel.tobytes()).digest()
        if key not in self._known:
            self._known[key] = super().hear(mel)
        return self._known[key]

    def see(self, maps: NDArray[np.float16]) -> Tensor:
        """As the reader."""
        key = hashlib.sha256(maps.tobytes()).digest()
        if key not in self._known:
            self._known[key] = super().see(maps)
        return self._known[key]


def standing_out(data: AVData, most: int = 200) -> Maps:
    """How far each position lies from what the ImageNet net usually sees, whatever is heard."""
    some = np.asarray(data.maps[:most], np.float32)
    mean, spread = some.mean((0, 2, 3)), some.std((0, 2, 3)) + 1e-6

    def far(maps: NDArray[np.float16], mel: NDArray[np.float32]) -> NDArray[np.float32]:
        apart = (maps.astype(np.float32) - mean[:, None, None]) / spread[:, None, None]
        norms = np.sqrt((apart**2).mean(1))
        return np.asarray(norms / max(1e-6, float(norms.max())), np.float32)

    return far


def _random() -> Maps:
    rng = np.random.default_rng(0)
    return lambda maps, mel: rng.random((len(maps), *maps.shape[2:]), np.float32)


def marked(data: Path) -> list[Frame]:
    """The marked frames of the clips that are there, looked at and heard."""
    places = [place for place in (data, data / "wild") if place.is_dir()]
    files = [file for place in places for file in video_folder.files(place) if file.stem in marked_frames.names()]
    eye = ImageNetEye(weights.load_imagenet()) if files else None
    frames = []
    for file in tqdm(files, desc="real frames", unit="frame", disable=None):
        info = video.probe(file)
        found = marked_frames.marked_frame(file.stem, info.duration_s)
        if eye is None or found is None:
            continue
        picture = drawn_boxes.frames_at(file, [found.time_s], info.rate_fps)
        sound, _ = audio.read(file, RATE_HZ)
        mel = log_mel(sound)
        first = max(0, round((found.time_s - _AROUND_S) * STEPS_HZ))
        near = mel[:, first : first + round(2 * _AROUND_S * STEPS_HZ)]
        frames.append(Frame(file.stem, eye.look(picture).maps, near, found.box, picture[0]))
    return frames


def real(every: Mapping[str, Maps], frames: Sequence[Frame]) -> dict[str, Any]:
    """Pointing and intersection over union on marked frames; each clip's own sound, then the next clip's."""
    rows: dict[str, Any] = {}
    for name, maps in every.items():
        found = [maps(frame.maps, frame.mel)[0] for frame in frames]
        others = [maps(one.maps, other.mel)[0] for one, other in zip(frames, (*frames[1:], frames[0]), strict=True)]
        hits = [localization.pointing_hit(one, [frame.box]) for one, frame in zip(found, frames, strict=True)]
        overlaps = [
            localization.ciou(localization.enlarged(localization.stretched(one)), [[frame.box]])
            for one, frame in zip(found, frames, strict=True)
        ]
        interval = wilson_interval(round(sum(hits)), len(hits))
        rows[name] = {
            "pointing": float(np.mean(hits)),
            "pointing_95": [interval.low, interval.high] if interval else None,
            "ciou_at_half": localization.success(overlaps),
            "ciou_auc": localization.auc(overlaps),
            "mean_firmness": float(np.mean([one.max() for one in found])),
            "mean_firmness_with_another_clips_sound": float(np.mean([one.max() for one in others])),
        }
    return {
        "frames": len(frames),
        "rows": rows,
        "floor: picture centre": float(np.mean([localization.centre_hit([frame.box]) for frame in frames])),
        "floor: anywhere": float(np.mean([localization.chance_hit([frame.box]) for frame in frames])),
        "ceiling: the box": 1.0,
    }
