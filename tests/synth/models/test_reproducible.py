"""The same samples whatever the threads: of the networks one by one, and of every mode from picture to sound."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from synth import weights
from synth.media import audio
from synth.models.imagenet import ImageNetEye
from synth.models.reproducible import reproducible_inference
from synth.options import Mode, Options, Synthesis
from synth.pipeline.sonorize import sonorize
from synth.voices.speech import lip_reading, voice
from tests.support.paths import SHARED_DATA

THREADS = (1, 2, 3)

Floats = NDArray[np.float32]


@pytest.fixture(autouse=True)
def _threads_as_before() -> Iterator[None]:
    before = torch.get_num_threads(), cv2.getNumThreads()
    yield
    torch.set_num_threads(before[0])
    cv2.setNumThreads(before[1])


def with_each(make: Callable[[], Any]) -> list[Any]:
    found = []
    for threads in THREADS:
        torch.set_num_threads(threads)
        cv2.setNumThreads(threads)
        found.append(make())
    return found


def blobs(count: int, side: int, channels: int = 1) -> NDArray[np.uint8]:
    """Soft spots that move, [count, side, side] or [count, side, side, channels]."""
    random = np.random.default_rng(0)
    pictures = [cv2.GaussianBlur(random.integers(0, 255, (side, side, channels), np.uint8), (5, 5), 2)]
    for _ in range(count - 1):
        pictures.append(np.roll(pictures[-1], 1, axis=1))
    shape = (count, side, side) if channels == 1 else (count, side, side, channels)
    return np.asarray(np.stack(pictures), np.uint8).reshape(shape)


def test_lips_are_read_the_same() -> None:
    """A matrix product over 2048 numbers follows the convolutions: MKL splits its sum."""
    network = voice.load(voice.DEFAULT_VOICE).network

    def read() -> tuple[Floats, Floats]:
        mel = lip_reading.predict(network, blobs(100, 64), mirrored=True)
        return mel, lip_reading.linear_of(network, mel, 0, len(mel))

    first, *others = with_each(read)
    for other in others:
        assert np.array_equal(other[0], first[0])
        assert np.array_equal(other[1], first[1])


@pytest.mark.parametrize("count", [1, 3, 8])
def test_pictures_are_seen_the_same(count: int) -> None:
    """1 x 1 convolutions of fewer than 16 pictures are another algorithm on one thread."""
    eye = ImageNetEye(weights.load_imagenet())
    first, *others = with_each(lambda: eye(blobs(count, 96, 3)))
    assert all(np.array_equal(other, first) for other in others)


def test_threads_that_overlap_give_back_what_was_there() -> None:
    """The second begins while the first is on one thread, and ends after it."""
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    inside, over = threading.Event(), threading.Event()
    found: list[int] = []

    def second() -> None:
        with reproducible_inference(), reproducible_inference():
            inside.set()
            assert over.wait(60)
            found.append(torch.get_num_threads())
        found.append(torch.get_num_threads())

    try:
        with reproducible_inference():
            other = threading.Thread(target=second)
            other.start()
            assert inside.wait(60)
        over.set()
        other.join()
        third = threading.Thread(target=lambda: found.append(torch.get_num_threads()))
        third.start()
        third.join()
        assert (found, torch.get_num_threads()) == ([1, 3, 3], 3)
    finally:
        torch.set_num_threads(before)


def test_threads_are_given_back() -> None:
    torch.set_num_threads(3)
    with reproducible_inference():
        assert torch.is_inference_mode_enabled()
        assert torch.get_num_threads() == 1
        with reproducible_inference():
            assert torch.get_num_threads() == 1
        assert torch.get_num_threads() == 1
    with pytest.raises(RuntimeError), reproducible_inference():
        torch.nn.Linear(2, 2)(torch.zeros(3))
    assert torch.get_num_threads() == 3
    assert not torch.is_inference_mode_enabled()


@pytest.mark.real_data
@pytest.mark.skipif(not SHARED_DATA.is_dir(), reason="the real clips are not here")
@pytest.mark.parametrize(
    ("clips", "options"),
    [
        ("greatest_hits/clips/*", Options(mode=Mode.HITS)),
        ("greatest_hits/clips/*", Options(mode=Mode.HITS, synthesis=Synthesis.PARAMETRIC)),
        ("greatest_hits/clips/*", Options(mode=Mode.AUTO)),
        ("wild/*.mkv", Options(mode=Mode.AMBIENT)),
        ("grid/s1/*.mkv", Options(mode=Mode.SPEECH)),
        ("grid/s1/*.mkv", Options(mode=Mode.AUTO)),
    ],
    ids=["hits", "hits, parametric", "auto, hits", "ambient", "speech", "auto, speech"],
)
def test_every_mode_sounds_the_same(clips: str, options: Options, tmp_path: Path) -> None:
    same_for_each(sorted(SHARED_DATA.glob(clips))[0], tmp_path, options)


def same_for_each(clip: Path, folder: Path, options: Options) -> None:
    def sound() -> Floats:
        target = folder / f"{torch.get_num_threads()}.mkv"
        sonorize(clip, target, options)
        return audio.read(target)[0]

    first, *others = with_each(sound)
    assert np.abs(first).max() > 0
    assert all(np.array_equal(other, first) for other in others)
