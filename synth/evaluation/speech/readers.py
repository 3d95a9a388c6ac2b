"""Lip readers for the speech report: the voice that ships, the same network untrained, and whatever lies in a folder.

All read the same crops, found once a sentence by the voice's own tracking, and speak with the voice's own way back to
sound; they differ in the network alone. The predecessor, which whispers from line spectra, is the one exception.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from synth import randomness, weights
from synth.data.corpora.grid import Sentence
from synth.dsp.resampling import resample
from synth.errors import OptionError, WeightsError
from synth.evaluation.speech.baselines import Corpus, Reader, Sound
from synth.media import video
from synth.models.speech import lip_lsf
from synth.models.speech.vid2speech import Vid2Speech
from synth.training.speech.lsf_recipe import PREFIX as LSF_PREFIX
from synth.voices.base import never_cancelled
from synth.voices.speech import lip_reading, lsf, speaker_choice, spectra
from synth.voices.speech import voice as speech

OURS: Final = "ours"
UNTRAINED: Final = "floor: our network, untrained"
WITHOUT_POST_NET: Final = "ours, mel spectra inverted without the post-net"
PREDECESSOR: Final = "baseline: LSF (Ephrat and Peleg 2017)"
SEED: Final = 0


def readers(voice: str | None = None, beside: Path | None = None) -> dict[str, Callable[[Corpus], Reader]]:
    """Lip readers by name, ours first.

    Args:
        voice: a voice pack; the one that ships by default.
        beside: a folder with a manifest, such as that of a training run, whose voice packs are measured too, and
            whose networks of the recipe ``speech-lsf``.

    Raises:
        OptionError: there is no such voice, or none in the folder.
    """
    name = voice or speech.DEFAULT_VOICE
    found: dict[str, Callable[[Corpus], Reader]] = {
        OURS: lambda _corpus: _Reads(speech.load(name)).say,
        WITHOUT_POST_NET: lambda _corpus: _Reads(without_post_net(speech.load(name))).say,
        UNTRAINED: lambda _corpus: _Reads(untrained(speech.load(name))).say,
    }
    if beside is not None:
        packs = [entry.name for entry in weights.voices(beside).values()]
        older = [entry for entry in weights.entries(beside) if entry.startswith(LSF_PREFIX)]
        if not packs and not older:
            raise OptionError(
                f"{beside} holds no voice pack: no entry of a manifest there begins with {weights.VOICE_PREFIX} "
                f"or {LSF_PREFIX}"
            )
        for entry in packs:
            found[entry.removeprefix(weights.VOICE_PREFIX)] = functools.partial(_from_folder, entry, beside)
        for entry in older:
            label = PREDECESSOR if len(older) == 1 else f"{PREDECESSOR}, {entry.removeprefix(LSF_PREFIX)}"
            found[label] = functools.partial(_lsf_from_folder, entry, beside)
    return found


def untrained(voice: speech.VoicePack) -> speech.VoicePack:
    """The same network before its first step, with the means and scales of the speaker's spectra."""
    import torch

    trained = voice.network
    with torch.random.fork_rng():
        torch.manual_seed(SEED)
        network = Vid2Speech(trained.config)
    network.load_state_dict({**network.state_dict(), **_statistics(trained)})
    return dataclasses.replace(voice, network=network.eval(), words=None)


def without_post_net(voice: speech.VoicePack) -> speech.VoicePack:
    """The same network up to its mel spectra; linear ones are found by least squares."""
    lean = Vid2Speech(dataclasses.replace(voice.network.config, post_net=False))
    own = lean.state_dict()
    lean.load_state_dict({name: value for name, value in voice.network.state_dict().items() if name in own})
    return dataclasses.replace(voice, network=lean.eval())


def _statistics(network: Vid2Speech) -> dict[str, Any]:
    names = ("mel_mean", "mel_scale", "linear_mean", "linear_scale", "spread")
    return {name: network.state_dict()[name] for name in names}


def _from_folder(entry: str, folder: Path, _corpus: Corpus) -> Reader:
    loaded = weights.load(entry, folder)
    return _Reads(speech.unpack(entry.removeprefix(weights.VOICE_PREFIX), loaded.tensors, loaded.metadata)).say


def _lsf_from_folder(entry: str, folder: Path, _corpus: Corpus) -> Reader:
    return lsf_reader(entry, folder)


def lsf_reader(entry: str, folder: Path) -> Reader:
    """The predecessor, from a network that the recipe ``speech-lsf`` made; what it says is whispered.

    Raises:
        WeightsError: there is no such entry, or it holds another kind of network.
    """
    loaded = weights.load(entry, folder)
    try:
        network = lip_lsf.unpack(loaded.tensors, loaded.metadata)
    except ValueError as error:
        raise WeightsError(f"weights {entry!r} cannot be used: {error}") from error
    return functools.partial(_whispered, network)


def _whispered(network: lip_lsf.LipLsf, sentence: Sentence) -> Sound:
    import torch

    crops = crops_of(sentence.video)[network.config.window]
    features = network.read(torch.from_numpy(lip_reading.standardised(crops))).numpy()
    uniforms = randomness.uniforms(SEED, "lsf", 0, len(features) * lsf.HOP)
    return resample(lsf.synthesise(features, uniforms), lsf.RATE_HZ, spectra.RATE_HZ)


@dataclasses.dataclass(frozen=True)
class _Reads:
    """A voice that says sentences from their pictures."""

    voice: speech.VoicePack

    def say(self, sentence: Sentence) -> Sound:
        """What the lips of a sentence say, [N] at 16 kHz.

        Raises:
            MediaError: no face is found in it.
        """
        crops = crops_of(sentence.video)[self.voice.network.config.window]
        reader = lip_reading.LipReader(self.voice.network)
        for crop in crops:
            reader.add(crop)
        mel, _ = speech.silenced(reader.end(), self.voice.loudness)
        return speech.speak(self.voice, mel, functools.partial(randomness.uniforms, SEED), never_cancelled)


@functools.lru_cache(maxsize=128)
def crops_of(path: Path) -> dict[str, NDArray[np.uint8]]:
    """Crops of the face that speaks, each uint8 [T, 64, 64]; where it is not seen, its last crop is held.

    Raises:
        MediaError: no face is found.
    """
    voice = speech.SpeechVoice()
    width, height = voice.frame_size(video.probe(path))
    frames = video.read_frames(path, rate_hz=voice.rate_hz, width=width, height=height)
    own, attendance = speaker_choice.speaking(frames, voice.rate_hz)
    held = own[min(own)]
    rows = [held := own.get(index, held) for index in range(attendance.frames)]
    return {"mouth": np.stack([row.mouth for row in rows]), "face": np.stack([row.face for row in rows])}
