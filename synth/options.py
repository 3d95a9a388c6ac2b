"""What a caller may ask for: one frozen :class:`Options` that command line, form and API all parse into.

Importable without torch. Every rule about a value stands here once; everything behind it may trust what it gets.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from synth.ambient_classes import AMBIENT_CLASSES
from synth.errors import OptionError
from synth.materials import MATERIALS
from synth.nearest_names import nearest_names
from synth.sound_names import SOUND_NAMES


class Mode(StrEnum):
    """Which voice sounds the clip; ``auto`` lets the router choose."""

    AUTO = "auto"
    HITS = "hits"
    AMBIENT = "ambient"
    SPEECH = "speech"


class Synthesis(StrEnum):
    """How a waveform comes about: hits pasted from a bank, or envelopes imposed on noise; ambient sound computed, or
    learnt, by a network of ten classes; or, for hits and for ambient sound, recordings out of a sound library of the
    user's own.
    """

    EXAMPLE = "example"
    PARAMETRIC = "parametric"
    LEARNT = "learnt"
    LIBRARY = "library"


class ExistingSound(StrEnum):
    """What happens to sound that the source already has."""

    REPLACE = "replace"
    KEEP = "keep"
    MIX = "mix"


class Channels(StrEnum):
    """How many channels a result's sound has."""

    MONO = "mono"
    STEREO = "stereo"

    @property
    def number(self) -> int:
        """One or two."""
        return 2 if self is Channels.STEREO else 1


@dataclass(frozen=True)
class Limits:
    """What a source may be. Beyond these a clip is refused with a sentence before any work is done.

    Duration, rate and number of frames are nominal: a camera's "240 frames a second" are 240.1 now and then, so that
    :data:`NOMINAL_MARGIN` times as much is taken.
    """

    max_duration_s: float = 3600.0
    max_rate_fps: float = 240.0
    max_frames: int = 216_000
    max_pixels: int = 35_389_440  # one frame; 8192 x 4320
    max_side_px: int = 8192
    max_streams: int = 64
    max_bytes: int = 4 * 1024**3


LIMITS: Final = Limits()
NOMINAL_MARGIN: Final = 1.02
RATE_RANGE_HZ: Final = (16_000, 96_000)
MAX_SEED: Final = 2**63 - 1
MAX_TAKES: Final = 8
MAX_FACES: Final = 16
VOICE_NAME: Final = r"[a-z0-9][a-z0-9._-]{0,63}"
"""What the name of a voice pack looks like, as a regular expression for all of it."""
LIBRARY_NAME: Final = VOICE_NAME
"""What the name of a sound library looks like; anything else is taken for the path of its index file."""
LOUDNESS_RANGE_LUFS: Final = (-40.0, -8.0)
TRUE_PEAK_RANGE_DBTP: Final = (-12.0, 0.0)
_LOUDNESS_ADVICE: Final = (
    ": how loud the sound is, nearer to 0 is louder; streaming services play at about -14, television at -23, and -20 "
    "is a good choice in between"
)
_PEAK_ADVICE: Final = ": how high the peaks may rise, 0 is the most that a file can hold; -1 is a good choice"
MAX_PROMPT_CHARS: Final = 1000
"""Of ``prompt``, and of ``without``."""


MAX_TEXT_CHARS: Final = 20_000
MAX_CONSENT_CHARS: Final = 500

GOES_WITH: Final = {
    "material": Mode.HITS,
    "sound_class": Mode.AMBIENT,
    "prompt": Mode.AMBIENT,
    "voice": Mode.SPEECH,
    "face": Mode.SPEECH,
    "text": Mode.SPEECH,
}
"""Options that mean something for one voice only; with ``auto`` they choose it."""


@dataclass(frozen=True)
class Options:
    """One request, checked. Build it with the constructor or, from loose text, with :meth:`parse`.

    ``bank`` is the name of a shipped sound bank or the path of one of the caller's own; ``None`` is the default bank.
    ``sound_class`` names what an ambient sound is to be; ``None`` lets the picture decide. ``prompt`` says in words
    what is to be heard, and ``without`` what is not: they are understood by :mod:`synth.voices.ambient.prompting`.
    ``voice`` is the name of a voice pack in the manifest, whose speaker speech is given; ``None`` is the default one.
    ``face`` says who of several speaks, counted from the left of the picture, from 1; ``None`` is who speaks most.
    ``text`` is what is said, plain or as subtitles (.srt); ``None`` lets the lips say it. ``consent`` says who agreed
    that these words are put into this mouth: ``text`` needs it.
    ``keep_partial`` keeps what was made of a sound when its job is cancelled, where the voice makes it piece by piece;
    silence follows it. ``channels`` and ``rate_hz`` are those of the sound in the result, whatever the voice makes.
    ``library`` is the name of a sound library or the path of its index file; ``None`` is the only one that there is.
    ``salvage`` takes a recording that breaks off as far as it goes; ``recut`` codes the picture again where a copy of
    its packets would show another film or does not fit into the container asked for. ``limiter`` holds peaks down as
    far as ``loudness_lufs`` needs; without it a sound of few peaks stays quieter rather than losing over 9 dB of them.

    Raises:
        OptionError: a value is outside its range, or an option contradicts another.
    """

    mode: Mode = Mode.AUTO
    seed: int = 0
    takes: int = 1
    synthesis: Synthesis = Synthesis.EXAMPLE
    material: str | None = None
    bank: str | None = None
    library: str | None = None
    sound_class: str | None = None
    prompt: str | None = None
    without: str | None = None
    voice: str | None = None
    face: int | None = None
    text: str | None = None
    consent: str | None = None
    keep_partial: bool = False
    salvage: bool = False
    recut: bool = False
    existing_sound: ExistingSound = ExistingSound.REPLACE
    loudness_lufs: float = -20.0
    true_peak_dbtp: float = -1.0
    limiter: bool = False
    channels: Channels = Channels.STEREO
    rate_hz: int = 48_000

    def __post_init__(self) -> None:
        _in_range("seed", self.seed, 0, MAX_SEED)
        _in_range("takes", self.takes, 1, MAX_TAKES)
        _in_range("loudness_lufs", self.loudness_lufs, *LOUDNESS_RANGE_LUFS, _LOUDNESS_ADVICE)
        _in_range("true_peak_dbtp", self.true_peak_dbtp, *TRUE_PEAK_RANGE_DBTP, _PEAK_ADVICE)
        _in_range("rate_hz", self.rate_hz, *RATE_RANGE_HZ)
        if self.material is not None and self.material not in MATERIALS:
            raise OptionError(f"material is {self.material!r}; allowed are {', '.join(MATERIALS)}")
        self._refuse_sound_class()
        if self.voice is not None and not re.fullmatch(VOICE_NAME, self.voice):
            raise OptionError(
                f"voice is {self.voice!r}; allowed is the name of a voice pack: up to 64 small letters, digits, "
                "dots, dashes and underscores"
            )
        if self.face is not None:
            _in_range("face", self.face, 1, MAX_FACES)
        self._refuse_words()
        self._refuse_text()
        self._refuse_contradictions()

    def _refuse_words(self) -> None:
        """What can be said of words without understanding them."""
        for name, text in (("prompt", self.prompt), ("without", self.without)):
            if text is None:
                continue
            if not text.strip():
                raise OptionError(f"{name} is empty; it must name a sound, or be left out")
            if len(text) > MAX_PROMPT_CHARS:
                raise OptionError(f"{name} has {len(text)} letters; allowed are {MAX_PROMPT_CHARS}")
            if any(not letter.isprintable() and letter not in "\n\t" for letter in text):
                raise OptionError(f"{name} holds a letter that cannot be printed; allowed is plain text")
            if self.synthesis not in (Synthesis.EXAMPLE, Synthesis.PARAMETRIC):
                raise OptionError(
                    f"{name} goes with computed sounds, synthesis example; the synthesis asked for is "
                    f"{self.synthesis.value}"
                )
        if self.prompt is not None and self.sound_class is not None:
            raise OptionError("prompt and sound_class both say what is to be heard; allowed is one of the two")

    def _refuse_text(self) -> None:
        """What can be said of typed words without understanding them."""
        for name, text, most in (("text", self.text, MAX_TEXT_CHARS), ("consent", self.consent, MAX_CONSENT_CHARS)):
            if text is None:
                continue
            if not text.strip():
                raise OptionError(f"{name} is empty; it must say something, or be left out")
            if len(text) > most:
                raise OptionError(f"{name} has {len(text)} letters; allowed are {most}")
        if self.text is not None and self.consent is None:
            raise OptionError(
                "consent is missing: text puts words into somebody's mouth, so say in a sentence who is seen and who "
                "agreed to it, such as 'I am the speaker' or 'archive film of 1912, the script is the film's own'"
            )
        if self.consent is not None and self.text is None:
            raise OptionError("consent goes with text, which is missing")

    def _refuse_sound_class(self) -> None:
        name = self.sound_class
        if name is None:
            return
        if name not in SOUND_NAMES:
            near = ", ".join(nearest_names(name, SOUND_NAMES))
            raise OptionError(
                f"sound_class is {name!r}; the nearest are {near}; `sonorize sounds list` names all {len(SOUND_NAMES)}"
            )
        if self.synthesis is Synthesis.LEARNT and name not in AMBIENT_CLASSES:
            raise OptionError(
                f"sound_class is {name!r}, which nobody learnt; with synthesis learnt are {', '.join(AMBIENT_CLASSES)}"
            )

    def _refuse_contradictions(self) -> None:
        if self.synthesis is Synthesis.LEARNT and self.settled_mode not in (Mode.AUTO, Mode.AMBIENT):
            raise OptionError(
                f"synthesis is 'learnt', which goes with mode ambient; the mode asked for is {self.settled_mode.value}"
            )
        if self.synthesis is Synthesis.LIBRARY:
            self._refuse_beside_a_library()
        elif self.library is not None:
            raise OptionError(f"library goes with synthesis library; the synthesis asked for is {self.synthesis.value}")
        given = [(name, mode) for name, mode in GOES_WITH.items() if getattr(self, name) is not None]
        for name, mode in given:
            if self.mode not in (Mode.AUTO, mode):
                raise OptionError(f"{name} goes with mode {mode.value}; the mode asked for is {self.mode.value}")
            first, other = given[0]
            if mode is not other:
                raise OptionError(
                    f"{first} goes with mode {other.value} and {name} with mode {mode.value}; allowed is one of the two"
                )

    def _refuse_beside_a_library(self) -> None:
        if self.settled_mode is Mode.SPEECH:
            raise OptionError(
                "synthesis is 'library' and the voice is speech: no library holds what these lips say; allowed with a "
                "library are the modes auto, hits and ambient"
            )
        if self.bank is not None:
            raise OptionError("bank goes with synthesis example or parametric; with a library name the library")

    @property
    def settled_mode(self) -> Mode:
        """The mode asked for; for ``auto``, the only one that the other options mean something for, if there is one."""
        if self.mode is not Mode.AUTO:
            return self.mode
        meant = [mode for name, mode in GOES_WITH.items() if getattr(self, name) is not None]
        if meant:
            return meant[0]
        return Mode.HITS if self.bank is not None else Mode.AUTO

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> Options:
        """Options from loose values (form fields, JSON, command line); absent and ``None`` mean the default.

        Raises:
            OptionError: an unknown name, a value of the wrong kind or outside its range.
        """
        known = {field.name: field for field in dataclasses.fields(cls)}
        unknown = sorted(set(raw) - set(known))
        if unknown:
            raise OptionError(f"unknown option {unknown[0]!r}; known are {', '.join(known)}")
        values = {name: _PARSERS[name](name, value) for name, value in raw.items() if value is not None}
        return cls(**values)

    def as_dict(self) -> dict[str, Any]:
        """The same request as plain JSON values; ``Options.parse`` reads it back."""
        return {
            name: value.value if isinstance(value, StrEnum) else value
            for name, value in dataclasses.asdict(self).items()
        }

    def with_take(self, take: int) -> Options:
        """The options of one take: take 0 has the seed asked for, each later take the next seed."""
        return dataclasses.replace(self, seed=(self.seed + take) % (MAX_SEED + 1), takes=1)


def _in_range(name: str, value: float, low: float, high: float, advice: str = "") -> None:
    if not low <= value <= high:  # also true for what is not a number
        raise OptionError(f"{name} is {value}; allowed is {low} to {high}{advice}")


def _whole(name: str, value: Any) -> int:
    try:
        number = int(str(value).strip())
    except ValueError as error:
        raise OptionError(f"{name} is {value!r}; it must be a whole number") from error
    return number


def _real(name: str, value: Any) -> float:
    try:
        return float(str(value).strip())
    except ValueError as error:
        raise OptionError(f"{name} is {value!r}; it must be a number") from error


def _member(kind: type[StrEnum]) -> Any:
    def parse(name: str, value: Any) -> StrEnum:
        try:
            return kind(str(value).strip().lower())
        except ValueError as error:
            raise OptionError(f"{name} is {value!r}; allowed are {', '.join(kind)}") from error

    return parse


def _material(_name: str, value: Any) -> str | None:
    return str(value).strip().lower() or None


def _voice(_name: str, value: Any) -> str | None:
    return str(value).strip() or None


def _sound_class(_name: str, value: Any) -> str | None:
    return str(value).strip().lower().replace(" ", "_").replace("-", "_") or None


def truth(name: str, value: Any) -> bool:
    """A switch out of loose text; absent and empty mean off.

    Raises:
        OptionError: neither true nor false.
    """
    return value not in (None, "") and _truth(name, value)


def _truth(name: str, value: Any) -> bool:
    text = str(value).strip().lower()
    if text not in _TRUTHS:
        raise OptionError(f"{name} is {value!r}; allowed are true and false")
    return _TRUTHS[text]


def _text(_name: str, value: Any) -> str | None:
    return str(value) or None


def _words(_name: str, value: Any) -> str:
    return str(value).replace("\r\n", "\n")


_TRUTHS: Final = {"true": True, "1": True, "on": True, "yes": True} | {
    "false": False,
    "0": False,
    "off": False,
    "no": False,
}
_PARSERS: Final[dict[str, Any]] = {
    "mode": _member(Mode),
    "seed": _whole,
    "takes": _whole,
    "synthesis": _member(Synthesis),
    "material": _material,
    "bank": _text,
    "library": _text,
    "sound_class": _sound_class,
    "prompt": _words,
    "without": _words,
    "voice": _voice,
    "face": _whole,
    "text": _words,
    "consent": _words,
    "keep_partial": _truth,
    "salvage": _truth,
    "recut": _truth,
    "existing_sound": _member(ExistingSound),
    "loudness_lufs": _real,
    "true_peak_dbtp": _real,
    "limiter": _truth,
    "channels": _member(Channels),
    "rate_hz": _whole,
}
