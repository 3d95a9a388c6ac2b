"""The learnt ambient decoder, after Zhou et al., "Visual to Sound" (CVPR 2018, arXiv 1712.01393).

The picture decides the class of sound (or a person does), a SampleRNN makes it sample by sample. How the picture
reaches the decoder is the network's variant, see :mod:`synth.models.visual_to_sound`; the one that ships is *guided*.
Loudness follows the picture's activity.

Many takes, of one clip or of several, are one launch of the sampler; each is made in chunks of a quarter of a second
with its state carried on, so that length costs no memory but that of the sound itself, and a take that is cancelled
leaves the others at work.

Shapes: T = picture frames (15.625 a second), S = steps of band levels, F = top frames, N = samples at 16 kHz.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from synth import weights
from synth.ambient_classes import AMBIENT_CLASSES, DISPLAY_NAMES
from synth.errors import Cancelled, OptionError, WeightsError
from synth.media.video import VideoInfo
from synth.options import Options
from synth.randomness import uniforms as drawn
from synth.sampler.base import Stream, stream_number
from synth.voices.ambient import band_envelopes, scene
from synth.voices.ambient.harmonics import with_harmonics
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
    from synth.models.visual_to_sound import Picture, VisualToSound
    from synth.sampler.base import Sampler

NETWORK: Final = "ambient"
RATE_HZ: Final = band_envelopes.RATE_HZ
CHUNK_S: Final = 0.256
"""What is made between two looks at who is cancelled: a whole number of top frames of every size up to 4096."""

TEMPERATURE: Final = 0.9
"""Of .75, .85, .9, .92 and 1 the one whose sounds a classifier of recordings took most often for their class."""

_STREAM: Final = stream_number("ambient")


@dataclass(frozen=True)
class Decoder:
    """A network ready to make sound.

    Attributes:
        network: on the CPU, for conditioning and first states.
        sampler: its decoder, packed.
        bank: band levels and pitches of recordings, for the guided variant; else ``None``.
    """

    network: VisualToSound
    sampler: Sampler
    bank: band_envelopes.EnvelopeBank | None

    @property
    def classes(self) -> tuple[str, ...]:
        """Classes that it can sound; a decoder without a code sounds the one it was trained on, by any name."""
        return self.network.config.classes or AMBIENT_CLASSES


class AmbientVoice:
    """The decoder as a voice, at 16 kHz; a :class:`synth.voices.base.BatchVoice`.

    Args:
        network: name of the weights in the manifest.
    """

    rate_hz = scene.RATE_HZ
    sample_rate_hz = RATE_HZ

    def __init__(self, network: str = NETWORK) -> None:
        self._network = network

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
        return render_all(self._decoder, takes)

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


def pack(
    network: VisualToSound, bank: band_envelopes.EnvelopeBank | None, precision: str
) -> tuple[dict[str, Any], dict[str, str]]:
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
        if bank.voicing is not None:
            tensors["bank.voicing"] = torch.from_numpy(bank.voicing)
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
        voicing = tensors["bank.voicing"].numpy() if "bank.voicing" in tensors else None
        levels, starts = tensors["bank.levels"].numpy(), tensors["bank.starts"].numpy()
        bank = band_envelopes.EnvelopeBank(labels, starts, levels, voicing)
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


def render_all(decoder: Decoder, takes: Sequence[Take]) -> list[Rendering]:
    """Sound all takes together, a chunk at a time; who is done or cancelled leaves, and is handed over at once."""
    sounding = [_Sounding(decoder, take) for take in takes]
    top = decoder.sampler.shape.top_frame
    chunk = max(1, round(CHUNK_S * RATE_HZ / top))
    while True:
        at_work = [one for one in sounding if one.goes_on()]
        for one in sounding:
            if one not in at_work:
                one.hand_over()
        if not at_work:
            break
        counts = [min(chunk, one.frames - one.made) for one in at_work]
        fed = [one.conditioning(count) for one, count in zip(at_work, counts, strict=True)]
        levels = decoder.sampler.run(
            [one.stream for one in at_work], fed if decoder.sampler.shape.conditioning else None, counts
        )
        for one, piece in zip(at_work, levels, strict=True):
            one.take_in(piece)
    return [one.hand_over() for one in sounding]


class _Sounding:
    """One take on its way."""

    def __init__(self, decoder: Decoder, take: Take) -> None:
        import torch

        from synth.models.reproducible import reproducible_inference
        from synth.models.visual_to_sound import Picture

        self._network, self._take = decoder.network, take
        config, controls = decoder.network.config, take.controls
        self._top = config.decoder.top_frame
        self._count = round(controls.duration_s * RATE_HZ)
        self.frames = -(-self._count // self._top)
        self.made = 0
        self._levels = np.empty(self.frames * self._top, np.uint8)
        self._cut = False
        self._rendering: Rendering | None = None
        assert controls.choice is not None
        per_picture = round(RATE_HZ / controls.track_rate_hz)
        steps = self._count // band_envelopes.HOP + 2
        self._activity = band_envelopes.at_frames(_activity(controls), 0, steps, band_envelopes.HOP, per_picture)[:, 0]
        self._guide: band_envelopes.Guide | None = None
        if decoder.bank is not None:
            self._guide = decoder.bank.choose(controls.choice.name, self._activity, steps, take.uniforms)
        self._picture: Picture = Picture(
            torch.tensor([[float(name == controls.choice.name) for name in config.classes]]),
            *(torch.from_numpy(part)[None] for part in _shown(config.appearance, controls)),
        )
        initial = None
        if config.variant in ("seq", "flow"):
            with reproducible_inference():
                initial = decoder.network.start(self._picture, 1)[0][:, :, 0].numpy()
        self.stream: Stream = decoder.sampler.start(
            take.options.seed, _STREAM, temperature=TEMPERATURE, initial=initial
        )
        if self._guide is not None:
            # After exact silence, which recordings have a lot of, the decoder may stay silent for seconds: it begins
            # after noise that is as loud as the first moment is to be.
            loud = 10 ** (
                (float(band_envelopes.loudness(self._guide.levels[:1])[0]) - 1) * band_envelopes.RANGE_DB / 20
            )
            noise = take.uniforms("before", 0, self._top) * 2 - 1
            self.stream.before = config.decoder.encode(noise * loud)

    def goes_on(self) -> bool:
        """Whether there is more to make and somebody who wants it."""
        self._cut = self._cut or (self.made < self.frames and self._take.cancelled())
        return not self._cut and self.made < self.frames

    def conditioning(self, count: int) -> NDArray[np.float32]:
        """What the top tier is fed in the next ``count`` frames, [count, C]."""
        import torch

        from synth.models.reproducible import reproducible_inference

        picture = self._picture
        if self._guide is not None:
            track = band_envelopes.at_frames(self._guide.levels, self.made, count, self._top)
            picture = picture._replace(levels=torch.from_numpy(track)[None])
        with reproducible_inference():
            fed = self._network.conditioning(picture, self.made, count)
        return np.zeros((count, 0), np.float32) if fed is None else fed[0].numpy()

    def take_in(self, levels: NDArray[np.uint8]) -> None:
        """Keep what was made."""
        at = self.made * self._top
        self._levels[at : at + len(levels)] = levels
        self.made += len(levels) // self._top
        self._take.progress("render", self.made / self.frames)

    def hand_over(self) -> Rendering:
        """What there is, as sound; silence where a cancelled take was not reached. Whoever waits is told once."""
        if self._rendering is None:
            self._rendering = self._render()
            self._take.finished(self._rendering)
        return self._rendering

    def _render(self) -> Rendering:
        made = min(self._count, self.made * self._top)
        sound = np.zeros(self._count, np.float32)
        decoded = self._network.config.decoder.decode(self._levels[:made])
        if self._guide is None:
            sound[:made] = decoded * _gain(self._activity, self._count)[:made]
        elif made:
            sound[:made] = with_harmonics(decoded, self._guide)
        return Rendering(sound, made_s=made / RATE_HZ if self._cut else None)


def _shown(appearance: int, controls: Controls) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """What the network is told of the picture, [T, A] and [T, M].

    A network of recordings knows pictures by what a selector makes of them; one of videos by their features.
    """
    assert controls.choice is not None
    if "appearance" in controls.features:
        return controls.features["appearance"], controls.features["motion"]
    activity = _activity(controls)
    told = controls.choice.probabilities or {controls.choice.name: 1.0}
    shares = np.array([told.get(name, 0.0) for name in AMBIENT_CLASSES[:appearance]], np.float32)
    return np.repeat(shares[None], len(activity), 0), activity


def _activity(controls: Controls) -> NDArray[np.float32]:
    """How much moves, float32 [T, 1]; a still picture where there is no track."""
    if controls.track is None or len(controls.track) == 0:
        return np.full((1, 1), 0.5, np.float32)
    return np.asarray(controls.track[:, :1], np.float32)


def _gain(activity: NDArray[np.float32], count: int) -> NDArray[np.float32]:
    """How much louder or quieter each sample is for what the picture does, [N]."""
    lift = band_envelopes.lift(activity)
    at = np.interp(np.arange(count) / band_envelopes.HOP, np.arange(len(lift)), lift)
    return np.asarray(10 ** (at * band_envelopes.RANGE_DB / 20), np.float32)
