"""``sonorize eval sounds``: what stands for what, what is kept, and what is counted."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from synth.cli import app
from synth.errors import OptionError
from synth.evaluation.ambient import catalogue
from synth.evaluation.ambient.aisfx import installed_aisfx
from synth.evaluation.ambient.references import references
from synth.evaluation.ambient.yamnet import GENERIC, installed_yamnet
from synth.media import audio
from synth.voices.ambient.catalogue.registry import sound_class
from synth.voices.ambient.catalogue.rendering import performance_of, render


def _recordings(folder: Path, names: dict[str, str]) -> None:
    """Files that play recordings: sounds of the catalogue under the names of a corpus."""
    for number, (file, name) in enumerate(names.items()):
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        made = render(sound_class(name), performance_of(sound_class(name), seed=number, onsets_s=[0.2, 1.2]), 2.5)
        audio.write(folder / file, (made / np.abs(made).max()).astype(np.float32), 48_000)


def test_a_recordings_class_and_source_are_known_by_its_name(tmp_path: Path) -> None:
    for file in (
        "esc10/rain/1-17367-A.wav",
        "esc10/rain/1-17367-B.wav",
        "esc10/unknown/1-1-A.wav",
        "urbansound8k/dog_bark/176257-3-0-0.wav",
        "urbansound8k/street_music/1-9-0-0.wav",
        "effects/game/Lightning/Thunder3.wav",
        "effects/game/Objects/Connect.wav",
        "effects/LICENCES.tsv",
    ):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).touch()
    found = {reference.path.name: (reference.classes, reference.source) for reference in references(tmp_path)}
    assert found == {
        "1-17367-A.wav": (("rain",), "esc10/1-17367"),
        "1-17367-B.wav": (("rain",), "esc10/1-17367"),
        "176257-3-0-0.wav": (("dog",), "urbansound8k/176257"),
        "Thunder3.wav": (("thunder",), "effects/game/Lightning/Thunder"),
    }


def test_knobs_are_drawn_from_their_whole_range_and_drawn_again_alike() -> None:
    sound = sound_class("rain")
    drawn = [catalogue.drawn_knobs(sound, seed) for seed in range(200)]
    assert drawn[7] == catalogue.drawn_knobs(sound, 7)
    drops = np.array([one["drops_per_s"] for one in drawn])
    assert drops.min() < 260
    assert drops.max() > 4800
    assert np.median(drops) == pytest.approx(np.sqrt(200 * 6000), rel=0.35)  # by ratio


@pytest.mark.parametrize(
    ("option", "said"),
    [
        (("--knobs", "odd"), "--knobs is 'odd'; allowed are default, range"),
        (("--classes", "rian"), "there is no sound 'rian'; the nearest are rain"),
    ],
)
def test_what_cannot_be_judged_is_refused(
    option: tuple[str, str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert app.main(["eval", "sounds", *option]) == 2
    assert said in capsys.readouterr().err


def test_seeds_belong_to_sounds_only(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert app.main(["eval", "hits", "--data", str(tmp_path), "--seeds", "2"]) == 2
    assert "--seeds means nothing to the evaluation 'hits'; it belongs to sounds" in capsys.readouterr().err
    with pytest.raises(OptionError, match="--seeds is 0"):
        catalogue.evaluate_sounds(None, None, seeds=0)


@pytest.mark.skipif(
    isinstance(installed_yamnet(), str) or isinstance(installed_aisfx(), str), reason="a judge is not installed"
)
def test_both_judges_hear_sounds_beside_floor_and_ceiling(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    data, out = tmp_path / "data", tmp_path / "out"
    _recordings(
        data,
        {
            "effects/a/Liquids/StereoRain.wav": "rain",
            "effects/a/Lightning/Thunder1.wav": "thunder",
            "effects/a/Structures/HingeCreak1.wav": "door_creak",
            "esc10/sea_waves/1-1-A.wav": "sea_waves",
            "esc10/clock_tick/1-1-A.wav": "dripping",
            "esc10/crackling_fire/1-1-A.wav": "crackling_fire",
        },
    )
    asked = [
        "eval",
        "sounds",
        "--data",
        str(data),
        "--out",
        str(out),
        "--seeds",
        "1",
        "--classes",
        "rain,steam",
        "--json",
    ]
    assert app.main(asked) == 0
    result = json.loads(capsys.readouterr().out)
    rain = result["classes"]["rain"]
    assert rain["yamnet"] == 1
    assert rain["yamnet_floor"] == 0
    assert rain["aisfx"] == 1
    assert rain["ceiling"] == {"recordings": 1, "yamnet": 1, "aisfx": 0}  # nothing else of its kind is there
    assert result["classes"]["steam"]["aisfx"] is None
    assert result["judges"]["aisfx"] == "6 recordings"
    assert result["times_real_time"]["slowest"] > 1

    def never(*_: object) -> None:
        raise AssertionError("what was heard before is kept")

    monkeypatch.setattr(catalogue.Judges, "hear", never)
    monkeypatch.setattr(catalogue.Judges, "_hear_recording", never)
    assert app.main(asked) == 0
    assert json.loads(capsys.readouterr().out) == result


def test_generic_names_are_left_out() -> None:
    yamnet = installed_yamnet()
    if isinstance(yamnet, str):
        pytest.skip(yamnet)
    assert set(yamnet.names) >= GENERIC
    probabilities = np.zeros(len(yamnet.names), np.float32)
    probabilities[[yamnet.names.index(name) for name in ("Silence", "Rain", "Noise")]] = 0.9, 0.5, 0.8
    assert yamnet.likeliest(probabilities)[0] == "Rain"
