"""Words where the lips say them: the synthesiser's own speech, moved in time, stands in for what was read off lips."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from numpy.typing import NDArray

from synth.errors import OptionError
from synth.evaluation.speech.typed_words import evaluate_typed_words
from synth.media.audio import resample
from synth.voices.base import never_cancelled
from synth.voices.speech import spectra
from synth.voices.speech.typed import alignment, placement
from synth.voices.speech.typed.script import Cue, parse
from synth.voices.speech.typed.synthesiser import FRAME_S, RATE_HZ, Utterance, synthesiser
from tests.support.paths import SHARED_DATA

SENTENCE = "We saw seven boats near the old harbour."


def utterance(text: str = SENTENCE) -> Utterance:
    found = synthesiser().say(text)
    assert found is not None
    return found


def heard(sound: NDArray[np.float32]) -> NDArray[np.float32]:
    return spectra.log_mel(resample(sound, RATE_HZ, spectra.RATE_HZ))


def late(one: Utterance, silence_s: float, pace: float = 1.0) -> NDArray[np.float32]:
    """Spectra of a sentence that begins later, said at another pace."""
    steps = np.arange(0, one.frames, pace)
    return heard(one.sound(7, np.concatenate([np.full(round(silence_s / FRAME_S), np.nan), steps])))


@pytest.mark.parametrize(("silence_s", "pace"), [(0.0, 1.0), (0.7, 1.0), (1.3, 0.8), (0.4, 1.3)])
def test_words_are_found_where_they_are(silence_s: float, pace: float) -> None:
    one = utterance()
    mel = late(one, silence_s, pace)
    placed = placement.place([Cue(SENTENCE)], mel, len(mel) / 100, synthesiser())
    true_s = [silence_s + span[0] * FRAME_S / pace - placement.LAG_S for span in one.spans]
    apart = np.abs(np.array([word.start_s for word in placed.words]) - np.maximum(true_s, 0))
    assert [word.text for word in placed.words] == list(one.words)
    assert np.median(apart) < 0.03
    assert apart.max() < 0.09
    assert placed.notes == ()


def test_a_pause_before_a_word_is_waited_for() -> None:
    one = utterance()
    fifth = round(one.spans[4][0])
    steps = np.concatenate([np.arange(fifth), np.full(48, np.nan), np.arange(fifth, one.frames)])
    mel = heard(one.sound(7, steps))
    words = placement.place([Cue(SENTENCE)], mel, len(mel) / 100, synthesiser()).words
    assert words[4].start_s - words[3].start_s > 0.6 + (one.spans[4][0] - one.spans[3][0]) * FRAME_S - 0.1


def test_sentences_keep_their_order_and_do_not_overlap() -> None:
    text = "We saw seven boats. Nobody was on them. Then the rain came."
    whole = [utterance(cue.text) for cue in parse(text)]
    mel = np.concatenate([late(one, 0.5) for one in whole])
    words = placement.place(parse(text), mel, len(mel) / 100, synthesiser()).words
    assert [word.text for word in words] == [word for one in whole for word in one.words]
    assert all(a.start_s <= b.start_s for a, b in itertools.pairwise(words))


def test_subtitles_stay_near_their_times() -> None:
    one = utterance()
    mel = np.concatenate([late(one, 0.3), late(one, 0.3)])
    second_s = len(late(one, 0.3)) / 100
    cue = Cue(SENTENCE, second_s + 0.3, len(mel) / 100)
    words = placement.place([cue], mel, len(mel) / 100, synthesiser()).words
    assert words[0].start_s > second_s


def test_lips_that_stand_still_get_the_words_all_the_same() -> None:
    still = np.full((500, spectra.BANDS), spectra.QUIETEST, np.float32)
    placed = placement.place([Cue(SENTENCE)], still, 5.0, synthesiser())
    assert len(placed.words) == 8
    assert "does not move" in placed.notes[0]


def test_words_that_do_not_fit_are_named() -> None:
    one = utterance()
    mel = late(one, 0.1)[: round(0.62 * 100 * one.frames * FRAME_S)]
    placed = placement.place([Cue(SENTENCE)], mel, len(mel) / 100, synthesiser())
    assert not all(word.fits for word in placed.words)
    assert "too little time for" in placed.notes[0]


def test_a_text_that_is_longer_than_the_clip_is_refused() -> None:
    with pytest.raises(OptionError, match=r"takes \d+\.\d s at the fastest pace.*the clip has 1\.0 s"):
        placement.place([Cue(SENTENCE)] * 3, np.zeros((100, spectra.BANDS), np.float32), 1.0, synthesiser())
    with pytest.raises(OptionError, match=r"begins at 9 s; the clip has 5\.0 s"):
        placement.place([Cue("Hello", 9.0, 10.0)], np.zeros((500, spectra.BANDS), np.float32), 5.0, synthesiser())


def test_the_same_seed_gives_the_same_bytes_at_any_pace() -> None:
    one = utterance()
    places = np.concatenate([np.full(9, np.nan), np.linspace(0, one.frames - 1, 300)])
    assert np.array_equal(one.sound(3, places), one.sound(3, places))
    assert not np.array_equal(one.sound(3, places), one.sound(4, places))
    assert np.array_equal(one.sound(3), one.sound(3, np.arange(one.frames, dtype=float)))


def test_a_slower_pace_keeps_the_pitch() -> None:
    one = utterance("Ah.")
    slow = one.sound(1, np.arange(0, one.frames, 0.5))

    def pitch_hz(sound: NDArray[np.float32]) -> float:
        middle = sound[len(sound) // 2 - 2048 : len(sound) // 2 + 2048].astype(float)
        strength = np.correlate(middle, middle, "full")[len(middle) :]
        low, high = RATE_HZ // 400, RATE_HZ // 90
        return RATE_HZ / (low + 1 + int(np.argmax(strength[low:high])))

    assert pitch_hz(slow) == pytest.approx(pitch_hz(one.sound(1)), rel=0.08)


def test_a_path_is_rising_and_bounded() -> None:
    one = utterance()
    mine, theirs = heard(one.sound(0)), late(one, 0.5, 0.9)
    begins = np.round(np.array([span[0] for span in one.spans]) * FRAME_S * 100).astype(np.int64)
    path = alignment.align(mine[begins[0] :], theirs, begins - begins[0])
    assert path is not None
    assert (np.diff(path.of_sentence) >= 0).all()
    assert (np.diff(path.of_clip) > 0).all()
    moved = np.diff(path.of_sentence) > 0
    pace = np.diff(path.of_sentence)[moved] / np.diff(path.of_clip)[moved]
    assert pace.min() >= 1 / alignment.SLOWEST
    assert pace.max() <= alignment.FASTEST
    assert alignment.align(mine, theirs[: len(mine) // 3], begins) is None


@pytest.mark.slow
@pytest.mark.real_data
@pytest.mark.skipif(not SHARED_DATA.is_dir(), reason="the real clips are not here")
def test_the_words_of_grid_begin_when_their_speaker_says_them() -> None:
    rows = evaluate_typed_words(SHARED_DATA / "grid")["rows"]
    assert rows["ours"]["median_ms"] <= 80
    assert rows["ours"]["median_ms"] < rows["floor"]["median_ms"]


def test_cancelled_is_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    from synth.errors import Cancelled
    from synth.options import Options
    from synth.voices.base import Controls
    from synth.voices.speech.typed.voice import TypedVoice

    one = utterance()
    mel = late(one, 0.3)
    controls = Controls(len(mel) / 100, track=mel)
    options = Options(text=SENTENCE, consent="the synthesiser itself")
    rendering = TypedVoice().render(controls, options, lambda *_: np.full(1, 0.25), never_cancelled)
    assert len(rendering.sound) == round(len(mel) / 100 * RATE_HZ)
    assert [word.text for word in rendering.words] == list(one.words)
    with pytest.raises(Cancelled):
        TypedVoice().render(controls, options, lambda *_: np.full(1, 0.25), lambda: True)
