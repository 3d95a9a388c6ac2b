"""Clips of a corpus made ready to learn from: the face that speaks is followed once, and crops and sound are kept."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from tqdm import tqdm

from synth.data.corpora.grid import Sentence
from synth.errors import MediaError, OptionError
from synth.files import file_sha256
from synth.media import audio, video
from synth.training.speech.data import Talking
from synth.voices.speech import speaker_choice, spectra
from synth.voices.speech import voice as speech

_PIECE_S: Final = (1.0, 8.0)  # what is cut out of a long video, at least and at most


def prepare(sentences: Sequence[Sentence], cache: Path) -> list[Talking]:
    """Crops and sound of clips, prepared once and kept in ``cache``; a clip that does not serve is named and left out.

    Raises:
        OptionError: none of them serves.
    """
    cache.mkdir(parents=True, exist_ok=True)
    found: list[Talking] = []
    for sentence in tqdm(sentences, desc="faces", unit="clip", disable=None):
        digest = file_sha256(sentence.video)[:16]
        listing = cache / f"{sentence.name.replace('/', '-')}-{digest}.json"
        if not listing.exists():
            names = []
            for number, piece in enumerate(_pieces(sentence)):
                names.append(f"{listing.stem}-{number}.npz")
                piece.save(cache / names[-1])
            listing.write_text(json.dumps(names))
        kept = [Talking.read(cache / name) for name in json.loads(listing.read_text())]
        found += [dataclasses.replace(one, held_out=sentence.part != "train") for one in kept]
    if not any(not one.held_out for one in found):
        raise OptionError(
            f"none of {len(sentences)} clips shows a face for {_PIECE_S[0]:g} s or longer, with its sound"
        )
    return found


def _pieces(sentence: Sentence) -> Iterator[Talking]:
    """What of a video can be learnt from: the face that speaks, as long as it is seen without a break."""
    try:
        info = video.probe(sentence.video)
        sound, rate_hz = audio.read(sentence.sound_path, spectra.RATE_HZ)
        tracks = _crops(sentence.video, info)
    except MediaError as error:
        print(f"{sentence.name} is left out: {error}", file=sys.stderr)
        return
    most = round(_PIECE_S[1] * spectra.PICTURE_RATE_HZ)
    for start, mouths, whole in tracks:
        for first in range(0, len(mouths), most):
            mouth, face = np.stack(mouths[first : first + most]), np.stack(whole[first : first + most])
            if len(mouth) < _PIECE_S[0] * spectra.PICTURE_RATE_HZ:
                continue
            start_s = (start + first) / spectra.PICTURE_RATE_HZ
            end_s = start_s + len(mouth) / spectra.PICTURE_RATE_HZ
            heard = audio.fit(sound[round(start_s * rate_hz) :], rate_hz, end_s - start_s)
            words = None
            if sentence.words is not None:
                words = tuple(
                    (word.start_s - start_s, word.end_s - start_s, word.text)
                    for word in sentence.words
                    if word.end_s > start_s and word.start_s < end_s
                )
            yield Talking(sentence.name, mouth, face, heard, words)


def _crops(path: Path, info: video.VideoInfo) -> list[tuple[int, list[Any], list[Any]]]:
    """Runs of crops of the face that speaks: first picture, mouths, faces."""
    voice = speech.SpeechVoice()
    width, height = voice.frame_size(info)
    frames = video.read_frames(path, rate_hz=voice.rate_hz, width=width, height=height)
    runs: list[tuple[int, list[Any], list[Any]]] = []
    for index, seen in speaker_choice.speaking(frames, voice.rate_hz)[0].items():
        if not runs or runs[-1][0] + len(runs[-1][1]) != index:
            runs.append((index, [], []))
        runs[-1][1].append(seen.mouth)
        runs[-1][2].append(seen.face)
    return runs
