"""The GRID corpus (Cooke et al., "An audio-visual corpus for speech perception and automatic speech recognition",
JASA 2006): sentences of six words, such as "bin blue at f two now"; and any folder of one's own talking videos.

Layouts, one or several speakers (``s1``, ``s2``, ...): ``s1/*.mpg`` (or another video suffix) with the word alignments
in ``align/s1/*.align``, ``s1/align/*.align`` or beside the videos, or, of one speaker, in ``align/*.align``. A
``s1_val.txt`` names the sentences that are held out; without it a hash of the name holds out about one in ten. An
alignment has one line a word: start, end, word, in units of 1/25000 s; ``sil`` and ``sp`` are silence.

Importable without torch.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Final

from synth.data.corpora import video_folder
from synth.data.corpora.video_folder import HELD_OUT, TRAIN, LabelledVideo
from synth.errors import MediaError, OptionError
from synth.metrics.grid_sentences import GRAMMAR

UNITS_A_SECOND: Final = 25_000
SILENCES: Final = ("sil", "sp")
SUFFIXES: Final = (".mpg", ".mpeg", *(one for one in video_folder.SUFFIXES if one not in (".mpg", ".mpeg")))
"""The corpus' own first: where a sentence is there twice, the first one counts."""


_SPEAKER: Final = re.compile(r"s\d+")
_DIGITS: Final = "z123456789"
_HELD_OUT_ONE_IN: Final = 10


@dataclass(frozen=True)
class Word:
    """One spoken word: from when to when, in seconds from the first frame, and its text in small letters."""

    start_s: float
    end_s: float
    text: str


@dataclass(frozen=True)
class Sentence:
    """One clip of somebody who talks.

    Attributes:
        name: unique among its speaker's; GRID's is the sentence in six letters.
        speaker: who talks.
        video: the media file with the picture.
        words: what is said, in order of time, silence left out; ``None`` where nobody wrote it down.
        part: ``"train"`` or ``"held-out"``.
        group: the recording that it was cut from, or its own name.
        sound: a file with the sound; ``None`` when it lies inside ``video``.
    """

    name: str
    speaker: str
    video: Path
    words: tuple[Word, ...] | None
    part: str = TRAIN
    group: str = ""
    sound: Path | None = None

    @property
    def sound_path(self) -> Path:
        """The file that the sound is read from."""
        return self.sound or self.video


def load(folder: Path) -> list[Sentence]:
    """All sentences under ``folder``, or of one speaker's own folder, in order of speaker and name.

    Raises:
        OptionError: there are none, or a list of held-out names names none of its speaker's sentences.
        MediaError: an alignment cannot be read.
    """
    root, homes = _speakers(folder)
    found = [(home.name, _videos(home)) for home in homes]
    found = [(speaker, videos) for speaker, videos in found if videos]
    if not found:
        raise OptionError(
            f"no GRID data in {folder}; expected a folder a speaker, s1, s2 and so on, with videos "
            f"({', '.join(SUFFIXES)}) in it"
        )
    return [
        sentence for speaker, videos in found for sentence in _sentences(root, speaker, videos, alone=len(found) == 1)
    ]


def from_folder(folder: Path, speaker: str = "me") -> list[Sentence]:
    """The talking videos that lie in any folder, of one speaker, in order of name; nobody wrote down what is said.

    About one recording in five is held out, told apart by name as in :mod:`synth.data.corpora.video_folder`. Where all
    are pieces of one recording, pieces are held out; a single video is all to train on.

    Raises:
        OptionError: there is no such folder, or no video in it.
    """
    videos = _videos(folder) if folder.is_dir() else {}
    if not videos:
        raise OptionError(f"no videos in {folder}; allowed are {', '.join(SUFFIXES)}")
    groups = {name: video_folder.group_of(name, speaker) for name in videos}
    if len(set(groups.values())) == 1:
        groups = {name: name for name in videos}
    labelled = [LabelledVideo(name, speaker, groups[name], path) for name, path in videos.items()]
    parted = video_folder.dealt(labelled) if len(labelled) > 1 else labelled
    return [Sentence(one.name, speaker, one.video, None, one.part, one.group) for one in parted]


def spelt(name: str) -> tuple[str, ...] | None:
    """The six words that the name of a GRID clip stands for, ``bbaf2n`` -> bin blue at f two now, or ``None``."""
    if len(name) != len(GRAMMAR):
        return None
    words = []
    for letter, slot in zip(name.lower(), GRAMMAR, strict=True):
        if "zero" in slot:
            fitting = [slot[_DIGITS.index(letter)]] if letter in _DIGITS else []
        else:
            fitting = [word for word in slot if word[0] == letter]
        if not fitting:
            return None
        words.append(fitting[0])
    return tuple(words)


def read_alignment(path: Path) -> tuple[Word, ...]:
    """The words of one ``.align`` file, in order of time, without the silences.

    Raises:
        MediaError: it cannot be read, or a line is not "start end word" with an end after its start.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise MediaError(f"the alignment {path} cannot be read") from error
    words = []
    for number, line in enumerate(lines, 1):
        if not line.split():
            continue
        try:
            start, end, text = line.split()
            word = Word(int(start) / UNITS_A_SECOND, int(end) / UNITS_A_SECOND, text.lower())
        except ValueError as error:
            raise MediaError(
                f"line {number} of {path} is {line!r}; wanted are a start and an end in 1/{UNITS_A_SECOND} s and a word"
            ) from error
        if not 0 <= word.start_s <= word.end_s:
            raise MediaError(f"line {number} of {path} is {line!r}; it must start at 0 or later and before it ends")
        if word.text not in SILENCES:
            words.append(word)
    return tuple(sorted(words, key=lambda word: word.start_s))


def _speakers(folder: Path) -> tuple[Path, list[Path]]:
    """The corpus' folder, and those of its speakers in order of their numbers."""
    if not folder.is_dir():
        return folder, []
    homes = [one for one in folder.iterdir() if one.is_dir() and _SPEAKER.fullmatch(one.name)]
    if not homes and _SPEAKER.fullmatch(folder.resolve().name):
        return folder.resolve().parent, [folder.resolve()]
    return folder, sorted(homes, key=lambda home: (int(home.name[1:]), home.name))


def _videos(folder: Path) -> dict[str, Path]:
    """Name -> video in order of name; of one name in several formats, the first of :data:`SUFFIXES`."""
    paths = [path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES and path.is_file()]
    first: dict[str, Path] = {}
    for path in sorted(paths, key=lambda path: (path.stem, SUFFIXES.index(path.suffix.lower()), path.name)):
        first.setdefault(path.stem, path)
    return first


def _sentences(root: Path, speaker: str, videos: dict[str, Path], *, alone: bool) -> list[Sentence]:
    held = _held_out(root / f"{speaker}_val.txt", speaker, list(videos))
    home = next(iter(videos.values())).parent
    # A flat folder of alignments cannot say whose they are: speakers say the same sentences.
    places = [root / "align" / speaker, home / "align", home, *([root / "align"] if alone else [])]
    out = []
    for name, video in videos.items():
        alignment = next((place / f"{name}.align" for place in places if (place / f"{name}.align").is_file()), None)
        words = read_alignment(alignment) if alignment else None
        sound = video.with_suffix(".wav")
        part = HELD_OUT if name in held else TRAIN
        out.append(Sentence(name, speaker, video, words, part, name, sound if sound.is_file() else None))
    return out


def _held_out(listed: Path, speaker: str, names: Sequence[str]) -> set[str]:
    if not listed.is_file():
        return {name for name in names if _hash(f"{speaker}/{name}") % _HELD_OUT_ONE_IN == 0}
    held = {Path(line.strip()).stem for line in listed.read_text(encoding="utf-8").splitlines() if line.strip()}
    if not held.intersection(names):
        raise OptionError(f"{listed} names none of the {len(names)} sentences of {speaker}; one name a line is wanted")
    return held.intersection(names)


def _hash(text: str) -> int:
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big")
