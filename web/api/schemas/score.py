"""The score of a take: what is heard when, as data to change and render again; and the parts of its sound."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from synth.materials import MATERIALS
from synth.options import LOUDNESS_RANGE_LUFS, TRUE_PEAK_RANGE_DBTP
from synth.score.score import (
    GAIN_RANGE_DB,
    ID_PATTERN,
    MAX_HITS,
    MAX_LAYERS,
    MAX_STEMS,
    MAX_TEXT,
    MAX_WORDS,
)
from synth.sound_names import SOUND_NAMES
from synth.voices.hits.hit_list import GAIN_RANGE_DB as HIT_GAIN_RANGE_DB
from web.api.schemas.base import Count, Fraction, Links, Moment, Number, OneOf, Seconds, Shape

LONGEST_WAIT_S = 10.0
ZOOMS = (256, 1024, 4096, 16384)
Id = Annotated[str, Field(pattern=f"^{ID_PATTERN}$", description="Unlike all others of its list.")]
Pan = Annotated[float, Field(ge=-1, le=1, description="-1 left, 1 right.")]
Gain = Annotated[float, Field(ge=GAIN_RANGE_DB[0], le=GAIN_RANGE_DB[1])]
StemName = Annotated[str, Field(min_length=1, max_length=64)]


class ScoreHit(Shape):
    """One hit or scratch of a score."""

    id: Id
    time_s: Seconds
    strength: Fraction = 0.5
    material: Annotated[str, OneOf(MATERIALS)]
    exemplar: Annotated[str, Field(max_length=200)] | None = Field(
        None, description="A sound of the bank; null: the nearest."
    )
    nearest: list[str] = Field(
        default_factory=list, max_length=16, description="Exemplars that fit, best first; the server fills it in."
    )
    pan: Pan = 0.0
    gain_db: Annotated[float, Field(ge=HIT_GAIN_RANGE_DB[0], le=HIT_GAIN_RANGE_DB[1])] = 0.0


class ScoreLayer(Shape):
    """One sound of the catalogue under the picture."""

    id: Id
    sound: Annotated[str, OneOf(SOUND_NAMES)]
    start_s: Seconds | None = Field(None, description="Null: from the start.")
    end_s: Seconds | None = Field(None, description="Null: to the end.")
    level_db: Gain = 0.0
    pan: Pan | None = Field(None, description="Null: where the picture has it, or all around.")
    knobs: dict[str, float] = Field(
        default_factory=dict, max_length=64, description="Knobs that are fixed; the picture turns the others."
    )


class ScoreWord(Shape):
    """Something that is said, as a note: it changes no sound."""

    id: Id
    text: str = Field(max_length=MAX_TEXT)
    start_s: Seconds
    end_s: Seconds


class ScoreStem(Shape):
    """How one part of the sound is mixed."""

    name: StemName
    gain_db: Gain = 0.0
    muted: bool = False
    solo: bool = False
    delivered: bool = Field(True, description="Whether it is in the zip of stems.")


Hits = Annotated[list[ScoreHit], Field(max_length=MAX_HITS)]
Layers = Annotated[list[ScoreLayer], Field(max_length=MAX_LAYERS)]
Words = Annotated[list[ScoreWord], Field(max_length=MAX_WORDS)]
Stems = Annotated[list[ScoreStem], Field(max_length=MAX_STEMS)]
Loudness = Annotated[float, Field(ge=LOUDNESS_RANGE_LUFS[0], le=LOUDNESS_RANGE_LUFS[1])]
TruePeak = Annotated[float, Field(ge=TRUE_PEAK_RANGE_DBTP[0], le=TRUE_PEAK_RANGE_DBTP[1])]


class Score(Shape):
    """What is heard when in a take."""

    version: Count = Field(description="0 is the take as it was made.")
    take: Count
    parent: Count | None = Field(description="The take from whose score this one was rendered.")
    duration_s: float
    rate_fps: float
    mode: str
    editable: bool = Field(description="False where nothing is kept to render it from.")
    hits: Hits
    layers: Layers
    words: Words
    stems: Stems
    loudness_lufs: Loudness
    limiter: bool = Field(description="Whether peaks are held down as far as the loudness needs.")
    true_peak_dbtp: TruePeak
    saved_at: Moment | None = Field(description="Null for version 0.")


class ScoreChange(Shape):
    """What is to be replaced: whole lists, single values. `version` is the one that is changed, unless `If-Match` says
    it.
    """

    version: Number | None = None
    hits: Hits | None = None
    layers: Layers | None = None
    words: Words | None = None
    stems: Stems | None = None
    loudness_lufs: Loudness | None = None
    limiter: bool | None = None
    true_peak_dbtp: TruePeak | None = None


class ScoreQuery(Shape):
    """Which take's score."""

    take: Number = 0


class ScoreReadQuery(ScoreQuery):
    """Which version of it; the newest by default."""

    version: Number | None = None


class ScoreVersion(Shape):
    """One version in brief."""

    version: Count
    saved_at: Moment | None
    hits: Count
    layers: Count
    words: Count


class ScoreVersions(Shape):
    """The newest first."""

    versions: list[ScoreVersion]


class RenderScore(Shape):
    """Which score is to be heard."""

    take: Number = Field(0, description="Whose score.")
    version: Number | None = Field(None, description="Refused unless it is the newest; null is the newest.")


class RenderError(Shape):
    """Why a take could not be rendered."""

    code: str
    detail: str


class RenderedTake(Shape):
    """A take that is rendered, or waits to be."""

    take: Count
    parent: Count | None
    version: Count | None = Field(description="Of the parent's score.")
    status: Annotated[str, OneOf(("queued", "running", "succeeded", "failed", "canceled"))]
    progress: Fraction
    error: RenderError | None
    links: Links


class WaitQuery(Shape):
    """How long to wait for the end."""

    wait_s: float = Field(0.0, ge=0, le=LONGEST_WAIT_S)


class TakeStem(Shape):
    """One part of a take's sound, before mixing and mastering; `mix` is the take as delivered."""

    name: StemName
    duration_s: float
    rate_hz: int
    peak_dbfs: float | None = Field(description="Null for silence.")
    links: Links


class TakeStems(Shape):
    """The parts of a take."""

    stems: list[TakeStem]


class StemQuery(Shape):
    """Which part."""

    stem: StemName = "mix"


class PeaksQuery(StemQuery):
    """Which part, and how many samples a point stands for."""

    zoom: Annotated[str, OneOf(tuple(map(str, ZOOMS)))] = "1024"


class Peaks(Shape):
    """A waveform in audiowaveform's JSON, version 2."""

    version: int
    channels: int
    sample_rate: int
    samples_per_pixel: int
    bits: int
    length: int = Field(description="Points; `data` has a lowest and a highest value for each.")
    data: list[Annotated[int, Field(ge=-128, le=127)]]


class NearestQuery(Shape):
    """Where an exemplar is wanted."""

    time_s: Seconds
    material: Annotated[str, OneOf(MATERIALS)] | None = Field(None, description="Null: of any.")


class Exemplar(Shape):
    """A sound of a bank."""

    name: str
    material: str
    action: str
    distance: float | None = Field(description="From what was seen there; null where nothing was.")
    links: Links


class Exemplars(Shape):
    """Those that fit best, the best first."""

    exemplars: list[Exemplar]


class Materials(Shape):
    """What things may be made of."""

    materials: list[str]
