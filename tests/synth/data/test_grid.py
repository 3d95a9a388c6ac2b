"""The GRID loader in its layouts, and folders of one's own talking videos."""

from __future__ import annotations

from pathlib import Path

import pytest

from synth.data.corpora import grid
from synth.data.corpora.grid import Sentence, Word
from synth.errors import MediaError, OptionError
from synth.metrics.grid_sentences import GRAMMAR
from tests.support.paths import SHARED_DATA

REAL = SHARED_DATA / "grid"
NAMES = ("bbaf2n", "lgbs3a", "prinzp", "swwz9s")
ALIGNED = "0 23750 sil\n23750 29500 bin\n29500 34000 blue\n34000 34500 sp\n34500 74500 sil\n"


def _put(path: Path, text: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def _by_name(sentences: list[Sentence]) -> dict[str, Sentence]:
    return {sentence.name: sentence for sentence in sentences}


@pytest.mark.parametrize("place", ["align", "align/s1", "s1/align", "s1"])
def test_alignments_are_found_in_every_layout(tmp_path: Path, place: str) -> None:
    for name in NAMES:
        _put(tmp_path / "s1" / f"{name}.mpg")
    _put(tmp_path / place / "bbaf2n.align", ALIGNED)
    sentences = grid.load(tmp_path)
    assert [sentence.name for sentence in sentences] == sorted(NAMES)
    assert all(sentence.video == tmp_path / "s1" / f"{sentence.name}.mpg" for sentence in sentences)
    found = _by_name(sentences)
    assert found["bbaf2n"].words == (Word(0.95, 1.18, "bin"), Word(1.18, 1.36, "blue"))
    assert found["swwz9s"].words is None


def test_speakers_share_no_flat_alignments_and_come_in_order(tmp_path: Path) -> None:
    for speaker in ("s10", "s2"):
        _put(tmp_path / speaker / "bbaf2n.mpg")
    _put(tmp_path / "align" / "bbaf2n.align", ALIGNED)
    _put(tmp_path / "align" / "s10" / "bbaf2n.align", ALIGNED)
    sentences = grid.load(tmp_path)
    assert [(one.speaker, one.words is None) for one in sentences] == [("s2", True), ("s10", False)]


def test_a_speakers_own_folder_will_do(tmp_path: Path) -> None:
    _put(tmp_path / "s3" / "bbaf2n.mkv")
    _put(tmp_path / "align" / "s3" / "bbaf2n.align", ALIGNED)
    (sentence,) = grid.load(tmp_path / "s3")
    assert sentence.speaker == "s3"
    assert sentence.words is not None


def test_the_list_names_who_is_held_out(tmp_path: Path) -> None:
    for name in NAMES:
        _put(tmp_path / "s1" / f"{name}.mkv")
    _put(tmp_path / "s1_val.txt", "lgbs3a\n\nelsewhere\n")
    assert [one.name for one in grid.load(tmp_path) if one.part == "held-out"] == ["lgbs3a"]
    _put(tmp_path / "s1_val.txt", "elsewhere\n")
    with pytest.raises(OptionError, match=r"names none of the 4 sentences of s1"):
        grid.load(tmp_path)


def test_without_a_list_one_in_ten_is_held_out_whoever_else_is_there(tmp_path: Path) -> None:
    for number in range(300):
        _put(tmp_path / "s1" / f"take{number:03}.mpg")
    held = {one.name for one in grid.load(tmp_path) if one.part == "held-out"}
    assert 15 <= len(held) <= 45
    for number in range(0, 300, 2):
        (tmp_path / "s1" / f"take{number:03}.mpg").unlink()
    assert {one.name for one in grid.load(tmp_path) if one.part == "held-out"} == {
        name for name in held if int(name[4:]) % 2
    }


def test_one_name_in_two_formats_is_one_sentence_and_a_wav_beside_it_is_its_sound(tmp_path: Path) -> None:
    for suffix in (".mkv", ".mpg", ".wav"):
        _put(tmp_path / "s1" / f"bbaf2n{suffix}")
    (sentence,) = grid.load(tmp_path)
    assert sentence.video.suffix == ".mpg"
    assert sentence.sound_path.suffix == ".wav"


@pytest.mark.parametrize("line", ["0 100", "a 100 bin", "0 100 bin blue", "200 100 bin", "-5 100 bin"])
def test_a_wrong_alignment_is_named_with_its_line(tmp_path: Path, line: str) -> None:
    _put(tmp_path / "s1" / "bbaf2n.mpg")
    _put(tmp_path / "s1" / "bbaf2n.align", f"0 50 sil\n{line}\n")
    with pytest.raises(MediaError, match=r"line 2 of .*bbaf2n\.align"):
        grid.load(tmp_path)


def test_a_folder_without_the_corpus_is_refused(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(OptionError, match=r"no GRID data in .*; expected a folder a speaker"):
            grid.load(folder)


def test_names_spell_sentences_of_the_grammar() -> None:
    assert grid.spelt("bbaf2n") == ("bin", "blue", "at", "f", "two", "now")
    assert grid.spelt("swwzza") == ("set", "white", "with", "z", "zero", "again")
    assert [len(slot) for slot in GRAMMAR] == [4, 4, 4, 25, 10, 4]
    for name in ("bbaw2n", "bbaf0n", "bbaf2", "bbaf2nn", "xbaf2n"):
        assert grid.spelt(name) is None


def test_ones_own_videos_are_split_by_recording(tmp_path: Path) -> None:
    for recording in ("monday", "tuesday", "friday", "sunday", "holiday"):
        for piece in (1, 2):
            _put(tmp_path / f"{recording}_{piece:02}.mp4")
    _put(tmp_path / "notes.txt")
    sentences = grid.from_folder(tmp_path, "ann")
    assert len(sentences) == 10
    assert {(one.speaker, one.words) for one in sentences} == {("ann", None)}
    held = {one.group for one in sentences if one.part == "held-out"}
    assert len(held) == 1
    assert held.isdisjoint(one.group for one in sentences if one.part == "train")


def test_pieces_of_one_recording_are_split_among_themselves(tmp_path: Path) -> None:
    for piece in range(5):
        _put(tmp_path / f"me_{piece:02}.mpg")
    assert sorted(one.part for one in grid.from_folder(tmp_path)) == ["held-out", *["train"] * 4]


def test_a_single_video_is_all_to_train_on(tmp_path: Path) -> None:
    _put(tmp_path / "talk.mp4")
    assert [one.part for one in grid.from_folder(tmp_path)] == ["train"]


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(OptionError, match=r"no videos in .*; allowed are \.mpg"):
            grid.from_folder(folder)


@pytest.mark.real_data
@pytest.mark.skipif(not REAL.is_dir(), reason="the clips of ../shared/data are not here")
def test_the_real_corpus_is_spoken_by_its_grammar() -> None:
    sentences = grid.load(REAL)
    assert len(sentences) == 900
    assert sum(one.part == "held-out" for one in sentences) == 50
    for one in sentences:
        assert one.words is not None
        assert len(one.words) == 6
        assert all(word.text in slot for word, slot in zip(one.words, GRAMMAR, strict=True))
        assert tuple(word.text for word in one.words) == grid.spelt(one.name)
