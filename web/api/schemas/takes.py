"""What a job made: its takes, what was heard and seen in them, and what was laid under them."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from synth.materials import MATERIALS
from synth.options import Channels
from synth.sound_names import SOUND_NAMES
from web.api.schemas.base import Count, Fraction, Links, OneOf, Seconds, Shape

ClassName = Annotated[str, OneOf(SOUND_NAMES)]


class Range(Shape):
    """A part of a clip and its voice."""

    start_s: Seconds
    end_s: float
    mode: str
    probability: Fraction
    reason: str = Field(description="In words.")


class Route(Shape):
    """What mode `auto` makes of a clip."""

    mode: str
    probabilities: dict[str, Fraction]
    reason: str = Field(description="In words.")
    ranges: list[Range] = Field(description="One, or several where its parts want different voices.")


class SoundCandidate(Shape):
    """A sound that the picture may want."""

    name: ClassName
    evidence: Fraction
    reason: str = Field(description="In words.")


class SoundClass(Shape):
    """What an ambient sound is of, and what else the picture may want."""

    name: ClassName
    probability: Fraction = Field(description="How much of what is seen speaks for it; 1 where it was asked for.")
    probabilities: dict[str, Fraction]
    fits: bool = Field(description="Whether it is likelier right than wrong.")
    reason: str = Field(description="One sentence.")
    candidates: list[SoundCandidate] = Field(
        default_factory=list, description="The next ones, best first; each can be asked for as `sound_class`."
    )


class SoundLayer(Shape):
    """One sound in an ambient mix."""

    sound: ClassName
    knobs: dict[str, float]
    start_s: Seconds | None = Field(description="Null from the start.")
    end_s: float | None = Field(description="Null to the end.")
    level_db: float
    pan: float | None = Field(ge=-1, le=1, description="Left to right, its mean; null where it is all around.")


class SpokenWord(Shape):
    """One word that somebody typed, or that was read off the lips."""

    text: str
    start_s: Seconds
    end_s: Seconds
    fits: bool = Field(description="Whether the lips leave it the time that it takes.")


class Hit(Shape):
    """One hit or scratch."""

    time_s: Seconds
    strength: Fraction
    material: Annotated[str, OneOf(MATERIALS)]
    confidence: Fraction
    exemplar: str | None
    pan: Annotated[float, Field(ge=-1, le=1, description="-1 left, 1 right.")]
    gain_db: float = Field(0.0, description="On top of what the strength makes of it.")
    probabilities: dict[str, Fraction]


class LibrarySound(Shape):
    """A recording of a sound library that could be laid."""

    sound: str = Field(description="As `exemplar` of a hit may name it.")
    score: float
    why: str = Field(description="In words.")
    author: str | None
    licence: str
    source: str | None


class LaidSound(LibrarySound):
    """A recording under a stretch of the clip, and the next best."""

    start_s: Seconds
    end_s: float
    what: Annotated[str, OneOf(("hit", "bed"))]
    others: list[LibrarySound]


class Tag(Shape):
    """Something that is heard."""

    name: str
    probability: Fraction


class Texture(Shape):
    """What the statistics of a sound are like."""

    cluster: Count = Field(description="The kind of texture that it is nearest to.")
    name: str | None = Field(None, description="Of that kind.")
    distance: float = Field(ge=0, description="From the kind's centre, in deviations.")
    typicality: Fraction = Field(description="Share of known sounds that are odder in their kind.")
    expected: int | None = Field(description="The kind that the picture leads one to expect.")
    expected_name: str | None = None
    expected_probability: Fraction | None


class TakeDescription(Shape):
    """What was heard in a take. The maps of where its sound comes from are behind links."""

    tags: list[Tag]
    correspondence: Fraction = Field(description="Probability that sound and picture belong together.")
    distance: float = Field(ge=0, le=2, description="Of sound and picture.")
    rank: int = Field(ge=1, description="1 for the take that lies nearest.")
    texture: Texture | None
    firmness: dict[str, Fraction] = Field(
        description="Highest value of each method's maps; below 0.5 no place is shown firmly."
    )


class Unit(Shape):
    """A unit of L3-Net that the picture excites."""

    number: int
    likes: str
    strength: float


class Description(Shape):
    """Whether a result was looked at and listened to, and what holds for all its takes."""

    described: bool
    reason: str | None = Field(description="Why not.")
    times_s: list[float] = Field(description="Of the pictures that were looked at.")
    ranking: list[int] = Field(description="Numbers of the takes, the one that fits best first.")
    units: list[Unit] = Field(
        description="Units of L3-Net that the picture excites most: what they like to hear, by how many deviations "
        "more than usual. A row each of the file `heat-units`."
    )
    stages_s: dict[str, float]


class Pair(Shape):
    """SHA-256 (hex) of source and result."""

    source: str
    result: str


class ShownPair(Pair):
    """SHA-256 (hex) of source and result, and how many frames are shown."""

    frames: int


class Digests(Shape):
    """SHA-256 of the picture: over the bytes of its packets, and over the frames shown and their times."""

    packets: Pair
    shown: ShownPair


class Delivered(Shape):
    """The sound as it comes back after decoding; its true peak is the one asked for, or a warning says so."""

    coding: str
    loudness_lufs: float | None
    true_peak_dbtp: float | None
    limited_again: int = Field(ge=0, le=2, description="How often it was limited again for that.")


class RenderedFrom(Shape):
    """A version of a take's score."""

    take: Count
    version: Count


class Take(Shape):
    """One result. `hits` and `stages_s` come only where one job is read; without hits there is no link to them."""

    take: Count
    mode: str
    seed: int
    duration_s: float
    sample_rate_hz: int
    channels: Annotated[str, OneOf(tuple(one.value for one in Channels))]
    hit_count: int
    loudness_lufs: float | None
    true_peak_dbtp: float | None
    container: str = Field(description="Ending of the video's file name.")
    warnings: list[str]
    sound_class: SoundClass | None
    made_s: float | None = Field(
        description="Of a take that was cancelled and kept: seconds of sound; silence follows."
    )
    mode_reason: str | None = Field(description="Why that voice; results of older releases do not say it.")
    ranges: list[Range] = Field(description="Where parts of the clip have voices of their own.")
    synthetic_speech: bool = Field(description="Its speech is synthetic: made from the lips, and spoken by nobody.")
    picture: Annotated[str, OneOf(("copied", "encoded"))] = Field(
        description="Whether the picture is the clip's, bit for bit, or was coded again."
    )
    digests: Digests | None = Field(description="Null in results of older releases.")
    delivered: Delivered | None = Field(description="Null in results of older releases.")
    description: TakeDescription | None = Field(description="Null where it was not looked at.")
    parent: Count | None = Field(description="The take from whose score it was rendered.")
    score: RenderedFrom | None = Field(description="Which score it was rendered from.")
    editable: bool = Field(description="Whether its score can be changed and rendered again.")
    links: Links
    hits: list[Hit] = Field(default_factory=list)
    library: list[LaidSound] = Field(default_factory=list, description="Recordings of a sound library that are heard.")
    layers: list[SoundLayer] = Field(default_factory=list, description="What an ambient sound is made of.")
    words: list[SpokenWord] = Field(
        default_factory=list,
        description="What is said when, typed or read off the lips.",
    )
    stages_s: dict[str, float] = Field(default_factory=dict)
