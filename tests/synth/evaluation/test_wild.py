"""The judge of wild clips: agreement and divergence on rows made by hand, and what is kept between two runs."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from synth.errors import OptionError
from synth.evaluation.ambient import wild
from synth.evaluation.ambient.wild import Judged, divergence, evaluate_wild, pink_noise
from synth.evaluation.ambient.yamnet import YamNet, installed_yamnet
from synth.media import video
from synth.options import ExistingSound

YAMNET = installed_yamnet()
needs_yamnet = pytest.mark.skipif(isinstance(YAMNET, str), reason=str(YAMNET))


def heard(yamnet: YamNet, **likely: float) -> np.ndarray:
    """Probabilities of names, with spaces for underscores; nothing else."""
    row = np.zeros(len(yamnet.names), np.float32)
    for name, value in likely.items():
        row[yamnet.names.index(name.replace("_", " "))] = value
    return row


@needs_yamnet
def test_the_likeliest_of_either_has_to_be_among_the_others_five() -> None:
    assert isinstance(YAMNET, YamNet)
    dog = heard(YAMNET, Dog=0.9, Bark=0.8, Animal=0.7, Growling=0.6, Howl=0.5, Cat=0.4)
    assert Judged.of(dog, dog, YAMNET) == Judged(True, True, 0.0)
    assert Judged.of(heard(YAMNET, Howl=0.9, Train=0.3), dog, YAMNET).hit
    assert Judged.of(heard(YAMNET, Train=0.9, Dog=0.3), dog, YAMNET).hit
    assert not Judged.of(heard(YAMNET, Train=0.9, Rain=0.3), dog, YAMNET).hit
    sixth = heard(YAMNET, Dog=0.9, Bark=0.8, Animal=0.7, Growling=0.6, Howl=0.5, Cat=0.4)
    assert not Judged.of(heard(YAMNET, Cat=0.9, Train=0.3, Rain=0.2, Wind=0.1, Bus=0.1), sixth, YAMNET).hit


@needs_yamnet
def test_broad_names_are_no_specific_agreement() -> None:
    assert isinstance(YAMNET, YamNet)
    found = Judged.of(heard(YAMNET, Music=0.9, Piano=0.5), heard(YAMNET, Music=0.9, Trumpet=0.5), YAMNET)
    assert found.hit
    assert not found.specific


def test_divergence_is_nought_for_the_same_and_grows() -> None:
    one, near, far = np.array([0.9, 0.1, 0.0]), np.array([0.8, 0.2, 0.0]), np.array([0.0, 0.1, 0.9])
    assert divergence(one, one) == pytest.approx(0)
    assert 0 < divergence(one, near) < divergence(one, far)
    by_hand = 0.9 / 1.0003 * np.log(0.9001 / 0.8001)
    assert divergence(one, near) == pytest.approx(by_hand + 0.1001 / 1.0003 * np.log(0.1001 / 0.2001), abs=1e-3)


def test_pink_noise_has_as_much_power_in_each_octave() -> None:
    power = np.square(np.abs(np.fft.rfft(pink_noise(160_000))))
    hz = np.fft.rfftfreq(160_000, 1 / 16_000)
    octaves = [power[(hz >= low) & (hz < 2 * low)].sum() for low in (250, 500, 1000, 2000, 4000)]
    assert max(octaves) / min(octaves) < 1.3


@needs_yamnet
def test_clips_are_sounded_once_and_kept(tmp_path: Path, flash_clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data, out = tmp_path / "data", tmp_path / "out"
    data.mkdir()
    video.remux(flash_clip, pink_noise(32_000), 16_000, data / "one.mkv", existing=ExistingSound.REPLACE)
    (data / "notes.txt").write_text("no clip")
    first = evaluate_wild(data, out)
    assert first["clips"] == 1
    assert (out / "one.mkv").is_file()
    assert json.loads((out / wild.REPORT).read_text()) == first
    monkeypatch.setattr(wild, "sonorize", lambda *_args, **_more: pytest.fail("it was sounded again"))
    assert evaluate_wild(data, out, beside=out)["beside"]["beside"]["hit@5"] == first["ours"]["hit@5"]


@needs_yamnet
def test_a_folder_without_clips_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="holds no video"):
        evaluate_wild(tmp_path, None)
