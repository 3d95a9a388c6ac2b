"""The speech report: its rows, its floors and ceilings, and what it writes."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from synth import weights
from synth.data.corpora.grid import Sentence
from synth.data.corpora.video_folder import HELD_OUT, TRAIN
from synth.errors import MediaError, OptionError, WeightsError
from synth.evaluation.hits import report
from synth.evaluation.speech import baselines
from synth.evaluation.speech import report as speech
from synth.evaluation.speech.baselines import Corpus, Reader, Sound
from synth.media import audio, video
from synth.metrics import speech as speech_metrics
from synth.voices.speech import spectra
from tests.conftest import flashing
from tests.support.paths import SHARED_DATA
from tests.synth.metrics.test_speech import babble
from web.cli import app

GRID = SHARED_DATA / "grid"
RATE_HZ = speech_metrics.RATE_HZ


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    """Two sentences to train on and three held out, without words; sound files stand in for the videos."""
    folder = tmp_path_factory.mktemp("sentences")
    sentences = []
    for number in range(5):
        path = folder / f"clip{number}.wav"
        audio.write(path, babble(number, 1.5 + 0.1 * (number % 2)), RATE_HZ)
        sentences.append(Sentence(path.stem, "me", path, None, HELD_OUT if number > 1 else TRAIN))
    return Corpus(tuple(sentences[:2]), tuple(sentences[2:]))


def mean(row: speech.Row, name: str) -> float:
    values = [value for value in row.values(name) if value is not None]
    assert len(values) == len(row.measured)
    return float(np.mean(values))


def test_ceilings_are_above_floors(corpus: Corpus) -> None:
    readers = baselines.baselines(corpus)
    rows = {name: speech.judge(corpus, name, reader, {}, {}) for name, reader in readers.items()}
    real, linear, mel, whisper, other, average, noise = (rows[name] for name in readers)
    assert mean(real, "stoi") == pytest.approx(1, abs=0.01)
    assert mean(mel, "stoi") > 0.8
    assert mean(linear, "estoi") > mean(mel, "estoi") > 0.7
    assert mean(mel, "estoi") > mean(whisper, "estoi") > mean(noise, "estoi")
    for floor in (other, average, noise):
        assert mean(floor, "estoi") < 0.6
        assert mean(floor, "mcd_db") > 2 * mean(mel, "mcd_db")
    # Its loudness, and nothing but its loudness, is the real one's.
    assert mean(noise, "activity_iou") > mean(other, "activity_iou")
    assert real.values("wer") == [None] * 3


def test_another_sentence_is_another_one_of_the_same_speaker(corpus: Corpus) -> None:
    stranger = Sentence("clip2", "you", corpus.training[0].video, None, HELD_OUT)
    both = Corpus(corpus.training, (stranger, *corpus.held_out))
    another = baselines.baselines(both)["floor: another sentence of the speaker"]
    sounds = [corpus.sound(one) for one in corpus.held_out]
    for sentence, own in zip(corpus.held_out, sounds, strict=True):
        found = another(sentence)
        matches = [len(found) == len(sound) and np.array_equal(found, sound) for sound in sounds]
        assert matches.count(True) == 1
        assert not (len(found) == len(own) and np.array_equal(found, own))


def test_the_mean_goes_on_where_short_ones_have_ended() -> None:
    long, short = np.full((4, 2), 3.0, np.float32), np.full((2, 2), 1.0, np.float32)
    np.testing.assert_array_equal(baselines.mean_over_time([long, short])[:, 0], [2, 2, 3, 3])


def test_phases_are_the_same_for_a_name_and_go_all_around() -> None:
    first = baselines.phases("bbaf2n", 20)
    np.testing.assert_array_equal(first, baselines.phases("bbaf2n", 20))
    assert first.shape == (20, spectra.BINS)
    assert not np.array_equal(first, baselines.phases("bbaf3s", 20))
    assert np.histogram(first, 4, (0, 2 * np.pi))[0].min() > 0.2 * first.size


def test_what_a_reader_refuses_counts_as_silence_and_is_named(corpus: Corpus) -> None:
    refused = corpus.held_out[1].name

    def reader(sentence: Sentence) -> Sound:
        if sentence.name == refused:
            raise MediaError("no face is in the picture")
        return corpus.sound(sentence)

    samples: dict[str, dict[str, Sound]] = {f"me-{refused}": {}}
    row = speech.judge(corpus, "shy", reader, {}, samples)
    assert row.failed == [f"me-{refused}"]
    assert [value is None for value in row.values("stoi")] == [False, True, False]
    assert not samples[f"me-{refused}"]["shy"].any()


@pytest.fixture(scope="module")
def my_videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of a person's own talking clips: three recordings with sound inside, and no words."""
    folder = tmp_path_factory.mktemp("my-videos")
    for number in range(3):
        frames = flashing((0.4,), 1.2, rate_fps=25)
        target = folder / f"day{number}.mkv"
        video.write_frames(frames, target, rate_fps=25, sound=babble(number, 1.2), sound_rate_hz=RATE_HZ)
    return folder


def late(corpus: Corpus) -> Reader:
    """Says the real sound 60 ms late."""
    return lambda sentence: np.pad(corpus.sound(sentence), (960, 0))


def missing(_: Corpus) -> Reader:
    raise WeightsError("the voice pack 'nobody' is not there")


def test_a_voice_of_ones_own_is_measured_by_the_same_call(my_videos: Path, tmp_path: Path) -> None:
    result = speech.evaluate_networks(my_videos, tmp_path / "out", {"ours": late, "ours, no flow": missing})
    assert (result["held_out_sentences"], result["training_sentences"]) == (1, 2)
    assert result["recognisers"] == {}
    assert result["left_out"]["ours, no flow"] == "the voice pack 'nobody' is not there"
    assert "not all held-out sentences" in result["left_out"]["wer"]
    ours = result["systems"]["ours"]["measures"]
    assert ours["lag_s"]["median"] == pytest.approx(0.06, abs=0.003)
    assert ours["stoi"]["mean"] > 0.95
    assert ours["wer"]["mean"] is None
    against = result["ours_against"]
    assert set(against) == {name for name in result["systems"] if name.startswith("floor")}
    assert against["floor: another sentence of the speaker"]["stoi"]["better"] in (0, 1)  # it is the only one held out
    assert against["floor: noise as loud as the real sound"]["estoi"]["better"] == 1
    _written_whole(tmp_path / "out", result, sentences=1)


def _written_whole(out: Path, result: dict[str, Any], sentences: int) -> None:
    assert json.loads((out / "speech.json").read_text()) == json.loads(json.dumps(result))
    text = (out / "speech.md").read_text()
    assert all(f"| {name} |" in text for name in result["systems"])
    assert all(name in text for name in result["literature"])
    assert len(list(out.glob("speech-*.png"))) == sentences
    sounds = sorted((out / "sounds").glob("*.wav"))
    assert len(sounds) == sentences * len(result["systems"])
    sound, rate_hz = audio.read(sounds[0])
    assert rate_hz == RATE_HZ
    assert len(sound) > RATE_HZ


def test_without_pesq_its_figures_are_left_out(corpus: Corpus, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pesq", None)
    sound = corpus.sound(corpus.held_out[0])
    found = speech_metrics.measure(sound, sound)
    assert (found.pesq_nb_8khz, found.pesq_wb_16khz) == (None, None)
    assert found.stoi == pytest.approx(1, abs=0.01)
    assert set(speech._without_pesq()) == {"pesq_nb_8khz", "pesq_wb_16khz"}
    assert "sonorize[pesq]" in speech._without_pesq()["pesq_nb_8khz"]


def test_options_of_the_speech_report_belong_to_it(tmp_path: Path, my_videos: Path) -> None:
    for arguments, said in (
        (["eval", "hits", "--data", my_videos, "--voice", "grid-s1"], "--voice means nothing to the evaluation 'hits'"),
        (["eval", "hits", "--data", my_videos, "--beside", tmp_path], "--beside means nothing to the evaluation"),
        (["eval", "speech", "--data", my_videos, "--beside", tmp_path / "no"], "does not exist"),
        (["eval", "speech", "--data", my_videos, "--beside", tmp_path], "holds no voice pack"),
        (["eval", "speech", "--data", my_videos, "--voice", "nobody"], "voice is 'nobody'"),
    ):
        found = CliRunner().invoke(app, [str(one) for one in arguments])
        assert isinstance(found.exception, OptionError)
        assert said in str(found.exception)


def test_a_folder_without_sentences_is_refused(tmp_path: Path, my_videos: Path) -> None:
    with pytest.raises(OptionError, match="no GRID data"):
        speech.evaluate_speech(tmp_path, None)
    shutil.copy(my_videos / "day0.mkv", tmp_path)
    with pytest.raises(OptionError, match="1 sentences to train and 0 held out"):
        speech.evaluate_speech(tmp_path, None)


def test_the_report_is_a_verb() -> None:
    assert report.EVALUATIONS["speech"] is speech.evaluate_speech
    listed = CliRunner().invoke(app, ["eval", "--json"])
    assert "speech" in json.loads(listed.stdout)


@pytest.mark.skipif(not GRID.is_dir(), reason="no GRID sentences in shared/data/grid")
def test_words_of_real_sentences_are_heard_in_ceilings_and_not_in_floors(tmp_path: Path) -> None:
    held_out = (GRID / "s1_val.txt").read_text().split()[::17]
    training = [file.stem for file in sorted((GRID / "s1").glob("*.mkv"))[5::300]]
    for name in {*held_out, *training}:
        for part in (f"s1/{name}.mkv", f"align/s1/{name}.align"):
            (tmp_path / part).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / part).symlink_to(GRID / part)
    (tmp_path / "s1_val.txt").write_text("\n".join(held_out))
    result = speech.evaluate_networks(tmp_path, tmp_path / "out", {})
    assert result["recognisers"]["wer_pocketsphinx"].startswith("pocketsphinx")
    assert ("wer" in result["recognisers"]) == ("grid-recogniser" in weights.entries())
    assert ("wer" in result["left_out"]) != ("wer" in result["recognisers"])
    systems = result["systems"]
    for rate in result["recognisers"]:
        assert systems["ceiling: real mel spectrogram, same vocoder"]["measures"][rate]["mean"] <= 0.4
        assert systems["floor: noise as loud as the real sound"]["measures"][rate]["mean"] >= 0.5
        assert f"## Words heard, by place: {rate}\n" in (tmp_path / "out" / "speech.md").read_text()
    assert len(systems["ceiling: real sound"]["word_accuracy_pocketsphinx"]) == 6
    assert systems["ceiling: real sound"]["empty_answers"] <= 0.2
    assert result["word_floors"]["floor: a random sentence of the grammar"]["wer"] == pytest.approx(0.81)
    assert result["ours_against"] == {}
