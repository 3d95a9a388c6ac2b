"""Values that carry arrays: a wrong shape fails where it is made, and is printed."""

from __future__ import annotations

import numpy as np
import pytest

from synth.voices.base import Controls, Rendering
from synth.voices.hits.detector import Heard


def test_shapes_are_printed_instead_of_numbers() -> None:
    made = repr(Rendering(np.zeros((480, 2), np.float32)))
    assert "sound=float32[480, 2]" in made
    assert "track=None" in repr(Controls(1.0))


def test_one_of_several_shapes_is_enough() -> None:
    Rendering(np.zeros(3, np.float32))
    with pytest.raises(ValueError, match=r"sound of Rendering has the shape \[3, 5\]; allowed is \[N\] or \[N, 2\]"):
        Rendering(np.zeros((3, 5), np.float32))


def test_the_same_letter_is_the_same_length() -> None:
    rows = np.zeros((4, 42), np.float32), np.zeros((4, 17), np.float32)
    Heard(np.zeros(4, np.float32), *rows)
    with pytest.raises(ValueError, match=r"cochleagram of Heard has the shape \[4, 42\]; allowed is .* with S = 5"):
        Heard(np.zeros(5, np.float32), *rows)
