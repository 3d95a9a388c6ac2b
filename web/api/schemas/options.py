"""The options of a job: as answers tell them, and as forms send them."""

from __future__ import annotations

from typing import Annotated, Any, Final

from pydantic import Field, create_model, model_validator

from synth.materials import MATERIALS
from synth.options import (
    LIBRARY_NAME,
    LOUDNESS_RANGE_LUFS,
    MAX_CONSENT_CHARS,
    MAX_FACES,
    MAX_PROMPT_CHARS,
    MAX_SEED,
    MAX_TAKES,
    MAX_TEXT_CHARS,
    RATE_RANGE_HZ,
    TRUE_PEAK_RANGE_DBTP,
    VOICE_NAME,
    Channels,
    ExistingSound,
    Synthesis,
)
from synth.options import Options as Checked
from synth.sound_names import SOUND_NAMES
from web.api.schemas.base import Empty, OneOf, Shape, Switch
from web.uploads.forms import BANK_NAME, MODES

_DEFAULTS: Final = Checked().as_dict()

# Option -> what it is, and whether it may be null.
_TYPES: Final[dict[str, tuple[Any, bool]]] = {
    "mode": (Annotated[str, OneOf(tuple(mode.value for mode in MODES))], False),
    "seed": (Annotated[int, Field(ge=0, le=MAX_SEED)], False),
    "takes": (Annotated[int, Field(ge=1, le=MAX_TAKES)], False),
    "synthesis": (Annotated[str, OneOf(tuple(one.value for one in Synthesis))], False),
    "material": (Annotated[str, OneOf(MATERIALS)], True),
    "bank": (Annotated[str, Field(pattern=f"^{BANK_NAME}$")], True),
    "library": (Annotated[str, Field(pattern=f"^{LIBRARY_NAME}$")], True),
    "sound_class": (Annotated[str, OneOf(SOUND_NAMES)], True),
    "prompt": (Annotated[str, Field(min_length=1, max_length=MAX_PROMPT_CHARS)], True),
    "without": (Annotated[str, Field(min_length=1, max_length=MAX_PROMPT_CHARS)], True),
    "voice": (Annotated[str, Field(pattern=f"^{VOICE_NAME}$")], True),
    "face": (Annotated[int, Field(ge=1, le=MAX_FACES)], True),
    "text": (Annotated[str, Field(min_length=1, max_length=MAX_TEXT_CHARS)], True),
    "consent": (Annotated[str, Field(min_length=1, max_length=MAX_CONSENT_CHARS)], True),
    "keep_partial": (bool, False),
    "salvage": (bool, False),
    "recut": (bool, False),
    "existing_sound": (Annotated[str, OneOf(tuple(one.value for one in ExistingSound))], False),
    "channels": (Annotated[str, OneOf(tuple(one.value for one in Channels))], False),
    "rate_hz": (Annotated[int, Field(ge=RATE_RANGE_HZ[0], le=RATE_RANGE_HZ[1])], False),
    "loudness_lufs": (Annotated[float, Field(ge=LOUDNESS_RANGE_LUFS[0], le=LOUDNESS_RANGE_LUFS[1])], False),
    "limiter": (bool, False),
    "true_peak_dbtp": (Annotated[float, Field(ge=TRUE_PEAK_RANGE_DBTP[0], le=TRUE_PEAK_RANGE_DBTP[1])], False),
}


class _FormOfOptions(Shape):
    """A form whose fields are options; an empty field is one that was left out."""

    @model_validator(mode="before")
    @classmethod
    def _hold_the_rules(cls, raw: Any) -> Any:
        """The library's own rules first: they know which options contradict each other, and say so in a sentence."""
        given = {name: value for name, value in raw.items() if name not in _OTHER_FIELDS and value != ""}
        read = Checked.parse(given).as_dict()  # also forgives capitals and spaces
        for name in (name for name, (kind, _) in _TYPES.items() if kind is bool):
            read[name] = str(read[name]).lower()
        return {**raw, **{name: read[name] for name in given}}

    def options(self) -> dict[str, Any]:
        """The options that were given."""
        given = self.model_dump(exclude_unset=True)
        return {name: value for name, value in given.items() if name in _TYPES and value != ""}


_OTHER_FIELDS: Final = frozenset(
    {"batch_id", "cancel_after", "custom_id", "file", "job", "keep_days", "upload", "webhook"}
)


def _answered(name: str) -> tuple[Any, Any]:
    kind, nullable = _TYPES[name]
    return (kind | None if nullable else kind, _DEFAULTS[name])


def _sent(name: str) -> tuple[Any, Any]:
    kind, _ = _TYPES[name]
    return (Annotated[str, Switch] if kind is bool else kind) | Empty, Field("", description=_told(name))


def _in_json(name: str) -> tuple[Any, Any]:
    kind, given = _TYPES[name][0], _sent(name)
    return (kind | given[0] if kind is bool else given[0], given[1])


def _told(name: str) -> str:
    value = _DEFAULTS[name]
    return f"Empty or left out: {'as the clip wants it' if value is None else str(value).lower()}."


Options: Any = create_model(
    "Options",
    __base__=Shape,
    __doc__="What was asked for, with all that was left out filled in.",
    **{name: _answered(name) for name in _TYPES},  # type: ignore[call-overload]
)
OptionsBody: Any = create_model(
    "OptionsBody",
    __base__=_FormOfOptions,
    __doc__="The same as JSON, where a switch is true or false.",
    **{name: _in_json(name) for name in _TYPES},  # type: ignore[call-overload]
)
OptionsChange: Any = create_model(
    "OptionsChange",
    __base__=Shape,
    __doc__="Options that are to be others than a job's.",
    **{name: (_in_json(name)[0] | None, Field(None, description=_told(name))) for name in _TYPES},  # type: ignore[call-overload]
)
OptionsForm: Any = create_model("OptionsForm", __base__=_FormOfOptions, **{name: _sent(name) for name in _TYPES})  # type: ignore[call-overload]
