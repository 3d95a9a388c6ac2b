"""The hits voice: what is struck in the picture is heard, after Owens et al., "Visually Indicated Sounds" (CVPR 2016).

Two ways from predicted hits to a waveform, as in the paper. *Example-based*: the window of predicted envelopes around a
hit finds its nearest exemplars in a bank, one of them is pasted so that its contact falls on the hit, and gives way
to the next one by a short cross-fade. *Parametric*: the predicted envelopes are imposed on noise. Ours: between hits
nothing is heard (the paper's nets also predict the hiss of the room); an exemplar's level follows the hit's strength.

The network is loaded when a picture is first looked at: sounding an edited list needs neither it nor torch.

Shapes: T = control steps at 90 Hz, F = 42 bands, N = samples.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import scipy
from numpy.typing import NDArray

from synth import weights
from synth.dsp.cochleagram import COCHLEAGRAM_RATE_HZ, COCHLEAGRAM_SOUND_RATE_HZ, cochleagram, invert_cochleagram
from synth.dsp.resampling import resample
from synth.dsp.stereo import panned
from synth.errors import Cancelled, WeightsError
from synth.files import file_sha256
from synth.media.video import VideoInfo
from synth.options import Options, Synthesis
from synth.voices.base import NO_HITS, CancelPoll, Controls, Frame, Hit, Progress, Rendering, Sound, Uniforms
from synth.voices.hits.sound_bank import BANK_RATE_HZ, STRUCK, Bank, Exemplar, window
from synth.voices.hits.strike_position import StrikePositions

if TYPE_CHECKING:
    from synth.models.two_stream import TwoStream
    from synth.voices.hits.detector import Calibration, Eye

NETWORK: Final = "two-stream-small"
BANK: Final = "bank-modal"
FRAME_SIZE: Final = (192, 144)
VIDEO_RATE_HZ: Final = 15.0

_SOFTEST_SHARE: Final = 0.5  # a hit of strength 0 is 0.5 ** (1 / 0.3) = -20 dB below one of strength 1
_CHOICE: Final = 3
_CROSS_FADE_S: Final = 0.06
_AUDIBLE_S: Final = (0.03, 0.45)  # of a parametric hit, before and after its contact


class HitsVoice:
    """The voice of mode ``hits``.

    Args:
        network: name of the weights in the manifest.
    """

    rate_hz = VIDEO_RATE_HZ
    sample_rate_hz = BANK_RATE_HZ

    def __init__(self, network: str = NETWORK) -> None:
        self._network = network

    def frame_size(self, info: VideoInfo) -> tuple[int, int]:
        """The same for every clip: the network was trained on pictures squeezed to it."""
        return FRAME_SIZE

    def weights(self, options: Options) -> Mapping[str, str]:
        """Name -> sha256 of the network, the backbone behind its RGB stream, and the bank."""
        own, name = _own_file(options.bank), options.bank or BANK
        return {
            self._network: weights.entry(self._network).sha256,
            weights.IMAGENET_FILE: weights.IMAGENET_SHA256,
            name: file_sha256(own) if own else weights.entry(name).sha256,
        }

    def controls(
        self, frames: Iterator[Frame], info: VideoInfo, options: Options, progress: Progress, cancelled: CancelPoll
    ) -> Controls:
        """Hits and predicted envelopes of a clip; see :meth:`synth.voices.base.Voice.controls`."""
        from synth.voices.hits import detector

        model, calibration, eye = self._ear
        positions = StrikePositions(self.rate_hz)
        expected = round(info.duration_s * self.rate_hz)
        heard = detector.hear(
            model,
            eye,
            positions.watch(frames),
            expected_frames=expected,
            progress=functools.partial(progress, "look"),
            cancelled=cancelled,
        )
        found = [hit for hit in detector.find_hits(heard, calibration) if hit.time_s < info.duration_s]
        pans = positions.pans(hit.time_s for hit in found)
        hits = tuple(
            # As exact as a list of hits tells them, so that rendering that list gives the same samples.
            replace(
                hit,
                time_s=round(hit.time_s, 6),
                strength=round(hit.strength, 6),
                pan=round(pan, 3),
                material=options.material or hit.material,
            )
            for hit, pan in zip(found, pans, strict=True)
        )
        return Controls(
            duration_s=info.duration_s,
            hits=hits,
            track=heard.cochleagram,
            track_rate_hz=COCHLEAGRAM_RATE_HZ,
            silence=None if hits else NO_HITS,
        )

    def render(self, controls: Controls, options: Options, uniforms: Uniforms, cancelled: CancelPoll) -> Rendering:
        """Sound the hits; see :meth:`synth.voices.base.Voice.render`."""
        bank = _bank(options.bank)
        chosen = [_choose(bank, hit, controls.track, uniforms) for hit in controls.hits]
        hits = tuple(replace(hit, exemplar=one.name) for hit, one in zip(controls.hits, chosen, strict=True))
        count = round(controls.duration_s * self.sample_rate_hz)
        pasted = _paste(hits, chosen, _loudest(bank), count, cancelled)
        if options.synthesis is not Synthesis.PARAMETRIC:
            return Rendering(pasted, hits)
        # A list that a person wrote has no predicted envelopes: those of its exemplars stand in for them.
        track = controls.track if controls.track is not None else cochleagram(pasted.mean(1), self.sample_rate_hz)
        return Rendering(_impose(track, hits, controls.duration_s, uniforms), hits)

    @functools.cached_property
    def _ear(self) -> tuple[TwoStream, Calibration, Eye]:
        from synth.models.imagenet import ImageNetEye
        from synth.voices.hits import detector

        loaded = weights.load(self._network)
        model, calibration = detector.build(loaded.tensors, loaded.metadata)
        return model, calibration, ImageNetEye(weights.load_imagenet())


def _own_file(bank: str | None) -> Path | None:
    """The path, where ``bank`` is no name in the manifest."""
    return None if bank is None or bank in weights.entries() else Path(bank)


@functools.cache
def _bank(name: str | None) -> Bank:
    """A bank by its name in the manifest, or by its path, at the voice's rate.

    Raises:
        WeightsError: neither a name nor a readable bank.
    """
    own = _own_file(name)
    if own is None:
        return Bank.load(weights.path(name or BANK)).at_rate(BANK_RATE_HZ)
    if not own.is_file():
        known = ", ".join(known for known, entry in weights.entries().items() if entry.kind == "bank")
        raise WeightsError(f"bank is {name!r}; allowed are {known}, or the path of a file that `bank build` made")
    return Bank.load(own).at_rate(BANK_RATE_HZ)


def bank_of(name: str | None) -> Bank:
    """The bank of that name or path, the one that ships by default. Raises WeightsError."""
    return _bank(name)


def nearest_exemplars(controls: Controls, hit: Hit, bank: str | None, count: int) -> tuple[str, ...]:
    """Names of the exemplars of a hit's material that fit what was seen around it, the best first."""
    return tuple(name for name, _ in nearest_matches(controls, hit, bank, count))


def nearest_matches(
    controls: Controls | None, hit: Hit, bank: str | None, count: int
) -> list[tuple[str, float | None]]:
    """Names of exemplars as in :func:`nearest_exemplars`, and how far each is from what was seen.

    Where nothing was seen, as of a list that a person wrote, those of the material in the bank's order, without a
    distance. Of a material that the bank has not, those of any.
    """
    loaded = _bank(bank)
    material = hit.material if hit.material in loaded.materials else None
    if controls is None or controls.track is None:
        alike = [one.name for one in loaded.exemplars if material in (None, one.material) and one.action in STRUCK]
        return [(name, None) for name in alike[:count]]
    found = loaded.nearest(window(controls.track, hit.time_s).features, material, count)
    return [(loaded.exemplars[one.index].name, round(one.distance, 4)) for one in found]


def _choose(bank: Bank, hit: Hit, track: NDArray[np.float32] | None, uniforms: Uniforms) -> Exemplar:
    """The exemplar that the hit names, or one of those nearest to what is predicted around it."""
    if hit.exemplar is not None:
        return bank.find(hit.exemplar)
    material = hit.material if hit.material in bank.materials else None
    # Keyed by the moment, not by the place in the list: editing one hit leaves the others as they were.
    draw = float(uniforms("exemplar", round(hit.time_s * 1000), 1)[0])
    if track is None:
        candidates = [one for one in bank.exemplars if material in (None, one.material) and one.action == "hit"]
        candidates = candidates or list(bank.exemplars)
        return candidates[int(draw * len(candidates))]
    nearest = bank.nearest(window(track, hit.time_s).features, material, _CHOICE)
    return bank.exemplars[nearest[int(draw * len(nearest))].index]


def _paste(
    hits: tuple[Hit, ...], chosen: list[Exemplar], loudest: Mapping[str, float], count: int, cancelled: CancelPoll
) -> Sound:
    """Exemplars [N, 2] with their contacts on the hits and where those are, each giving way to the next."""
    out = np.zeros((count, 2), np.float32)
    fade = round(_CROSS_FADE_S * BANK_RATE_HZ)
    for index, (hit, one) in enumerate(zip(hits, chosen, strict=True)):
        if cancelled():
            raise Cancelled("stopped while pasting sounds")
        # The loudest exemplar of a material sets its limit: metal may be louder than cloth.
        loudness = loudest[one.material] * (_SOFTEST_SHARE + (1 - _SOFTEST_SHARE) * hit.strength)
        sound = one.sound * np.float32(one.gain_for(loudness) * 10 ** (hit.gain_db / 20))
        contact = round(hit.time_s * BANK_RATE_HZ)
        start = contact - one.contact
        # A bank keeps sounds short: what still rings at the end of one is faded as well.
        until = len(sound) - fade
        if index + 1 < len(hits):
            until = min(until, round(hits[index + 1].time_s * BANK_RATE_HZ) - start)
        sound = _give_way(sound, max(0, until), fade)
        first, last = max(0, start), min(count, start + len(sound))
        if first < last:
            out[first:last] += panned(sound[first - start : last - start], hit.pan)
    return out


def _loudest(bank: Bank) -> dict[str, float]:
    return {name: max(one.loudness for one in bank.exemplars if one.material == name) for name in bank.materials}


def _give_way(sound: Sound, at: int, fade: int) -> Sound:
    """``sound`` faded out over ``fade`` samples from sample ``at`` on."""
    cut = sound[: at + fade].copy()
    cut[at:] *= np.cos(np.linspace(0, np.pi / 2, len(cut) - at, dtype=np.float32)) ** 2
    return cut


def _impose(track: NDArray[np.float32], hits: tuple[Hit, ...], duration_s: float, uniforms: Uniforms) -> Sound:
    """Envelopes [T, F] imposed on noise, heard around the hits only: [N] at the voice's rate."""
    steps_s = np.arange(len(track)) / COCHLEAGRAM_RATE_HZ
    before, after = _AUDIBLE_S
    audible = np.zeros(len(track), np.float32)
    for hit in hits:
        away = steps_s - hit.time_s
        audible = np.maximum(audible, np.where(away < 0, 1 + away / before, 1 - away / after).clip(0, 1))
    count = round(duration_s * COCHLEAGRAM_SOUND_RATE_HZ)
    # Never quite 0, whose normal deviate would be minus infinity.
    noise = scipy.special.ndtri(np.clip(uniforms("noise", 0, count).astype(np.float64), 1e-7, 1 - 1e-7)).astype(
        np.float32
    )
    sound = invert_cochleagram(track * audible[:, None], noise)
    return resample(sound, COCHLEAGRAM_SOUND_RATE_HZ, BANK_RATE_HZ)
