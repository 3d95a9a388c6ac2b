"""Clips as different networks hear them: the raw material of the report.

Shapes: S = sound steps at 90 Hz, F = 42 bands, T = frames of H x W pixels, N = samples, A = the eye's numbers.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from synth import weights
from synth.data.corpora.clip import Clip
from synth.dsp.cochleagram import cochleagram
from synth.dsp.stereo import to_channels
from synth.errors import WeightsError
from synth.materials import MATERIALS
from synth.media import audio, video
from synth.models.two_stream import SMALL, TwoStream
from synth.options import Options
from synth.randomness import uniforms
from synth.training.hits.data import SOUND_RATE_HZ, levelled
from synth.training.hits.recipes import CROSS_VALIDATED, REAL_ONLY, SIMULATION
from synth.voices.base import Controls, Hit
from synth.voices.hits import detector
from synth.voices.hits.voice import FRAME_SIZE, NETWORK, VIDEO_RATE_HZ, HitsVoice

_LEAST_CONFIDENCE: Final = 0.02


@dataclass(frozen=True)
class Listener:
    """Networks under one name, and which of them may judge a clip of a given source.

    Attributes:
        name: of the row in the report.
        by_group: source video -> network that has not seen it.
        otherwise: for sources that none of the networks was trained on.
    """

    name: str
    by_group: Mapping[str, tuple[TwoStream, detector.Calibration]]
    otherwise: tuple[TwoStream, detector.Calibration]

    def network(self, group: str) -> tuple[TwoStream, detector.Calibration]:
        """The network that may judge clips of this source."""
        return self.by_group.get(group, self.otherwise)

    @staticmethod
    def hits_of(one: Judged) -> tuple[list[float], list[float]]:
        """Times and confidences of what was heard."""
        return [hit.time_s for hit in one.hits], [hit.confidence for hit in one.hits]

    @staticmethod
    def candidates_of(one: Judged) -> tuple[list[float], list[float]]:
        """Times and confidences of all that might be a hit: average precision needs no threshold."""
        times_s, confidences = detector.onset_peaks(one.onset, _LEAST_CONFIDENCE)
        return list(times_s), list(confidences)


@dataclass(frozen=True)
class Seen:
    """A clip decoded.

    Attributes:
        frames: uint8 [T, H, W, 3] at the voice's rate and size.
        picture: float32 [A], the eye's numbers.
        sound: float32 [N], the real sound.
        real: float32 [S, F] envelopes of the real sound, brought to a common level.
    """

    clip: Clip
    duration_s: float
    frames: NDArray[np.uint8]
    picture: NDArray[np.float32]
    sound: NDArray[np.float32]
    sound_rate_hz: int
    real: NDArray[np.float32]


@dataclass(frozen=True)
class Judged:
    """One clip, heard by one network.

    Attributes:
        labels_s: labelled times, ascending.
        onset: float32 [S], probability of a contact.
        materials: (true, predicted) at the labelled hits whose material is known.
        predicted, sounded: float32 [S, F] envelopes of the prediction, and of what the voice makes of it with the
            shipped bank, at the level of ``seen.real``.
    """

    seen: Seen
    labels_s: tuple[float, ...]
    hits: tuple[Hit, ...]
    onset: NDArray[np.float32]
    materials: tuple[tuple[str, str], ...]
    predicted: NDArray[np.float32]
    sounded: NDArray[np.float32]


def listeners() -> list[Listener]:
    """The full system first, then what it is compared with; those whose weights are not installed are left out.

    Raises:
        WeightsError: the full system's weights are missing.
    """
    loaded = weights.load(NETWORK)
    shipped = detector.build(loaded.tensors, loaded.metadata)
    found = [Listener("cross-validated", folds(CROSS_VALIDATED), shipped)]
    # The threshold of a network that knows nothing is as good as any.
    torch.manual_seed(0)
    untrained = (TwoStream(SMALL).eval(), detector.Calibration())
    found.append(Listener("untrained", {}, untrained))
    for name, row in ((SIMULATION, "simulation only"), (REAL_ONLY, "real only, cross-validated")):
        if name not in weights.entries():
            continue
        other = weights.load(name)
        if "folds" in other.metadata:
            found.append(Listener(row, folds(name), untrained))
        else:
            found.append(Listener(row, {}, detector.build(other.tensors, other.metadata)))
    return found


def folds(name: str) -> dict[str, tuple[TwoStream, detector.Calibration]]:
    """The networks of a cross-validation by the source videos that they have not seen.

    Raises:
        WeightsError: the file is missing or its parts do not fit.
    """
    loaded = weights.load(name)
    networks = {}
    for part, groups in loaded.entry.split.items():
        prefix = f"{part}."
        tensors = {key.removeprefix(prefix): value for key, value in loaded.tensors.items() if key.startswith(prefix)}
        if not tensors:
            raise WeightsError(f"weights {name!r} hold no part {part!r}")
        metadata = {"config": loaded.metadata["config"], "calibration": loaded.metadata[f"calibration.{part}"]}
        networks.update(dict.fromkeys(groups, detector.build(tensors, metadata)))
    return networks


def see(clip: Clip, eye: detector.Eye) -> Seen:
    """Decode a clip once for all who are to judge it."""
    width, height = FRAME_SIZE
    frames = np.stack(list(video.read_frames(clip.video, rate_hz=VIDEO_RATE_HZ, width=width, height=height)))
    picked = frames[[int((k + 0.5) * len(frames) / detector.PICTURES) for k in range(detector.PICTURES)]]
    sound, sound_rate_hz = audio.read(clip.sound_path, SOUND_RATE_HZ)
    return Seen(
        clip=clip,
        duration_s=video.probe(clip.video).duration_s,
        frames=frames,
        picture=eye(picked).mean(0),
        sound=sound,
        sound_rate_hz=sound_rate_hz,
        real=cochleagram(levelled(sound), sound_rate_hz),
    )


def judge(seen: Seen, listener: Listener) -> Judged:
    """Let the network that may judge this clip hear it, and put beside it what is true."""
    model, calibration = listener.network(seen.clip.group)
    size = (model.config.width, model.config.height)
    small = [cv2.resize(frame, size, interpolation=cv2.INTER_AREA) for frame in seen.frames]
    grey = np.stack([cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in small]).astype(np.uint8)
    heard = detector.hear_arrays(model, grey, seen.picture)
    hits = detector.find_hits(heard, calibration)
    labels = seen.clip.hits or ()
    return Judged(
        seen=seen,
        labels_s=tuple(hit.time_s for hit in labels),
        hits=hits,
        onset=heard.onset,
        materials=tuple((hit.material, _material_at(heard, hit.time_s)) for hit in labels if hit.material),
        predicted=heard.cochleagram,
        sounded=_sounded(heard, hits, seen.duration_s),
    )


def _material_at(heard: detector.Heard, time_s: float) -> str:
    return MATERIALS[int(detector.material_votes(heard, time_s).argmax())]


def _sounded(heard: detector.Heard, hits: tuple[Hit, ...], duration_s: float) -> NDArray[np.float32]:
    controls = Controls(duration_s, hits, track=heard.cochleagram)
    draw = functools.partial(uniforms, 0)
    voice = HitsVoice()
    sound = to_channels(voice.render(controls, Options(), draw, lambda: False).sound, 1)
    return cochleagram(levelled(sound), voice.sample_rate_hz)
