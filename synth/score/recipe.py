"""The recipe of a job's takes: all that their sound depends on beside random numbers, as one file.

With it a take is rendered again, wholly or in part, without looking at the picture a second time.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from synth.errors import MediaError
from synth.media.looking import VideoInfo
from synth.options import Mode, Options
from synth.routing.ranges import Range
from synth.voices.ambient.layers import Candidate, Layer
from synth.voices.base import CancelPoll, Controls, Hit, Rendering, SoundChoice, SpokenWord, Uniforms
from synth.voices.library.voice import SeenControls

VERSION: Final = 1
_FEATURE: Final = "feature "
_SEEN: Final = ("answers", "vectors")


@dataclass(frozen=True, eq=False)
class Recipe:
    """What all takes of a job are made from.

    Attributes:
        mode: the voice, never ``auto``.
        mode_reason: why that voice.
        ranges: which voice sounds which range, where there are several: each is one part then, its hits are none.
        info: of the clip.
        input_sha256: of the clip.
        from_list: whether the hits came from a list.
        options: of the job.
        weights: name -> sha256 of the weights in use.
        rate_hz: samples a second that the voice makes.
        controls: what the voice saw.
    """

    mode: Mode
    mode_reason: str
    ranges: tuple[Range, ...]
    info: VideoInfo
    input_sha256: str
    from_list: bool
    options: Options
    weights: Mapping[str, str]
    rate_hz: int
    controls: Controls

    def save(self, path: Path) -> None:
        """Write it. Raises OSError."""
        controls = self.controls
        arrays: dict[str, NDArray[Any]] = {_FEATURE + name: one for name, one in controls.features.items()}
        if controls.track is not None:
            arrays["track"] = controls.track
        about: dict[str, Any] = {
            "version": VERSION,
            "mode": self.mode.value,
            "mode_reason": self.mode_reason,
            "ranges": [{**dataclasses.asdict(one), "mode": one.mode.value} for one in self.ranges],
            "info": dataclasses.asdict(self.info),
            "input_sha256": self.input_sha256,
            "from_list": self.from_list,
            "options": self.options.as_dict(),
            "weights": dict(self.weights),
            "rate_hz": self.rate_hz,
            "controls": _controls_json(controls),
        }
        if isinstance(controls, SeenControls):
            about["sights_s"] = list(controls.sights_s)
            arrays |= {name: one for name in _SEEN if (one := getattr(controls, name)) is not None}
        text = np.frombuffer(json.dumps(about).encode(), np.uint8)
        with path.open("wb") as file:
            np.savez_compressed(file, allow_pickle=False, about=text, **arrays)

    @classmethod
    def load(cls, path: Path) -> Recipe:
        """Read it.

        Raises:
            MediaError: it is none of this version.
        """
        try:
            with np.load(path, allow_pickle=False) as file:
                arrays = {name: file[name] for name in file.files}
            about = json.loads(arrays.pop("about").tobytes())
            if about["version"] != VERSION:
                raise MediaError(f"the recipe has version {about['version']}; this release reads {VERSION}")
            return cls(
                mode=Mode(about["mode"]),
                mode_reason=about["mode_reason"],
                ranges=tuple(Range(**{**one, "mode": Mode(one["mode"])}) for one in about["ranges"]),
                info=VideoInfo(**{**about["info"], "warnings": tuple(about["info"]["warnings"])}),
                input_sha256=about["input_sha256"],
                from_list=about["from_list"],
                options=Options.parse(about["options"]),
                weights=about["weights"],
                rate_hz=about["rate_hz"],
                controls=_controls(about, arrays),
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise MediaError(f"the recipe cannot be read: {error}") from error


@dataclass(frozen=True)
class KeptVoice:
    """Stands for the voice of a recipe where nothing is rendered by it; a :class:`synth.voices.base.Renderer`."""

    recipe: Recipe = field(repr=False)
    sample_rate_hz: int

    def weights(self, options: Options) -> Mapping[str, str]:
        """Those that made the first takes."""
        return self.recipe.weights

    def render(self, controls: Controls, options: Options, uniforms: Uniforms, cancelled: CancelPoll) -> Rendering:
        """Nothing is rendered anew. Raises MediaError."""
        raise MediaError("the parts of this take are not kept, so it cannot be rendered again")


def _controls_json(controls: Controls) -> dict[str, Any]:
    return {
        "duration_s": controls.duration_s,
        "hits": [dataclasses.asdict(hit) | {"probabilities": dict(hit.probabilities)} for hit in controls.hits],
        "track_rate_hz": controls.track_rate_hz,
        "choice": None if controls.choice is None else _choice_json(controls.choice),
        "silence": controls.silence,
        "warnings": list(controls.warnings),
        "layers": [_layer_json(layer) for layer in controls.layers],
        "words": [dataclasses.asdict(word) for word in controls.words],
    }


def _choice_json(choice: SoundChoice) -> dict[str, Any]:
    told = {one.name: getattr(choice, one.name) for one in dataclasses.fields(choice)}
    candidates = [dataclasses.asdict(one) for one in choice.candidates]
    return {**told, "probabilities": dict(choice.probabilities), "candidates": candidates}


def _layer_json(layer: Layer) -> dict[str, Any]:
    return {one.name: getattr(layer, one.name) for one in dataclasses.fields(layer)} | {"knobs": dict(layer.knobs)}


def _controls(about: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Controls:
    told = dict(about["controls"])
    choice = told.pop("choice")
    if choice is not None:
        choice["candidates"] = tuple(Candidate(**one) for one in choice["candidates"])
        choice = SoundChoice(**choice)
    values: dict[str, Any] = {
        **told,
        "hits": tuple(Hit(**hit) for hit in told["hits"]),
        "warnings": tuple(told["warnings"]),
        "layers": tuple(Layer(**layer) for layer in told["layers"]),
        "words": tuple(SpokenWord(**word) for word in told["words"]),
        "choice": choice,
        "track": arrays.get("track"),
        "features": {name.removeprefix(_FEATURE): one for name, one in arrays.items() if name.startswith(_FEATURE)},
    }
    if "sights_s" not in about:
        return Controls(**values)
    sights_s = tuple(about["sights_s"])
    return SeenControls(**values, sights_s=sights_s, answers=arrays.get("answers"), vectors=arrays.get("vectors"))
