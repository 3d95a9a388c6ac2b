"""``sonorize sounds``, as a person and as a script meets it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from synth.cli import app


def _run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    code = app.main(["sounds", *(str(argument) for argument in arguments)])
    printed = capsys.readouterr()
    return code, printed.out, printed.err


def test_all_sounds_are_listed_with_their_knobs(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = _run(capsys, "list", "--json")
    sounds = {sound["name"]: sound for sound in json.loads(out)["sounds"]}
    assert code == 0
    assert sounds["rain"]["audioset"][0] == "Rain"
    assert sounds["rain"]["engine"] == "computed"
    assert sounds["rain"]["knobs"]["drops_per_s"]["low"] == 200
    assert _run(capsys, "list")[1].count("\n") == len(sounds)


def test_a_sound_is_made_with_its_knobs_and_made_again_to_the_byte(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second, heavier = (tmp_path / f"{name}.wav" for name in "abc")
    for target, more in ((first, ()), (second, ()), (heavier, ("--drops-per-s=5000", "--distance_m", "1"))):
        code, out, err = _run(capsys, "make", "rain", "--seed", 3, "--duration", 1.25, "-o", target, *more)
        assert (code, err) == (0, "")
        assert out.startswith(str(target))
    assert first.read_bytes() == second.read_bytes() != heavier.read_bytes()
    sound, rate_hz = soundfile.read(first)
    assert (len(sound), rate_hz) == (60_000, 48_000)
    assert np.abs(sound).max() == pytest.approx(10 ** (-1 / 20), abs=1e-4)


def test_what_was_made_is_told_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "wind.flac"
    _, out, _ = _run(
        capsys, "make", "wind", "--duration", 0.5, "--rate", 16_000, "-o", target, "--speed_m_s", 20, "--json"
    )
    told = json.loads(out)
    assert told["knobs"] == {"speed_m_s": 20.0, "gust_per_s": 0.5, "whistle_ratio": 0.3}
    assert soundfile.info(target).samplerate == 16_000


def test_a_sound_is_described(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = _run(capsys, "describe", "thunder")
    assert "--distance_m  150 to 4000 m, usually 700" in out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("describe", "rian"), "there is no sound 'rian'; the nearest are rain, "),
        (("make", "rain", "-o", "x.wav", "--drop", "3"), "rain has no knob 'drop'; the nearest are drops_per_s"),
        (("make", "rain", "-o", "x.wav", "--drops_per_s", "3"), "drops_per_s of rain is 3; allowed is 200 to 6000"),
        (("make", "rain", "-o", "x.wav", "--drops_per_s", "many"), "--drops_per_s is 'many', which is no number"),
        (("make", "rain", "-o", "x.wav", "--drops_per_s"), "--drops_per_s is given without a value"),
        (("make", "rain", "-o", "x.wav", "loud"), "'loud' is neither an option nor a knob of rain"),
        (("make", "rain", "-o", "x.mp3"), "the sound file ends in '.mp3'"),
        (("make", "rain", "-o", "x.wav", "--duration", "0"), "--duration is 0 s"),
        (("make", "rain", "-o", "x.wav", "--rate", "8000"), "the rate is 8000 Hz; allowed is 16000 to 96000"),
        (("list", "--family", "cars"), "--family is 'cars'; allowed are nature"),
    ],
)
def test_bad_input_is_answered_in_one_sentence(
    arguments: tuple[str, ...],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, err = _run(capsys, *arguments)
    assert (code, out) == (2, "")
    assert said in err
    assert err.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_a_prompt_is_parsed(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = _run(capsys, "parse", "heavy rain on a tin roof, purple thunder far away", "--json")
    told = json.loads(out)
    assert code == 0
    assert [layer["sound"] for layer in told["layers"]] == ["rain_on_roof", "thunder"]
    assert told["ignored"] == ["purple (not understood)"]
    code, out, _ = _run(capsys, "parse", told["told"])
    assert (code, out) == (0, told["told"] + "\n")
    code, out, _ = _run(capsys, "parse", "rain, a piano, no dogs", "--without", "music")
    assert out.splitlines()[1].startswith("ignored: piano (left out by without: music)")
    assert "not heard: dog" in out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("zxqv",), "names a sound in English; the nearest are "),
        (("",), "prompt is empty"),
        (("x" * 10_000,), "prompt has 10000 letters; allowed are 1000"),
        (("thunder, distence_m 3",), "thunder has no knob 'distence_m'; the nearest are distance_m"),
        (("rain", "--without", "musik"), "the nearest are music"),
        (("guitar", "--without", "music"), "which without (music) leaves out"),
    ],
)
def test_a_prompt_that_is_not_understood(
    arguments: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = _run(capsys, "parse", *arguments)
    assert (code, out) == (2, "")
    assert said in err
    assert err.count("\n") == 1
