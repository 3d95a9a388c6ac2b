"""Files that somebody searches with: told apart by what they are, refused with a sentence."""

from __future__ import annotations

import io
import zlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from synth.errors import MediaError
from synth.media import audio
from synth.search import query
from tests.support.embedders import LightsAndLevels
from workers.tasks import search_answers

RATE_HZ = 22_050


@pytest.fixture(autouse=True)
def lights(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search_answers, "embedder", LightsAndLevels)


def picture(path: Path, size: tuple[int, int] = (320, 200), **how: Any) -> Path:
    """Red on the left, blue on the right."""
    image = Image.new("RGB", size, "red")
    image.paste((0, 0, 255), (size[0] // 2, 0, *size))
    image.save(path, **how)
    return path


def tone(path: Path, duration_s: float = 1.0) -> Path:
    moments = np.arange(round(duration_s * RATE_HZ)) / RATE_HZ
    audio.write(path, (0.5 * np.sin(2 * np.pi * 440 * moments)).astype(np.float32), RATE_HZ)
    return path


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_pictures_are_read_whatever_their_name(tmp_path: Path, kind: str) -> None:
    found = query.read(picture(tmp_path / "whatever", format=kind, quality=95))
    assert (found.kind, found.sound) == ("picture", None)
    assert found.pictures is not None
    assert found.pictures.shape == (1, 224, 224, 3)
    left, right = found.pictures[0, 100, 20].astype(int), found.pictures[0, 100, 200].astype(int)
    assert left[0] > 200 > 60 > left[2]
    assert right[2] > 200 > 60 > right[0]


def test_a_picture_that_lies_on_its_side_is_put_upright(tmp_path: Path) -> None:
    turned = Image.Exif()
    turned[0x0112] = 6  # to be turned clockwise: left becomes top
    found = query.read_picture(picture(tmp_path / "a.jpg", quality=95, exif=turned))
    assert found[20, 100, 0] > 200
    assert found[200, 100, 2] > 200


def test_grey_and_transparent_pictures_have_three_channels(tmp_path: Path) -> None:
    Image.new("L", (40, 40), 200).save(tmp_path / "grey.png")
    Image.new("RGBA", (40, 40), (9, 9, 9, 0)).save(tmp_path / "clear.png")
    for name in ("grey.png", "clear.png"):
        assert query.read_picture(tmp_path / name).shape == (224, 224, 3)


def test_a_clip_gives_pictures_and_its_sound(flash_clip: Path, tmp_path: Path) -> None:
    silent = query.read(flash_clip)
    assert (silent.kind, silent.sound) == ("clip", None)
    assert silent.pictures is not None
    assert silent.pictures.shape == (query.PICTURES, 224, 224, 3)


def test_a_sound_is_read_by_its_content(tmp_path: Path) -> None:
    for name in ("a.wav", "a.flac"):
        found = query.read(tone(tmp_path / name))
        assert (found.kind, found.pictures) == ("sound", None)
        assert found.sound is not None
        assert len(found.sound[0]) / found.sound[1] == pytest.approx(1.0, abs=0.01)


def blank_png(width: int, height: int) -> bytes:
    """The header of a picture of any size."""
    held = io.BytesIO()
    Image.new("L", (1, 1)).save(held, "PNG")
    data = bytearray(held.getvalue())
    data[16:24] = width.to_bytes(4, "big") + height.to_bytes(4, "big")
    data[29:33] = zlib.crc32(bytes(data[12:29])).to_bytes(4, "big")
    return bytes(data)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "empty"),
        (b"hello, I am a text and nothing else\n" * 50, "."),
        (b"\xff\xd8\xff" + bytes(500), "picture is damaged"),
        (b"\x89PNG\r\n\x1a\n" + bytes(500), "picture is damaged"),
        (blank_png(60_000, 60_000), "picture is far too large; allowed are"),
        (blank_png(17_000, 10), "picture is 17000 x 10 pixels; allowed are"),
        (b"GIF89a" + bytes(100), "."),
    ],
)
def test_what_cannot_be_searched_with_is_refused_with_a_sentence(
    tmp_path: Path, content: bytes, complaint: str
) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(MediaError, match=complaint) as caught:
        query.read(path)
    assert str(tmp_path) not in str(caught.value)


def test_a_cut_picture_is_refused(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(255, size=(300, 300, 3), dtype=np.uint8)
    assert cv2.imwrite(str(tmp_path / "a.png"), noise)
    whole = (tmp_path / "a.png").read_bytes()
    (tmp_path / "b.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(MediaError, match="damaged"):
        query.read_picture(tmp_path / "b.png")


def test_what_is_too_short_or_too_long_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, flash_clip: Path
) -> None:
    with pytest.raises(MediaError, match=r"lasts 0.01 s; allowed are 0.05 to 600 s"):
        query.read(tone(tmp_path / "short.wav", 0.01))
    monkeypatch.setattr(query, "MAX_CLIP_S", 1.0)
    with pytest.raises(MediaError, match=r"2\.0\d* s"):
        query.read(flash_clip)


def test_an_answer_has_what_is_there_or_what_is_asked_for(tmp_path: Path, flash_clip: Path) -> None:
    def sides(path: Path, by: str | None) -> list[str]:
        return [vector["side"] for vector in search_answers.answer(path, by, lambda: False)["vectors"]]

    still, sound = picture(tmp_path / "a.png"), tone(tmp_path / "a.wav")
    assert sides(still, None) == sides(still, "picture") == ["picture"]
    assert sides(sound, None) == sides(sound, "sound") == ["sound"]
    assert sides(flash_clip, None) == ["picture"]
    with pytest.raises(MediaError, match="the file is a picture without sound"):
        sides(still, "sound")
    with pytest.raises(MediaError, match="the file is a sound without picture"):
        sides(sound, "picture")
    (vector,) = search_answers.answer(sound, None, lambda: False)["vectors"]
    assert np.linalg.norm(vector["values"]) == pytest.approx(1.0, abs=1e-4)
