"""The learnt ambient decoder, after Zhou et al., "Visual to Sound" (CVPR 2018, arXiv 1712.01393).

The picture decides the class of sound (or a person does), a SampleRNN makes it sample by sample. How the picture
reaches the decoder is the network's variant, see :mod:`synth.models.visual_to_sound`; the one that ships is *guided*.
Loudness follows the picture's activity.

Many takes, of one clip or of several, are one launch of the sampler, and so are the segments of a long bed (see
:mod:`synth.voices.ambient.segments`); each is made in chunks of a quarter of a second with its state carried on, so
that length costs no memory but that of the sound itself, and a take that is cancelled leaves the others at work.

Shapes: T = picture frames (15.625 a second), S = steps of band levels, F = top frames, N = samples at 16 kHz.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from synth import weights
from synth.ambient_classes import AMBIENT_CLASSES, DISPLAY_NAMES
from synth.errors import Cancelled, OptionError, WeightsError
from synth.media.video import VideoInfo
from synth.options import Options
from synth.randomness import uniforms as drawn
from synth.voices.ambient import band_envelopes, scene
from synth.voices.ambient.envelope_bank import EnvelopeBank
from synth.voices.ambient.fine_structure import FIELDS, PackedFineStructure
from synth.voices.ambient.sounding import Decoder, Sounding
from synth.voices.base import (
    CancelPoll,
    Controls,
    Frame,
    Progress,
    Rendering,
    Sound,
    SoundChoice,
    Take,
    Uniforms,
    ignore_progress,
    never_cancelled,
)

if TYPE_CHECKING:
    from synth.models.visual_to_sound import VisualToSound

NETWORK: Final = "ambient"
RATE_HZ: Final = band_envelopes.RATE_HZ
CHUNK_S: Final = 0.256
"""What is made between two looks at who is cancelled: a whole number of top frames of every size up to 4096."""

MOST_STREAMS: Final = 64
"""At once: more are hardly faster, and of a take that is cancelled only what has no gap is kept."""


class AmbientVoice:
    """The decoder as a voice, at 16 kHz; a :class:`synth.voices.base.BatchVoice`.

    Args:
        network: name of the weights in the manifest.
        segmented: whether long beds are several streams; else each take is one, for comparisons.
    """

    rate_hz = scene.RATE_HZ
    sample_rate_hz = RATE_HZ

    def __init__(self, network: str = NETWORK, *, segmented: bool = True) -> None:
        self._network = network
        self._segmented = segmented

    def frame_size(self, info: VideoInfo) -> tuple[int, int]:
        """The same for every clip: what the packaged backbone sees."""
        return scene.FRAME_SIZE

    def weights(self, options: Options) -> Mapping[str, str]:
        """Name -> sha256 of the decoder and of the backbone that looks at the picture."""
        return {
            self._network: weights.entry(self._network).sha256,
            weights.IMAGENET_FILE: weights.IMAGENET_SHA256,
        }

    def controls(
        self, frames: Iterator[Frame], info: VideoInfo, options: Options, progress: Progress, cancelled: CancelPoll
    ) -> Controls:
        """The class of sound and the picture's activity; see :meth:`synth.voices.base.Voice.controls`."""
        from synth.models.selector import select

        expected = round(info.duration_s * self.rate_hz)
        seen = scene.look(frames, expected_frames=expected, progress=progress, cancelled=cancelled)
        selection = select(seen)
        choice = SoundChoice(
            selection.name, selection.probability, selection.probabilities, selection.fits, selection.reason
        )
        # A decoder that somebody trained on other classes is given the likeliest of those that it shares with the ten.
        shared = [name for name in AMBIENT_CLASSES if name in self._decoder.classes]
        if shared and choice.name not in shared:
            nearest = max(shared, key=lambda name: selection.probabilities[name])
            reason = f"{choice.reason}; this decoder was trained on other classes, nearest is {DISPLAY_NAMES[nearest]}"
            choice = SoundChoice(
                nearest, selection.probabilities[nearest], selection.probabilities, fits=False, reason=reason
            )
        if options.sound_class is not None:
            reason = f"{DISPLAY_NAMES[options.sound_class]} was asked for"
            choice = SoundChoice(options.sound_class, 1.0, selection.probabilities, fits=True, reason=reason)
        config = self._decoder.network.config
        features: dict[str, NDArray[np.float32]] = {"motion": seen.motion, "position": seen.position[:, None]}
        if config.appearance == scene.FEATURES:
            features["appearance"] = seen.appearance[seen.appearance_index]
        return Controls(
            info.duration_s,
            track=seen.activity[:, None],
            track_rate_hz=self.rate_hz,
            choice=choice,
            features=features,
            warnings=() if choice.fits else (choice.reason,),
        )

    def render(self, controls: Controls, options: Options, uniforms: Uniforms, cancelled: CancelPoll) -> Rendering:
        """Sound one take; see :meth:`synth.voices.base.Voice.render`."""
        rendering = self.render_all([Take(controls, options, uniforms, ignore_progress, cancelled)])[0]
        if rendering.made_s is not None:
            raise Cancelled("stopped while making the sound")
        return rendering

    def render_all(self, takes: Sequence[Take]) -> list[Rendering]:
        """Sound all takes in one launch; see :meth:`synth.voices.base.BatchVoice.render_all`."""
        return render_all(self._decoder, takes, segmented=self._segmented)

    @functools.cached_property
    def _decoder(self) -> Decoder:
        return load(self._network)


def load(name: str = NETWORK) -> Decoder:
    """The decoder of one name in the manifest.

    Raises:
        WeightsError: it is missing, damaged, or not a decoder.
    """
    loaded = weights.load(name)
    try:
        return unpack(loaded.tensors, loaded.metadata)
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise WeightsError(f"weights {name!r} are not those of an ambient decoder: {error}") from error


def pack(network: VisualToSound, bank: EnvelopeBank | None, precision: str) -> tuple[dict[str, Any], dict[str, str]]:
    """What is stored: weights multiplied out and in half precision, the bank, the configuration.

    Args:
        precision: the fastest one that was shown equal to fp32 for these weights.
    """
    import torch

    plain = network.without_weight_norm()
    tensors: dict[str, Any] = {name: value.detach().half() for name, value in plain.state_dict().items()}
    about = {"config": json.dumps(plain.config.as_dict()), "precision": precision}
    if bank is not None:
        tensors["bank.levels"] = torch.from_numpy(bank.levels)
        tensors["bank.starts"] = torch.from_numpy(bank.starts)
        about["bank.labels"] = json.dumps(bank.labels)
        for name in FIELDS if bank.fine is not None else ():
            tensors[f"bank.{name}"] = torch.from_numpy(getattr(bank.fine, name))
    return tensors, about


def unpack(tensors: Mapping[str, Any], about: Mapping[str, str]) -> Decoder:
    """The decoder that :func:`pack` stored."""
    from synth.models.visual_to_sound import VisualToSound, VisualToSoundConfig
    from synth.sampler.backends import make_sampler

    network = VisualToSound(VisualToSoundConfig.from_dict(json.loads(about["config"])))
    network.load_state_dict({name: value.float() for name, value in tensors.items() if not name.startswith("bank.")})
    bank = None
    if "bank.levels" in tensors:
        labels = tuple(json.loads(about["bank.labels"]))
        fine = None
        if "bank.modulation" in tensors:
            fine = PackedFineStructure(*(tensors[f"bank.{name}"].numpy() for name in FIELDS))
        levels, starts = tensors["bank.levels"].numpy(), tensors["bank.starts"].numpy()
        bank = EnvelopeBank(labels, starts, levels, fine)
    network.eval()
    return Decoder(network, make_sampler(network.decoder, precision=about["precision"]), bank)


def generate(
    sound_class: str,
    duration_s: float,
    seeds: Sequence[int],
    activity: NDArray[np.float32] | None = None,
    decoder: Decoder | None = None,
) -> list[Sound]:
    """Sound of a class without a picture, float32 [N] at 16 kHz a seed, all in one launch.

    Args:
        sound_class: one of :data:`synth.ambient_classes.AMBIENT_CLASSES`.
        activity: float32 [T], 0..1, as a picture would show; a still one by default.
        decoder: the shipped one by default.

    Raises:
        OptionError: no such class.
    """
    decoder = decoder or load()
    if sound_class not in decoder.classes:
        raise OptionError(f"sound class is {sound_class!r}; allowed are {', '.join(decoder.classes)}")
    track = np.full(max(1, round(duration_s * scene.RATE_HZ)), 0.5, np.float32) if activity is None else activity
    choice = SoundChoice(sound_class, 1.0, {}, fits=True, reason="asked for")
    controls = Controls(duration_s, track=track[:, None], track_rate_hz=scene.RATE_HZ, choice=choice)
    takes = [
        Take(controls, Options(seed=seed), functools.partial(drawn, seed), ignore_progress, never_cancelled)
        for seed in seeds
    ]
    return [rendering.sound for rendering in render_all(decoder, takes)]


def render_all(decoder: Decoder, takes: Sequence[Take], *, segmented: bool = True) -> list[Rendering]:
    """Sound all takes together, a chunk at a time; who is done or cancelled leaves, and is handed over at once."""
    sounding = [Sounding(decoder, take, segmented=segmented) for take in takes]
    top = decoder.sampler.shape.top_frame
    chunk = max(1, round(CHUNK_S * RATE_HZ / top))
    while True:
        at_work = [one for one in sounding if one.goes_on()]
        for one in sounding:
            if one not in at_work:
                one.hand_over()
        if not at_work:
            break
        stretches = [stretch for one in at_work for stretch in one.stretches(max(1, MOST_STREAMS // len(at_work)))]
        counts = [min(chunk, stretch.left) for stretch in stretches]
        fed = [stretch.conditioning(count) for stretch, count in zip(stretches, counts, strict=True)]
        levels = decoder.sampler.run(
            [stretch.stream for stretch in stretches], fed if decoder.sampler.shape.conditioning else None, counts
        )
        for stretch, piece in zip(stretches, levels, strict=True):
            stretch.take_in(piece)
        for one in at_work:
            one.tell()
    return [one.hand_over() for one in sounding]
