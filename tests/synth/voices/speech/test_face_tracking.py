"""Faces followed through drawn clips: who is where, what is lost, and who speaks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np
import pytest

from synth.errors import Cancelled, MediaError, OptionError
from synth.media import video
from synth.voices.speech import face_detection, face_tracking, mouth_crops
from synth.voices.speech.face_tracking import Sighting, follow
from synth.voices.speech.speaker_choice import Attendance
from tests.support.drawn_faces import Frame, draw, room
from tests.support.paths import SHARED_DATA

RATE_HZ = 25.0
SHARED = SHARED_DATA
real = pytest.mark.skipif(not (SHARED / "grid").is_dir(), reason="the clips of ../shared/data are not here")


def _clip(make: Callable[[int], Frame], frames: int = 50) -> Iterator[Frame]:
    return (make(index) for index in range(frames))


def _talk(index: int) -> float:
    """How far a talking mouth is open."""
    return 0.5 + 0.5 * float(np.sin(index * 1.3))


def _followed(frames: Iterable[Frame]) -> tuple[list[tuple[Sighting, ...]], Attendance]:
    attendance = Attendance(RATE_HZ)
    seen = []
    for sightings in follow(frames, RATE_HZ):
        attendance.add(sightings)
        seen.append(sightings)
    return seen, attendance


def _numbers(seen: list[tuple[Sighting, ...]]) -> list[tuple[int, ...]]:
    return [tuple(one.track for one in sightings) for sightings in seen]


def _as_a_whole(frames: list[Frame]) -> list[Sighting]:
    """The largest face of a clip that is held in memory: looked at, interpolated, smoothed in one go."""
    looks = sorted({*range(0, len(frames), 3), len(frames) - 1})
    points = np.stack([face_detection.detect(frames[index])[0].points for index in looks]).reshape(len(looks), 10)
    lines = [np.interp(np.arange(len(frames)), looks, points[:, column]) for column in range(10)]
    smooth = mouth_crops.smoothed(np.stack(lines, 1).reshape(-1, 5, 2), RATE_HZ)
    return [
        Sighting(
            0,
            mouth_crops.crop(frame, row, mouth_crops.MOUTH),
            mouth_crops.crop(frame, row, mouth_crops.FACE),
            row,
        )
        for frame, row in zip(frames, smooth, strict=True)
    ]


def _unlike(seen: list[tuple[Sighting, ...]], expected: list[Sighting]) -> float:
    """Mean difference of the mouths, grey levels."""
    pairs = zip(seen, expected, strict=True)
    return float(np.mean([np.abs(one.mouth.astype(float) - other.mouth).mean() for (one,), other in pairs]))


def test_following_gives_what_looking_at_the_whole_clip_would() -> None:
    frames = list(_clip(lambda index: draw(room(), 140 + 1.5 * index, 140 + 8 * np.sin(index / 9), 140), 75))
    seen, attendance = _followed(frames)
    assert _numbers(seen) == [(0,)] * 75
    expected = _as_a_whole(frames)
    assert _unlike(seen, expected) < 1e-9
    assert all(np.allclose(one.points, other.points) for (one,), other in zip(seen, expected, strict=True))
    (presence,) = attendance.presences()
    assert (presence.first, presence.last, presence.frames, presence.gaps_s) == (0, 74, 75, ())


@pytest.mark.parametrize("frames", [0, 1, 2, 3, 4, 26])
def test_as_many_items_come_as_frames_went_in(frames: int) -> None:
    still = draw(room(), 150, 140)
    assert _numbers(_followed([still] * frames)[0]) == [(0,)] * frames


def test_answers_come_a_second_late_at_most_and_frames_are_not_kept() -> None:
    taken = 0

    def counting() -> Iterator[Frame]:
        nonlocal taken
        for index in range(100):
            taken += 1
            # Missed by turns, so that the bridge has to wait.
            yield room() if index % 15 in (3, 4, 5, 6, 7) else draw(room(), 150, 140)

    late = [taken - told for told, _ in enumerate(follow(counting(), RATE_HZ))]
    assert max(late) <= 1.3 * RATE_HZ
    assert late[60] > 0


def test_a_face_that_is_missed_for_a_moment_is_bridged() -> None:
    seen, attendance = _followed(_clip(lambda index: room() if 20 <= index < 25 else draw(room(), 150, 140)))
    assert _numbers(seen) == [(0,)] * 50
    assert attendance.presences()[0].gaps_s == ()


def test_a_face_that_is_lost_for_a_while_leaves_a_gap_and_keeps_its_number() -> None:
    seen, attendance = _followed(_clip(lambda index: room() if 20 <= index < 45 else draw(room(), 150, 140), 75))
    empty = [index for index, sightings in enumerate(seen) if not sightings]
    assert set(range(21, 44)) <= set(empty) <= set(range(17, 49))
    (presence,) = attendance.presences()
    assert presence.track == 0
    ((start_s, end_s),) = presence.gaps_s
    assert start_s == pytest.approx(20 / RATE_HZ, abs=0.12)
    assert end_s == pytest.approx(45 / RATE_HZ, abs=0.12)


def test_the_times_before_a_face_comes_and_after_it_goes_are_gaps() -> None:
    _, attendance = _followed(_clip(lambda index: draw(room(), 150, 140) if 24 <= index < 48 else room(), 75))
    (presence,) = attendance.presences()
    (before, after) = presence.gaps_s
    assert (before[0], after[1]) == (0.0, 3.0)
    assert before[1] == pytest.approx(24 / RATE_HZ, abs=0.12)
    assert after[0] == pytest.approx(48 / RATE_HZ, abs=0.12)


def test_nothing_is_smoothed_across_a_cut_and_the_only_face_goes_on() -> None:
    far = 255 - room()
    seen, _ = _followed(_clip(lambda index: draw(room(), 90, 120, 110) if index < 26 else draw(far, 250, 160, 170)))
    assert _numbers(seen) == [(0,)] * 50
    centre = np.array([sightings[0].points.mean(0) for sightings in seen])
    assert np.ptp(centre[:26], axis=0).max() < 1
    assert np.ptp(centre[26:], axis=0).max() < 1
    assert np.linalg.norm(centre[26] - centre[25]) > 100


def test_two_faces_keep_their_numbers_and_the_one_whose_mouth_moves_speaks() -> None:
    def pair(left: Callable[[int], float], right: Callable[[int], float], nod: float = 0.0) -> Iterator[Frame]:
        for index in range(50):
            y = 140 + nod * np.sin(index / 3)
            yield draw(draw(room(480), 120, y, 130, left(index)), 360, 280 - y, 120, right(index))

    for nod in (0.0, 6.0):
        for left, right, speaks in ((_talk, lambda _: 0.0, 0), (lambda _: 0.0, _talk, 1)):
            seen, attendance = _followed(pair(left, right, nod))
            assert _numbers(seen) == [(0, 1)] * 50
            present = attendance.presences()
            assert [one.x < 240 for one in present] == [True, False]
            assert attendance.speaker() == present[speaks]
            assert present[speaks].mouth_motion > 3 * present[1 - speaks].mouth_motion
            assert [attendance.speaker(wanted) for wanted in (1, 2)] == present
            for wanted in (0, 3):
                with pytest.raises(OptionError, match=rf"face {wanted} was asked for; this clip has 2, counted from"):
                    attendance.speaker(wanted)


def test_a_face_that_talks_for_a_moment_does_not_outdo_one_that_talks_all_the_time() -> None:
    def frame(index: int) -> Frame:
        always = draw(room(480), 120, 140, 130, 0.7 * _talk(index))
        return draw(always, 360, 140, 120, _talk(index)) if index < 15 else always

    _, attendance = _followed(_clip(frame, 75))
    assert len(attendance.presences()) == 2
    assert attendance.speaker() == attendance.presences()[0]


def test_four_faces_are_followed_at_most() -> None:
    frame = room(720)
    for number in range(6):
        frame = draw(frame, 60 + 120 * number, 140, 80 + 5 * number)
    seen, attendance = _followed([frame] * 12)
    assert _numbers(seen) == [tuple(range(face_tracking.MOST_TRACKS))] * 12
    assert min(one.x for one in attendance.presences()) > 240


def test_no_face_at_all_is_an_error_that_says_where_was_searched() -> None:
    _, attendance = _followed([room()] * 50)
    assert attendance.presences() == []
    with pytest.raises(MediaError, match=r"no face was found in frames 0 to 49 \(0\.0 to 2\.0 s\); .* at least 10 %"):
        attendance.speaker()


def test_it_tells_how_far_it_is_and_stops_when_asked() -> None:
    told: list[tuple[str, float]] = []
    for _ in follow([room()] * 50, RATE_HZ, expected_frames=50, progress=lambda *now: told.append(now)):
        pass
    assert told == [("faces", 0.5), ("faces", 1.0)]
    with pytest.raises(Cancelled):
        list(follow([room()] * 3, RATE_HZ, cancelled=lambda: True))


def _real(name: str) -> list[Frame]:
    file = SHARED / "grid" / "s1" / f"{name}.mkv"
    return list(video.read_frames(file, rate_hz=RATE_HZ, width=360, height=288))


@pytest.mark.real_data
@real
def test_a_real_face_is_cropped_as_if_the_whole_clip_were_known() -> None:
    frames = _real("bbaf2n")
    seen, attendance = _followed(frames)
    assert _unlike(seen, _as_a_whole(frames)) < 1
    assert attendance.speaker().frames == 75


@pytest.mark.real_data
@real
def test_of_two_real_faces_the_talking_one_is_chosen_though_a_second_is_black() -> None:
    talking, still = _real("bbaf2n"), _real("bbil2n")[0]
    frames = [np.hstack([frame, still]) for frame in talking]
    for index in range(25, 50):
        frames[index] = np.zeros_like(frames[index])
    seen, attendance = _followed(frames)
    assert [index for index, sightings in enumerate(seen) if not sightings] == list(range(25, 50))
    assert [len(sightings) for sightings in seen if sightings] == [2] * 50
    left, right = attendance.presences()
    assert left.gaps_s == right.gaps_s == ((1.0, 2.0),)
    assert attendance.speaker() == left


@pytest.mark.real_data
@real
def test_a_real_clip_without_a_face_is_refused() -> None:
    file = sorted((SHARED / "greatest_hits" / "clips").glob("*.mkv"))[0]
    _, attendance = _followed(video.read_frames(file, rate_hz=RATE_HZ, width=344, height=256))
    with pytest.raises(MediaError, match="no face was found"):
        attendance.speaker()
