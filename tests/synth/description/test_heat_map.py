"""Maps of where the sound comes from, as colour over the picture."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from synth.cli import listening
from synth.cli.app import main
from synth.description import heat_map
from synth.errors import MediaError, OptionError, WeightsError
from synth.media import audio, video
from tests.conftest import FLASH_CLIP_S
from tests.support.describers import FlashDescriber
from tests.support.voices import FlashVoice

SIDE = 14


def spot(x: int, y: int, high: float = 1.0) -> heat_map.Map:
    """A map with one soft spot."""
    rows, columns = np.mgrid[:SIDE, :SIDE]
    return np.asarray(high * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / 4), np.float32)


def read(path: Path) -> heat_map.Picture:
    with Image.open(path) as opened:
        return np.asarray(opened)


def grey(height: int = 140, width: int = 280) -> heat_map.Picture:
    return np.full((height, width, 3), 90, np.uint8)


def test_more_is_lighter_all_along_the_scale() -> None:
    scale = heat_map.colours()
    assert scale.shape == (256, 3)
    lightness = cv2.cvtColor((scale[None] / 255).astype(np.float32), cv2.COLOR_RGB2LAB)[0, :, 0]
    steps = np.diff(lightness[::8])
    assert steps.min() > 0.6 * steps.mean()
    assert steps.max() < 1.4 * steps.mean()
    assert len(np.unique(scale, axis=0)) > 240


def test_where_nothing_sounds_the_picture_stays_as_it_is() -> None:
    picture = grey()
    for strength in (np.zeros((SIDE, SIDE), np.float32), np.full((SIDE, SIDE), 0.29, np.float32)):
        assert np.array_equal(heat_map.overlay(picture, strength), picture)
    coloured = heat_map.overlay(picture, spot(3, 3))
    assert np.array_equal(coloured[100:, 150:], picture[100:, 150:])
    assert not np.array_equal(coloured, picture)
    assert np.array_equal(picture, grey()), "the picture itself was painted on"


@pytest.mark.parametrize(("x", "y"), [(3, 10), (0, 0), (13, 13), (9, 2)])
def test_the_colour_lies_where_the_map_is_high(x: int, y: int) -> None:
    picture = grey()
    change = np.abs(heat_map.overlay(picture, spot(x, y)).astype(int) - picture).sum(axis=2)
    rows, columns = np.nonzero(change > 0.8 * change.max())
    assert columns.mean() / 280 == pytest.approx((x + 0.5) / SIDE, abs=0.06)
    assert rows.mean() / 140 == pytest.approx((y + 0.5) / SIDE, abs=0.06)


def test_a_stronger_map_covers_more() -> None:
    covers = [float(heat_map.cover(spot(7, 7, high)).sum()) for high in (0.2, 0.4, 0.6, 0.8, 1.0)]
    assert covers[0] == 0
    assert all(a < b for a, b in itertools.pairwise(covers[1:]))


def test_between_two_pictures_the_map_is_between_theirs() -> None:
    maps = np.stack([spot(2, 2), spot(11, 2), spot(11, 11)])
    times_s = (1.0, 2.0, 4.0)
    assert np.array_equal(heat_map.at(maps, times_s, 0.0), maps[0])
    assert np.array_equal(heat_map.at(maps, times_s, 9.0), maps[2])
    assert heat_map.at(maps, times_s, 3.0) == pytest.approx((maps[1] + maps[2]) / 2)
    assert heat_map.at(maps, times_s, 1.25) == pytest.approx(0.75 * maps[0] + 0.25 * maps[1])
    assert heat_map.strongest(np.stack([spot(1, 1, 0.3), spot(1, 1, 0.9), spot(1, 1, 0.5)])) == 1


def test_the_stills_are_those_of_their_moments(flash_clip: Path) -> None:
    times_s = (0.1, 0.55, 0.9, 1.25, FLASH_CLIP_S)
    pictures = heat_map.stills(flash_clip, times_s)
    assert pictures.shape == (5, 48, 64, 3)
    assert [bool(picture.mean() > 128) for picture in pictures] == [False, True, False, True, False]
    assert heat_map.stills(flash_clip, (1.0,), width=33).shape == (1, 24, 32, 3)


def test_few_frames_are_read_of_a_long_clip(flash_clip: Path) -> None:
    info = replace(video.probe(flash_clip), duration_s=3600.0, frames=108_000)
    even = [(2 * number + 1) * 300.0 for number in range(6)]
    assert heat_map._sparsest(even, info) == pytest.approx(2 / 600)
    assert heat_map._sparsest([0.1, 0.5, 0.925], info) == info.rate_fps, "no rate but the clip's own has them all"


def test_pictures_are_written_as_jpeg(flash_clip: Path, tmp_path: Path) -> None:
    times_s = (0.2, 1.0, 1.8)
    pictures = heat_map.stills(flash_clip, times_s)
    maps = np.stack([spot(2, 2, 0.1), spot(11, 11), spot(2, 2, 0.2)])
    heat_map.write_strongest(pictures, maps, tmp_path / "one.jpg")
    one = read(tmp_path / "one.jpg")
    assert one.shape == (48, 64, 3)
    assert one[34:44, 46:60].mean() > one[:20, :30].mean() + 40
    heat_map.write_sheet(pictures, {"avol": maps, "attention": maps}, tmp_path / "sheet.jpg")
    assert read(tmp_path / "sheet.jpg").shape == (2 * 120, 3 * heat_map.CELL_WIDTH, 3)


def test_the_video_has_the_clips_length_and_sound_and_the_moving_map(flash_clip: Path, tmp_path: Path) -> None:
    rate_hz = 22_050
    tone = (0.3 * np.sin(np.arange(int(FLASH_CLIP_S * rate_hz)) * 0.2)).astype(np.float32)
    voiced = tmp_path / "voiced.mp4"
    video.write_frames(
        video.read_frames(flash_clip, rate_hz=30, width=64, height=48),
        voiced,
        rate_fps=30,
        sound=tone,
        sound_rate_hz=rate_hz,
    )
    maps = np.stack([spot(2, 7), spot(11, 7)])
    heat_map.write_video(voiced, maps, (0.0, FLASH_CLIP_S), tmp_path / "over.mp4")
    info = video.probe(tmp_path / "over.mp4")
    assert (info.width, info.height, info.frames) == (64, 48, 60)
    sound, _ = audio.read(tmp_path / "over.mp4", rate_hz)
    assert np.corrcoef(sound[2000:30_000], tone[2000:30_000])[0, 1] > 0.99
    frames = list(video.read_frames(tmp_path / "over.mp4", rate_hz=30, width=64, height=48))
    for frame, left in ((frames[3], True), (frames[-3], False)):
        sides = frame[:, :24].mean(), frame[:, 40:].mean()
        assert bool(sides[0] > sides[1]) is left


def test_maps_are_kept_small_and_found_again(tmp_path: Path) -> None:
    maps = {"avol": np.stack([spot(2, 2), spot(5, 5)]), "attention": np.stack([spot(9, 2), spot(5, 9)])}
    heat_map.save(maps, (0.5, 1.5), tmp_path / "maps.npz")
    found, times_s = heat_map.load(tmp_path / "maps.npz")
    assert times_s == (0.5, 1.5)
    assert set(found) == set(maps)
    for name, wanted in maps.items():
        assert found[name] == pytest.approx(wanted, abs=1e-3)
    (tmp_path / "other.npz").write_text("no maps")
    with pytest.raises(MediaError, match=r"other\.npz holds no heat maps"):
        heat_map.load(tmp_path / "other.npz")


def test_maps_that_do_not_belong_are_refused(tmp_path: Path) -> None:
    pictures = np.stack([grey(), grey()])
    for wrong in (spot(1, 1)[None], 2 * np.stack([spot(1, 1)] * 2), np.full((2, SIDE, SIDE), np.nan, np.float32)):
        with pytest.raises(OptionError, match="the maps"):
            heat_map.write_strongest(pictures, wrong, tmp_path / "no.jpg")
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def eye(monkeypatch: pytest.MonkeyPatch) -> FlashDescriber:
    made = FlashDescriber()
    monkeypatch.setattr(listening, "describer", lambda: made)
    return made


@pytest.fixture
def voiced(flash_clip: Path, flash_voice: FlashVoice, tmp_path: Path) -> Path:
    """The flashes with clicks under them."""
    assert main(["run", str(flash_clip), "-o", str(tmp_path / "voiced.mp4")]) == 0
    return tmp_path / "voiced.mp4"


@pytest.mark.parametrize("name", ["over.mp4", "over.jpg"])
def test_the_command_line_shows_where_a_sound_comes_from(
    voiced: Path, eye: FlashDescriber, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    capsys.readouterr()
    order = ["heat-map", str(voiced), "-o", str(tmp_path / name), "--method", "attention"]
    assert main([*order, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["method"] == "attention"
    assert told["firmness"] > heat_map.FIRM
    if name.endswith("mp4"):
        assert video.probe(tmp_path / name).frames == 60
    else:
        assert read(tmp_path / name).shape == (48, 64, 3)
    assert main(order) == 2
    assert "--force replaces it" in capsys.readouterr().err
    assert main([*order, "--force"]) == 0
    assert "firmly" in capsys.readouterr().out


def test_what_has_no_heat_map_is_said(
    flash_clip: Path, eye: FlashDescriber, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["heat-map", str(flash_clip), "-o", str(tmp_path / "over.mp4")]) == 2
    assert "has no sound" in capsys.readouterr().err
    assert main(["heat-map", str(flash_clip), "-o", str(tmp_path / "over.gif")]) == 2
    assert "ends in '.gif'; allowed are .mp4" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_run_describes_what_it_made(
    flash_clip: Path,
    flash_voice: FlashVoice,
    eye: FlashDescriber,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    order = ["run", str(flash_clip), "--takes", "2", "--describe"]
    assert main([*order, "-o", str(tmp_path / "a"), "--json"]) == 0
    outputs = json.loads(capsys.readouterr().out)["outputs"]
    assert sorted(output["description"]["rank"] for output in outputs) == [1, 2]
    assert outputs[0]["description"]["tags"][0]["name"] == "crackling fire"
    assert main([*order, "-o", str(tmp_path / "b")]) == 0
    out = capsys.readouterr().out
    assert out.index("number 1 of 2") < out.index("number 2 of 2")
    assert "crackling fire" in out

    def fail() -> None:
        raise WeightsError("the weights ave are not installed")

    eye.before = fail
    assert main([*order, "-o", str(tmp_path / "c"), "--json"]) == 0
    told = capsys.readouterr()
    assert "not described: the weights ave are not installed" in told.err
    assert json.loads(told.out)["outputs"][0]["description"] is None
