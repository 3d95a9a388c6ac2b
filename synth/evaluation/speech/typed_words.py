"""``sonorize eval typed-words``: how far typed words begin from where the speaker of the recording said them.

    ours      the true text laid against the lips, sound stripped
    floor     the words evenly over the time in which the lips move, each as long as the synthesiser makes it
    ceiling   the same text laid against the recording's own sound

:data:`synth.voices.speech.typed.placement.LAG_S` was measured on sentences of the training part; the held-out ones,
which are judged here, had no part in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from synth.data.corpora import grid
from synth.data.corpora.grid import Sentence
from synth.data.corpora.video_folder import HELD_OUT
from synth.errors import MediaError, OptionError
from synth.media import audio, video
from synth.voices.base import ignore_progress, never_cancelled
from synth.voices.speech import speaker_reading, spectra
from synth.voices.speech import voice as lip_voice
from synth.voices.speech.typed import alignment, placement
from synth.voices.speech.typed.script import Cue
from synth.voices.speech.typed.synthesiser import FRAME_S, Synthesiser, synthesiser

NEAR_S: Final = 0.08


def evaluate_typed_words(
    data: Path, out: Path | None = None, *, voice: str = lip_voice.DEFAULT_VOICE
) -> dict[str, Any]:
    """Lay the text of each held-out sentence against its lips.

    Args:
        data: GRID, or a folder in its layout.
        voice: the pack that reads the lips.

    Returns:
        JSON values: by row the median and the 90th percentile of the offsets' magnitudes in ms, their median with sign,
        and the share of words within 80 ms.

    Raises:
        OptionError: no held-out sentence has its words written down.
    """
    sentences = [one for one in grid.load(data) if one.part == HELD_OUT and one.words]
    if not sentences:
        raise OptionError(f"no held-out sentence in {data} has its words written down")
    offsets: dict[str, list[float]] = {"ours": [], "floor": [], "ceiling": []}
    unplaced = 0
    for one in tqdm(sentences, desc="typed words", disable=None):
        found = _offsets(one, voice, synthesiser())
        unplaced += found is None
        for row, values in (found or {}).items():
            offsets[row] += values
    return {
        "sentences": len(sentences),
        "not_placed": unplaced,
        "words": len(offsets["ours"]),
        "rows": {row: _summary(np.asarray(values)) for row, values in offsets.items()},
    }


def _summary(offsets: NDArray[np.float64]) -> dict[str, float | None]:
    if not len(offsets):
        return dict.fromkeys(("median_ms", "p90_ms", "bias_ms", "within_80_ms"))
    apart = np.abs(offsets)
    return {
        "median_ms": round(1000 * float(np.median(apart)), 1),
        "p90_ms": round(1000 * float(np.percentile(apart, 90)), 1),
        "bias_ms": round(1000 * float(np.median(offsets)), 1),
        "within_80_ms": round(float((apart <= NEAR_S).mean()), 3),
    }


def _offsets(sentence: Sentence, voice: str, speaker: Synthesiser) -> dict[str, list[float]] | None:
    """Seconds by which each word begins late, by row; None where a row cannot be had."""
    true = sentence.words or ()
    cue = Cue(" ".join(word.text.upper() if len(word.text) == 1 else word.text for word in true))
    utterance = speaker.say(cue.text)
    if utterance is None or len(utterance.words) != len(true):
        return None
    info = video.probe(sentence.video)
    try:
        mel = _lips(sentence.video, info, voice)
    except MediaError:
        return None
    sound, rate_hz = audio.read(sentence.sound_path)
    own = spectra.log_mel(audio.resample(sound, rate_hz, spectra.RATE_HZ))
    rows = {}
    for row, against in (("ours", mel), ("ceiling", own)):
        placed = placement.place([cue], against, info.duration_s, speaker)
        if len(placed.words) != len(true):
            return None
        rows[row] = [word.start_s - said.start_s for word, said in zip(placed.words, true, strict=True)]
    rows["floor"] = _even(utterance.spans, mel, [word.start_s for word in true])
    return rows


def _lips(path: Path, info: video.VideoInfo, voice: str) -> NDArray[np.float32]:
    width, height = speaker_reading.frame_size(info)
    frames = video.read_frames(path, rate_hz=speaker_reading.RATE_HZ, width=width, height=height)
    network = lip_voice.load(voice).network
    return speaker_reading.read(network, frames, info, None, ignore_progress, never_cancelled).mel


def _even(spans: Sequence[tuple[float, float]], mel: NDArray[np.float32], true_s: Sequence[float]) -> list[float]:
    """Words over the time in which lips are loud, in proportion."""
    loud = alignment.loudness(mel)
    active = np.flatnonzero(loud > loud.max() - 3.0)
    first_s, last_s = active[0] / alignment.SPECTRA_HZ, active[-1] / alignment.SPECTRA_HZ
    begin, end = spans[0][0] * FRAME_S, spans[-1][1] * FRAME_S
    scale = (last_s - first_s) / (end - begin)
    starts = [first_s + (span[0] * FRAME_S - begin) * scale for span in spans]
    return [start - said for start, said in zip(starts, true_s, strict=True)]
