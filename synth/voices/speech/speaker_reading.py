"""What the lips of the face that speaks say: faces are followed, one is chosen, its crops are read.

Shapes: T = pictures at 25 a second, S = 4 T spectra, M = 80 bands.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from synth.media.video import VideoInfo
from synth.voices.base import CancelPoll, Frame, Progress, SpokenWord
from synth.voices.speech import face_tracking, lip_reading, speaker_choice, spectra, word_order

if TYPE_CHECKING:
    from synth.models.speech.lip_words import LipWords, LipWordsConfig
    from synth.models.speech.vid2speech import Vid2Speech

RATE_HZ: Final = float(spectra.PICTURE_RATE_HZ)
MOST_PIXELS: Final = (640, 480)
SURE: Final = 0.5
"""A word that is less probable than this among those that may stand in its place is not told."""

_SHORTEST_RUN: Final = 5  # pictures; a face seen for less is not read
_MOST_HELD: Final = 4  # pictures; what stands still for longer stands still


@dataclass(frozen=True)
class Lips:
    """What was read off one face.

    Attributes:
        mel: log mel spectra [S, M] of the whole clip; silence where the face was not seen.
        speaker: whose lips these are.
        attendance: all faces that were seen.
        words: what they say, in order of time; none where the voice knows no words.
    """

    mel: NDArray[np.float32]
    speaker: speaker_choice.Presence
    attendance: speaker_choice.Attendance
    words: tuple[SpokenWord, ...] = ()

    def warnings(self) -> tuple[str, ...]:
        """Sentences about when the face was not seen, and about other faces."""
        return _warnings(self.speaker, self.attendance)


def frame_size(info: VideoInfo) -> tuple[int, int]:
    """The picture's own size, made smaller where it is large, in its own shape."""
    shrink = min(1.0, MOST_PIXELS[0] / info.width, MOST_PIXELS[1] / info.height)
    return max(2, round(info.width * shrink)), max(2, round(info.height * shrink))


def read(
    network: Vid2Speech,
    frames: Iterator[Frame],
    info: VideoInfo,
    face: int | None,
    progress: Progress,
    cancelled: CancelPoll,
    words: LipWords | None = None,
) -> Lips:
    """Read the lips of the face that speaks, or of the one that is asked for.

    Args:
        network: that reads lips.
        words: names what they say; ``None`` in voices that know no words.
        frames: uint8 [H, W, 3] at :data:`RATE_HZ`, of the size of :func:`frame_size`.
        face: which face, counted from the left, from 1; None is the one that speaks most.

    Raises:
        MediaError: no face is found.
        OptionError: the face that is asked for is not there.
        Cancelled: ``cancelled()`` turned true.
    """
    attendance = speaker_choice.Attendance(RATE_HZ)
    readings: dict[int, _Reading] = {}
    expected = round(info.duration_s * RATE_HZ)
    held: list[bool] = []
    following = face_tracking.follow(
        _noting_held(frames, held), RATE_HZ, expected_frames=expected, progress=progress, cancelled=cancelled
    )
    for index, sightings in enumerate(following):
        attendance.add(sightings)
        for seen in sightings:
            crop = seen.mouth if network.config.window == "mouth" else seen.face
            readings.setdefault(seen.track, _Reading(network, words)).add(index, crop, held=held[index])
    speaker = attendance.speaker(face)
    reading = readings[speaker.track]
    return Lips(reading.mel(attendance.frames), speaker, attendance, reading.words())


def _noting_held(frames: Iterator[Frame], held: list[bool]) -> Iterator[Frame]:
    """The frames, noting for each whether it is the one before it, held because the clip has fewer a second."""
    before: Frame | None = None
    for frame in frames:
        held.append(before is not None and np.array_equal(frame, before))
        before = frame
        yield frame


class _Reading:
    """One face's crops as they come, with a new start after every gap.

    Lips that stand still for a frame and then jump are nothing that the network knows: crops of held frames are mixed
    from the true ones to either side, by time.
    """

    def __init__(self, network: Vid2Speech, words: LipWords | None = None) -> None:
        self._network = network
        self._words = words
        self._reader: lip_reading.LipReader | None = None
        self._start = self._next = 0
        self._true: NDArray[np.uint8] | None = None  # the last crop of a true frame
        self._held: list[NDArray[np.uint8]] = []  # those after it that are not
        self._read: list[tuple[int, NDArray[np.float32]]] = []
        self._told: list[SpokenWord] = []

    def add(self, index: int, crop: NDArray[np.uint8], *, held: bool = False) -> None:
        if self._reader is None or index != self._next:
            self._close()
            self._reader, self._start = lip_reading.LipReader(self._network, words=self._words), index
        self._next = index + 1
        if held and self._true is not None and len(self._held) < _MOST_HELD:
            self._held.append(crop)
            return
        self._let_go(crop)
        self._reader.add(crop)
        self._true = crop

    def _let_go(self, towards: NDArray[np.uint8] | None) -> None:
        for number, crop in enumerate(self._held, 1):
            share = number / (len(self._held) + 1)
            if towards is not None and self._true is not None:
                crop = np.round((1 - share) * self._true + share * towards).astype(np.uint8)
            if self._reader is not None:
                self._reader.add(crop)
        self._held.clear()

    def mel(self, pictures: int) -> NDArray[np.float32]:
        """Log mel spectra [S, M] of the whole clip; silence where the face was not seen."""
        self._close()
        each = spectra.SPECTRA_A_PICTURE
        out = np.full((pictures * each, spectra.BANDS), spectra.QUIETEST, np.float32)
        for start, mel in self._read:
            out[start * each : start * each + len(mel)] = mel
        return out

    def _close(self) -> None:
        self._let_go(None)
        self._true = None
        if self._reader is not None and self._next - self._start >= _SHORTEST_RUN:
            self._read.append((self._start, self._reader.end()))
            if self._words is not None:
                self._told += words_of(self._words.config, self._reader.answers(), self._start)
        self._reader = None

    def words(self) -> tuple[SpokenWord, ...]:
        """What is said; after :meth:`mel` only."""
        return tuple(self._told)


def words_of(config: LipWordsConfig, answers: NDArray[np.float32], start: int) -> list[SpokenWord]:
    """The words that answers [T, C] name, ``start`` pictures after the clip's start; doubtful ones are left out."""
    found = word_order.WordOrder(config.places).read(answers) if config.places else word_order.without_order(answers)
    rate = spectra.PICTURE_RATE_HZ
    return [
        SpokenWord(config.classes[one.word], (start + one.start) / rate, (start + one.end) / rate)
        for one in found
        if one.sure >= SURE
    ]


def _warnings(speaker: speaker_choice.Presence, attendance: speaker_choice.Attendance) -> tuple[str, ...]:
    notes = []
    lost = [gap for gap in speaker.gaps_s if gap[1] - gap[0] >= 0.2]
    if lost:
        told = ", ".join(f"{start:.1f} to {end:.1f} s" for start, end in lost[:5])
        more = f" and {len(lost) - 5} more times" if len(lost) > 5 else ""
        notes.append(f"the face is not seen at {told}{more}: there is silence there")
    others = len(attendance.presences()) - 1
    if others > 0:
        place = attendance.presences().index(speaker) + 1
        notes.append(f"{others + 1} faces are seen; the lips read are those of face {place} from the left")
    return tuple(notes)
