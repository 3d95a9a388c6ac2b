"""Which voice a clip wants: rules on glances made by hand, and the real networks on scenes that are drawn."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from synth.data.strike_scenes import simulate
from synth.errors import Cancelled
from synth.media import video
from synth.models.vocabulary.imagenet import NAMES
from synth.models.vocabulary.sound_selector import word_probabilities
from synth.options import Mode
from synth.pipeline.modes import MODES
from synth.routing import glance, router
from synth.routing.glance import FaceLook, Glance, Window
from synth.voices.ambient.image_cues import CUES

QUIET, LOUD = 0.05, 0.095


def window(start_s: float, loudness: float, word: str, *, hits_s: Sequence[float] = ()) -> Window:
    """Two seconds in which the packaged network is sure of a word."""
    logits = np.zeros(1000, np.float32)
    logits[NAMES.index(word)] = 12.0
    onset = np.zeros(180, np.float32)
    for time_s in hits_s:
        onset[round(time_s * 90) - 4 : round(time_s * 90) + 5] = 1.0
    level = np.full(180, loudness, np.float32)
    words = word_probabilities(logits[None])
    return Window(start_s, start_s + 2.0, onset, level, logits, words, dict.fromkeys(CUES, 0.0))


def looks(times_s: Sequence[float], height: float = 0.4, mouth: float = 0.08) -> tuple[FaceLook, ...]:
    return tuple(FaceLook(time_s, height, mouth, 0.05) for time_s in times_s)


NOBODY = (0.0, 0.0)


def test_a_talking_face_wants_speech() -> None:
    seen = Glance(3.0, (), looks((0.0, 1.0, 2.0)), (window(0.0, QUIET, "lab coat"),))
    found = router.route(seen, router.VOICES)
    assert found.mode is Mode.SPEECH
    assert found.probabilities[Mode.SPEECH] > 0.8
    assert found.reason == "a talking face was found for 3.0 of 3.0 s"
    assert sum(found.probabilities.values()) == pytest.approx(1)
    assert len(found.ranges) == 1


@pytest.mark.parametrize(
    "faces",
    [looks((0.0, 1.0, 2.0), mouth=0.005), looks((0.0, 1.0, 2.0), height=0.08), looks((0.0, 1.0, 2.0), *NOBODY)],
    ids=["still", "far", "none"],
)
def test_a_face_that_does_not_talk_wants_none(faces: tuple[FaceLook, ...]) -> None:
    found = router.route(Glance(3.0, (), faces, (window(0.0, QUIET, "lab coat"),)), router.VOICES)
    assert found.mode is not Mode.SPEECH


def test_who_blows_a_trumpet_does_not_talk() -> None:
    found = router.route(Glance(3.0, (), looks((0.0, 1.0, 2.0)), (window(0.0, QUIET, "cornet"),)), router.VOICES)
    assert found.mode is not Mode.SPEECH


def test_impacts_want_hits() -> None:
    seen = Glance(2.0, (), looks((0.0, 1.0), *NOBODY), (window(0.0, LOUD, "drumstick", hits_s=(0.4, 1.0, 1.6)),))
    found = router.route(seen, router.VOICES)
    assert found.mode is Mode.HITS
    assert found.probabilities[Mode.HITS] > 0.8
    assert found.reason == "impacts at 1.5 a second"


def test_a_scene_wants_its_ambient_sound() -> None:
    seen = Glance(2.0, (), looks((0.0, 1.0), *NOBODY), (window(0.0, QUIET, "cock"),))
    found = router.route(seen, router.VOICES)
    assert found.mode is Mode.AMBIENT
    assert found.reason.startswith("the scene looks like")
    assert found.as_json()["ranges"][0]["reason"] == found.reason


def test_without_the_voice_that_fits_the_next_one_is_taken_and_it_is_said() -> None:
    seen = Glance(3.0, (), looks((0.0, 1.0, 2.0)), (window(0.0, QUIET, "lab coat"),))
    found = router.route(seen, (Mode.HITS, Mode.AMBIENT))
    assert found.mode is Mode.AMBIENT
    assert "; speech would fit better (" in found.reason
    assert found.reason.endswith("but has no voice in this release")
    assert found.probabilities[Mode.SPEECH] > 0.8


def test_a_cut_from_hits_to_a_face_gives_two_ranges() -> None:
    faces = (*looks((0.0, 1.0, 2.0, 3.0), *NOBODY), *looks((4.0, 5.0, 6.0)))
    windows = (window(0.0, LOUD, "drumstick", hits_s=(0.5, 1.5)), window(4.0, QUIET, "lab coat"))
    found = router.route(Glance(7.0, (4.0,), faces, windows), router.VOICES)
    assert [(one.start_s, one.end_s, one.mode) for one in found.ranges] == [
        (0.0, 4.0, Mode.HITS),
        (4.0, 7.0, Mode.SPEECH),
    ]
    assert found.ranges[1].reason == "a talking face was found for 3.0 of 3.0 s"


def test_ranges_are_no_shorter_than_a_second_and_fill_the_clip() -> None:
    faces = (*looks((0.0, 1.0, 2.0), *NOBODY), *looks((3.0, 4.0, 5.0)))
    windows = (window(0.0, LOUD, "drum", hits_s=(0.5,)), window(2.4, QUIET, "lab coat"))
    cuts_s = (0.4, 0.9, 2.4, 2.9, 3.1, 5.7)
    found = router.route(Glance(6.0, cuts_s, faces, windows), router.VOICES)
    assert found.ranges[0].start_s == 0
    assert found.ranges[-1].end_s == 6.0
    assert all(before.end_s == after.start_s for before, after in zip(found.ranges, found.ranges[1:], strict=False))
    assert min(one.end_s - one.start_s for one in found.ranges) >= router.SHORTEST_S


def test_a_clip_of_nothing_has_an_answer() -> None:
    found = router.route(Glance(0.2, (), (), ()), router.VOICES)
    assert len(found.ranges) == 1
    assert (found.ranges[0].start_s, found.ranges[0].end_s) == (0.0, 0.2)


def test_frames_are_neither_distorted_nor_enlarged(flash_clip: Path) -> None:
    info = video.probe(flash_clip)
    assert glance.frame_size(info) == (info.width, info.height) == (64, 48)


@pytest.fixture(scope="module")
def struck(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A drawn scene of hits on wood."""
    scene = simulate.draw_scene(3, duration_s=3.0, rate_fps=15.0, material="wood")
    target = tmp_path_factory.mktemp("scenes") / "struck.mp4"
    video.write_frames(simulate.render_frames(scene, width=192, height=144), target, rate_fps=15.0)
    return target


def test_a_drawn_scene_of_hits_is_routed_to_hits(struck: Path) -> None:
    modes = tuple(MODES)
    found = router.route_clip(struck, video.probe(struck), modes)
    assert found.mode is Mode.HITS
    assert found == router.route_clip(struck, video.probe(struck), modes)


def test_choosing_can_be_cancelled(struck: Path) -> None:
    with pytest.raises(Cancelled):
        router.route_clip(struck, video.probe(struck), tuple(MODES), cancelled=lambda: True)


@pytest.mark.parametrize("word", ["acoustic guitar", "cello", "trombone", "grand piano", "revolver", "pitcher"])
def test_what_ambient_sound_has_a_class_for_is_no_longer_struck(word: str) -> None:
    seen = Glance(2.0, (), looks((0.0, 1.0), *NOBODY), (window(0.0, LOUD, word, hits_s=(0.4, 1.0)),))
    found = router.route(seen, router.VOICES)
    assert found.mode is Mode.AMBIENT
    assert found.reason.startswith("the scene looks like")


@pytest.mark.parametrize("word", ["accordion", "diaper", "frying pan", "sax"])
def test_a_mouth_that_moves_at_an_instrument_food_or_a_baby_does_not_talk(word: str) -> None:
    seen = Glance(3.0, (), looks((0.0, 1.0, 2.0)), (window(0.0, QUIET, word),))
    assert router.route(seen, router.VOICES).mode is Mode.AMBIENT


def test_who_talks_before_a_scene_that_is_less_clear_talks() -> None:
    one = window(0.0, QUIET, "seashore")
    unsure = Window(one.start_s, one.end_s, one.onset, one.loudness, one.logits * 0, one.words * 0.3, one.cues)
    assert router.route(Glance(3.0, (), looks((0.0, 1.0, 2.0)), (unsure,)), router.VOICES).mode is Mode.SPEECH
    still = looks((0.0, 1.0, 2.0), mouth=0.005)
    assert router.route(Glance(3.0, (), still, (unsure,)), router.VOICES).mode is Mode.AMBIENT


def test_a_stick_that_strikes_stays_hits_unless_the_picture_is_clear() -> None:
    one = window(0.0, LOUD, "photocopier", hits_s=(0.4, 1.0, 1.6))
    unsure = Window(one.start_s, one.end_s, one.onset, one.loudness, one.logits * 0, one.words * 0.3, one.cues)
    assert router.route(Glance(2.0, (), looks((0.0, 1.0), *NOBODY), (unsure,)), router.VOICES).mode is Mode.HITS


@pytest.mark.parametrize("word", ["drum", "cleaver", "hatchet", "hammer"])
def test_single_impacts_that_are_clearly_seen_are_hits_whatever_is_struck(word: str) -> None:
    struck = window(0.0, LOUD, word, hits_s=(0.4, 1.0, 1.6))
    found = router.route(Glance(2.0, (), looks((0.0, 1.0), *NOBODY), (struck,)), router.VOICES)
    assert (found.mode, found.reason) == (Mode.HITS, "impacts at 1.5 a second")
    rare = window(0.0, LOUD, word, hits_s=(0.4,))
    assert router.route(Glance(2.0, (), looks((0.0, 1.0), *NOBODY), (rare,)), router.VOICES).mode is Mode.AMBIENT
    assert router.route(Glance(2.0, (), looks((0.0, 1.0), *NOBODY), (struck,)), (Mode.AMBIENT,)).mode is Mode.AMBIENT


@pytest.mark.parametrize("word", ["marimba", "gong", "basketball", "chime"])
def test_what_has_a_note_or_rings_keeps_the_sound_of_its_class(word: str) -> None:
    one = window(0.0, LOUD, word, hits_s=(0.4, 1.0, 1.6))
    assert router.route(Glance(2.0, (), looks((0.0, 1.0), *NOBODY), (one,)), router.VOICES).mode is Mode.AMBIENT


def test_a_drum_does_not_change_its_voice_when_it_rests() -> None:
    windows = (window(0.0, LOUD, "drum", hits_s=(0.2, 0.6, 1.0, 1.4)), window(4.0, QUIET, "drum"))
    found = router.route(Glance(8.0, (4.0,), looks((0.0, 1.0), *NOBODY), windows), router.VOICES)
    assert [one.mode for one in found.ranges] == [Mode.HITS]
