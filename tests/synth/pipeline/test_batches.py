"""Several clips in one go, with a voice that renders many takes at once and needs no weights."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from synth.errors import Cancelled, MediaError, WeightsError
from synth.media import audio
from synth.options import Mode, Options
from synth.pipeline.job import Request
from synth.pipeline.sonorize import sonorize, sonorize_all
from synth.result import Result
from synth.voices.base import Take
from tests.conftest import FLASH_CLIP_S
from tests.support import servers
from tests.support.clips import Zoo
from tests.support.voices import CHUNK_S, FlashVoice, HissVoice


def wanted(source: Path, target: Path, **how: Any) -> Request:
    options = {name: how.pop(name) for name in ("seed", "takes", "keep_partial", "sound_class") if name in how}
    return Request(source, target, Options(mode=Mode.AMBIENT, **options), **how)


def result(outcome: Result | Exception) -> Result:
    assert isinstance(outcome, Result), outcome
    return outcome


def cut_at(voice: HissVoice, seed: int, chunk: int) -> Callable[[], bool]:
    """A poll that turns true before that chunk of the take with that seed."""
    reached = []

    def note(take: Take, now: int) -> None:
        if take.options.seed == seed and now >= chunk:
            reached.append(now)

    voice.before_chunk = note
    return lambda: bool(reached)


def test_together_or_alone_the_bytes_are_the_same(
    hiss_voice: HissVoice, flash_clip: Path, dark_clip: Path, tmp_path: Path
) -> None:
    def all_of(folder: Path) -> list[Request]:
        folder.mkdir()
        clips = ((flash_clip, 1, 1), (dark_clip, 5, 2), (flash_clip, 2, 1))
        return [wanted(clip, folder / f"{seed}.mkv", seed=seed, takes=takes) for clip, seed, takes in clips]

    together = [result(one) for one in sonorize_all(all_of(tmp_path / "together"))]
    assert hiss_voice.batches == [4]
    for request in all_of(tmp_path / "alone"):
        sonorize(request.source, request.target, request.options)
    assert hiss_voice.batches == [4, 1, 2, 1]
    made = sorted(path.name for path in (tmp_path / "alone").iterdir())
    assert made == ["1.mkv", "2.mkv", "5.take1.mkv", "5.take2.mkv"]
    for name in made:
        assert (tmp_path / "together" / name).read_bytes() == (tmp_path / "alone" / name).read_bytes()
    assert [[output.seed for output in one.outputs] for one in together] == [[1], [5, 6], [2]]
    assert {output.made_s for one in together for output in one.outputs} == {None}


def test_the_choice_is_told(hiss_voice: HissVoice, flash_clip: Path, tmp_path: Path) -> None:
    seen, asked = (
        wanted(flash_clip, tmp_path / "a.mp4"),
        wanted(flash_clip, tmp_path / "b.mp4", sound_class="sea_waves"),
    )
    ours, theirs = (result(one).outputs[0].as_json()["sound_class"] for one in sonorize_all([seen, asked]))
    assert (ours["name"], ours["probability"], len(ours["probabilities"])) == ("rain", 0.82, 10)
    assert theirs == {
        "name": "sea_waves",
        "probability": 1.0,
        "probabilities": {},
        "fits": True,
        "reason": "it was asked for",
        "candidates": [],
    }


def test_one_bad_clip_among_three_is_nobody_elses(
    hiss_voice: HissVoice, flash_clip: Path, dark_clip: Path, zoo: Zoo, tmp_path: Path
) -> None:
    clips = (flash_clip, zoo["cut.mp4"], dark_clip)
    told: dict[int, Result | Exception] = {}
    outcomes = sonorize_all(
        [wanted(clip, tmp_path / f"{number}.mp4") for number, clip in enumerate(clips)], told.__setitem__
    )
    assert isinstance(outcomes[1], MediaError)
    assert [len(result(outcomes[number]).outputs) for number in (0, 2)] == [1, 1]
    assert told == dict(enumerate(outcomes))
    assert hiss_voice.batches == [2]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0.mp4", "2.mp4"]


def test_one_of_three_is_cancelled_and_leaves_nothing(
    hiss_voice: HissVoice, flash_clip: Path, dark_clip: Path, tmp_path: Path
) -> None:
    poll = cut_at(hiss_voice, seed=7, chunk=2)
    outcomes = sonorize_all(
        [
            wanted(flash_clip, tmp_path / "a.mkv", seed=1),
            wanted(flash_clip, tmp_path / "b.mkv", seed=7, cancelled=poll),
            wanted(dark_clip, tmp_path / "c.mkv", seed=2),
        ]
    )
    assert isinstance(outcomes[1], Cancelled)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.mkv", "c.mkv"]
    (tmp_path / "alone").mkdir()
    sonorize(flash_clip, tmp_path / "alone" / "a.mkv", Options(mode=Mode.AMBIENT, seed=1))
    assert (tmp_path / "alone" / "a.mkv").read_bytes() == (tmp_path / "a.mkv").read_bytes()


@pytest.mark.parametrize("by", ["option", "wish"])
def test_what_was_made_is_kept_where_that_is_wanted(
    hiss_voice: HissVoice, flash_clip: Path, tmp_path: Path, by: str
) -> None:
    poll = cut_at(hiss_voice, seed=7, chunk=3)
    request = wanted(flash_clip, tmp_path / "part.mkv", seed=7, keep_partial=by == "option", cancelled=poll)
    (outcome,) = sonorize_all([request if by == "option" else replace(request, keeps=lambda: True)])
    (output,) = result(outcome).outputs
    assert output.made_s == 3 * CHUNK_S
    assert output.duration_s == pytest.approx(FLASH_CLIP_S, abs=1 / 30)
    assert any("silence follows" in warning for warning in output.warnings)
    sound, rate_hz = audio.read(output.target)
    assert np.abs(sound[: round(0.7 * rate_hz)]).max() > 0.01
    assert np.abs(sound[round(0.8 * rate_hz) :]).max() < 1e-3


def test_a_whole_sound_is_kept_if_it_is_cancelled_while_it_is_written(
    hiss_voice: HissVoice, flash_clip: Path, tmp_path: Path
) -> None:
    written: list[float] = []
    request = wanted(flash_clip, tmp_path / "out.mkv", takes=2, keep_partial=True, cancelled=lambda: bool(written))
    told = replace(request, progress=lambda stage, fraction: written.append(fraction) if stage == "write" else None)
    (outcome,) = sonorize_all([told])
    assert [output.made_s for output in result(outcome).outputs] == [None, None]


def test_who_changes_his_mind_keeps_nothing(hiss_voice: HissVoice, flash_clip: Path, tmp_path: Path) -> None:
    poll = cut_at(hiss_voice, seed=7, chunk=3)
    request = wanted(flash_clip, tmp_path / "part.mkv", seed=7, keep_partial=True, cancelled=poll, keeps=lambda: False)
    (outcome,) = sonorize_all([request])
    assert isinstance(outcome, Cancelled)
    assert list(tmp_path.iterdir()) == []


def test_cancelled_before_the_first_sound_there_is_nothing_to_keep(
    hiss_voice: HissVoice, flash_clip: Path, tmp_path: Path
) -> None:
    poll = cut_at(hiss_voice, seed=7, chunk=0)
    (outcome,) = sonorize_all([wanted(flash_clip, tmp_path / "part.mkv", seed=7, keep_partial=True, cancelled=poll)])
    assert isinstance(outcome, Cancelled)
    assert list(tmp_path.iterdir()) == []


def test_a_short_one_is_written_while_a_long_one_is_in_the_works(
    hiss_voice: HissVoice, flash_clip: Path, dark_clip: Path, tmp_path: Path
) -> None:
    told: list[int] = []

    def wait(take: Take, chunk: int) -> None:
        if chunk == 6:  # of the long one
            servers.wait_until(lambda: told == [1])

    hiss_voice.before_chunk = wait
    sonorize_all(
        [wanted(flash_clip, tmp_path / "long.mkv"), wanted(dark_clip, tmp_path / "short.mkv")],
        lambda number, _: told.append(number),
    )
    assert told == [1, 0]


def test_a_voice_that_tells_of_nothing_early_gives_the_same(
    hiss_voice: HissVoice, flash_clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sonorize(flash_clip, tmp_path / "early.mkv", Options(mode=Mode.AMBIENT, takes=2))
    whole = HissVoice.render_all

    def late(self: HissVoice, takes: Iterable[Take]) -> Any:
        return whole(self, [replace(take, finished=lambda _: None) for take in takes])

    monkeypatch.setattr(HissVoice, "render_all", late)
    sonorize(flash_clip, tmp_path / "late.mkv", Options(mode=Mode.AMBIENT, takes=2))
    for take in (1, 2):
        early, late_ = (tmp_path / f"{name}.take{take}.mkv" for name in ("early", "late"))
        assert early.read_bytes() == late_.read_bytes()


def test_an_error_of_the_voice_is_that_of_all_it_was_asked_for(
    flash_voice: FlashVoice, hiss_voice: HissVoice, flash_clip: Path, dark_clip: Path, tmp_path: Path
) -> None:
    def fail(take: Take, chunk: int) -> None:
        if chunk == 6:  # the short one is done by then
            raise WeightsError("the weights are damaged")

    hiss_voice.before_chunk = fail
    outcomes = sonorize_all(
        [
            wanted(flash_clip, tmp_path / "a.mp4"),
            wanted(dark_clip, tmp_path / "b.mp4"),
            Request(flash_clip, tmp_path / "c.mp4", Options(mode=Mode.HITS)),
        ]
    )
    assert [type(outcome) for outcome in outcomes] == [WeightsError, Result, Result]


def test_a_job_is_as_far_as_its_takes_are(hiss_voice: HissVoice, flash_clip: Path, tmp_path: Path) -> None:
    seen: list[tuple[str, float]] = []
    sonorize_all([wanted(flash_clip, tmp_path / "a.mkv", takes=2, progress=lambda *step: seen.append(step))])
    rendering = [fraction for stage, fraction in seen if stage == "render"]
    assert rendering == sorted(rendering)
    assert rendering[0] == pytest.approx(CHUNK_S / FLASH_CLIP_S / 2, abs=0.01)
    assert rendering[-1] == 1.0
    assert list(dict.fromkeys(stage for stage, _ in seen)) == ["look", "render", "write"]
