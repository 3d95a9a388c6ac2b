"""Sound libraries: what is heard in a folder of recordings, what is chosen of it, how that is laid under pictures."""

from __future__ import annotations

import functools
import itertools
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from synth import provenance
from synth.ambient_classes import AMBIENT_CLASSES
from synth.cli import app
from synth.dsp.onsets import onsets
from synth.dsp.resampling import resample
from synth.errors import Cancelled, MediaError, OptionError
from synth.licences.wording import licence_in
from synth.media import audio
from synth.options import Mode, Options, Synthesis
from synth.pipeline.sonorize import render_hits, sonorize
from synth.randomness import uniforms
from synth.voices.base import Controls, Hit, Rendering, SoundChoice, never_cancelled
from synth.voices.library import embeddings, index_file, registry
from synth.voices.library.analysis import hear
from synth.voices.library.catalogue import UNKNOWN_LICENCE, Entry, Kind, Library
from synth.voices.library.indexing import Report, update
from synth.voices.library.licences import Origins
from synth.voices.library.matching import Laid, Wanted, rank_beds, rank_hits
from synth.voices.library.vocabulary import class_words, material_words, of_classes, of_materials, words_of
from synth.voices.library.voice import LibraryVoice
from tests.conftest import FLASH_CLIP_S, FLASHES_S
from tests.support.paths import SHARED_DATA
from tests.support.voices import FlashVoice, HissVoice
from tests.support.web_place import PROBLEM, Place

RATE_HZ = 22_050
ESC10 = SHARED_DATA / "esc10"

Floats = NDArray[np.float32]


def noise(duration_s: float, seed: int = 0, smooth: int = 1) -> Floats:
    """Noise of a peak near one half; ``smooth`` takes its heights away."""
    raw = np.random.default_rng(seed).standard_normal(round(duration_s * RATE_HZ))
    soft = np.convolve(raw, np.ones(smooth) / smooth, "same")
    return np.asarray(0.5 * soft / np.abs(soft).max(), np.float32)


def struck(times_s: tuple[float, ...], duration_s: float, pitch_hz: float = 0.0, seed: int = 0) -> Floats:
    """Bursts that begin at these times and die away; of noise, or of a tone."""
    out = np.zeros(round(duration_s * RATE_HZ), np.float32)
    steps = np.arange(round(0.3 * RATE_HZ))
    source = np.sin(2 * np.pi * pitch_hz * steps / RATE_HZ) if pitch_hz else noise(0.3, seed, 8)[: len(steps)]
    burst = (0.8 * source * np.exp(-steps / (0.05 * RATE_HZ))).astype(np.float32)
    for time_s in times_s:
        first = round(time_s * RATE_HZ)
        piece = out[first : first + len(burst)]
        piece += burst[: len(piece)]
    return out


RECORDINGS: dict[str, Floats] = {
    "impacts/wood/door_knock_01.wav": struck((0.3,), 1.0, seed=1),
    "impacts/wood/door_knock_02.wav": struck((0.2,), 1.0, seed=2),
    "impacts/wood/desk.flac": struck((0.1,), 0.8, seed=3),
    "impacts/metal/steel pipe.wav": struck((0.4,), 1.2, pitch_hz=2500.0),
    "impacts/glass/BottleHits.aiff": struck((0.2, 0.8, 1.4), 2.0, pitch_hz=4000.0),
    "weather/heavy rain.wav": noise(4.0, 5),
    "weather/rain on leaves.ogg": noise(5.0, 6),
    "weather/downpour.wav": noise(3.5, 7),
    "sea/ocean.wav": noise(5.0, 8, 60),
    "dogs/123456__anna__Barking-Dog.wav": struck((0.2, 0.7), 1.5, pitch_hz=600.0),
}
README = """Sound pack downloaded from Freesound

Licenses in this pack
---------------------
Attribution NonCommercial: http://creativecommons.org/licenses/by-nc/4.0/

Sounds in this pack
-------------------

  * 123456__anna__Barking-Dog.wav
    * url: https://freesound.org/s/123456/
    * license: Attribution NonCommercial
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of recordings with the files that say whose they are, and its index beside it."""
    folder = tmp_path_factory.mktemp("library")
    root = folder / "sounds"
    for name, sound in RECORDINGS.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(root / name, sound, RATE_HZ)
    (root / "broken.wav").write_bytes(b"RIFF" + bytes(range(256)))
    soundfile.write(root / "silence.wav", np.zeros(RATE_HZ, np.float32), RATE_HZ)
    (root / ".hidden.wav").write_bytes(b"no sound")
    (root / "dogs" / "_readme_and_license.txt").write_text(README)
    (root / "weather" / "LICENSE").write_text("CC0 1.0 Universal\n\nNo rights are kept.\n")
    about = {"license": "http://creativecommons.org/licenses/by/3.0/", "username": "ben", "tags": ["clang"]}
    (root / "impacts" / "metal" / "steel pipe.json").write_text(json.dumps(about))
    update(root, folder / "foley.library")
    return folder


@pytest.fixture
def foley(made: Path, tmp_path: Path) -> Path:
    """A copy of it that a test may change: the folder of the recordings, index and all, as ``foley``."""
    shutil.copytree(made / "sounds", tmp_path / "sounds")
    update(tmp_path / "sounds", tmp_path / "foley.library")
    return tmp_path


@pytest.fixture
def library(made: Path) -> Library:
    return index_file.load(made / "foley.library")


@pytest.fixture(autouse=True)
def _own_folder(made: Path) -> Iterator[None]:
    """The libraries of this process are those of the test."""
    before = list(registry._FOLDER)
    registry.keep_in(made)
    yield
    registry._FOLDER[:] = before


def again(folder: Path) -> Report:
    return update(folder / "sounds", folder / "foley.library")


def told(folder: Path) -> dict[str, Any]:
    with index_file.Index(folder / "foley.library") as index:
        return {one.path: one for one in index.recordings()}


# --- what is heard ------------------------------------------------------------------------------------------------


def test_every_recording_is_heard_once(made: Path, library: Library) -> None:
    kinds = {one.recording.path: one.recording.kind for one in library.entries}
    assert set(kinds) == set(RECORDINGS)
    continuous = {path for path, kind in kinds.items() if kind is Kind.CONTINUOUS}
    assert continuous == {path for path in RECORDINGS if path.startswith(("weather", "sea"))}
    assert kinds["impacts/glass/BottleHits.aiff"] is kinds["dogs/123456__anna__Barking-Dog.wav"] is Kind.SEVERAL
    assert kinds["impacts/wood/desk.flac"] is Kind.SINGLE
    report = update(made / "sounds", made / "foley.library")
    assert (report.heard, report.unchanged, report.removed) == (0, len(RECORDINGS), 0)
    assert set(report.skipped) == {"broken.wav", "silence.wav"}
    assert report.skipped["silence.wav"] == "it is silent"


def test_onsets_and_levels_are_those_of_the_sound(library: Library) -> None:
    bottle = library.entries[library.places["impacts/glass/BottleHits.aiff"]]
    assert [one.onset_s for one in bottle.recording.pieces] == pytest.approx([0.2, 0.8, 1.4], abs=0.004)
    assert bottle.recording.onset_count == 3
    assert bottle.attacks.shape[0] == 3
    assert bottle.recording.duration_s == pytest.approx(2.0, abs=0.01)
    assert bottle.recording.peak_dbfs == pytest.approx(20 * np.log10(0.8), abs=1.0)
    rain = library.entries[library.places["weather/heavy rain.wav"]].recording
    assert rain.loud_db - rain.quiet_db < 3
    assert not rain.pieces


def test_whose_a_recording_is_stands_beside_it(made: Path) -> None:
    found = told(made)
    dog, pipe = found["dogs/123456__anna__Barking-Dog.wav"], found["impacts/metal/steel pipe.wav"]
    assert (dog.author, dog.licence, dog.source) == ("anna", "CC-BY-NC-4.0", "https://freesound.org/s/123456/")
    assert dog.licence_from == "dogs/_readme_and_license.txt"
    assert (pipe.author, pipe.licence) == ("ben", "CC-BY-3.0")
    assert "clang" in pipe.words
    assert found["weather/downpour.wav"].licence == "CC0-1.0"
    assert found["sea/ocean.wav"].licence == UNKNOWN_LICENCE
    assert found["sea/ocean.wav"].licence_from is None


def test_lines_of_credits_are_read(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    sound = tmp_path / "a" / "1-100-A.opus"
    line = "- [1-100-A.ogg]: clip derived from Dog (http://www.freesound.org/people/eve/sounds/1/) by eve [CC-BY]"
    (tmp_path / "CREDITS.txt").write_text(f"Header\n{line}\n")
    found = Origins(tmp_path).of(sound)
    assert (found.author, found.licence, found.source) == (
        "eve",
        "LicenseRef-CC-BY",
        "http://www.freesound.org/people/eve/sounds/1/",
    )
    assert Origins(tmp_path).of(tmp_path / "a" / "other.wav").licence is None
    sound.with_suffix(".txt").write_text("Author: Adam\nLicence: all rights reserved\n")
    nearest = Origins(tmp_path).of(sound)
    assert (nearest.author, nearest.licence, nearest.said_by) == (
        "Adam",
        "LicenseRef-All-Rights-Reserved",
        "a/1-100-A.txt",
    )


@pytest.mark.parametrize(
    ("text", "licence"),
    [
        ("Creative Commons 0", "CC0-1.0"),
        ("http://creativecommons.org/licenses/by-sa/4.0/", "CC-BY-SA-4.0"),
        ("Attribution Noncommercial http://creativecommons.org/licenses/by-nc/3.0/", "CC-BY-NC-3.0"),
        ("Sampling+", "LicenseRef-CC-Sampling-Plus"),
        ("bring your own", None),
    ],
)
def test_licences_have_short_names(text: str, licence: str | None) -> None:
    assert licence_in(text) == licence


def test_only_what_changed_is_heard_again(foley: Path) -> None:
    root = foley / "sounds"
    assert again(foley).heard == 0
    os.utime(root / "sea" / "ocean.wav", ns=(1, 1))
    report = again(foley)
    assert (report.heard, report.unchanged) == (0, len(RECORDINGS))
    soundfile.write(root / "sea" / "ocean.wav", struck((0.1,), 1.0), RATE_HZ)
    (root / "impacts" / "wood" / "desk.flac").unlink()
    (root / "sea" / "LICENSE.txt").write_text("MIT License\n")
    report = again(foley)
    assert (report.heard, report.unchanged, report.removed) == (1, len(RECORDINGS) - 2, 1)
    found = told(foley)
    assert found["sea/ocean.wav"].kind is Kind.SINGLE
    assert found["sea/ocean.wav"].licence == "MIT"
    assert "impacts/wood/desk.flac" not in found
    (root / "weather" / "LICENSE").unlink()
    assert again(foley).heard == 0
    assert told(foley)["weather/downpour.wav"].licence == UNKNOWN_LICENCE


def test_work_that_was_stopped_goes_on(made: Path, tmp_path: Path) -> None:
    begun: list[str] = []
    file = tmp_path / "new.library"
    with pytest.raises(Cancelled, match="kept"):
        update(made / "sounds", file, progress=lambda path, _: begun.append(path), cancelled=lambda: len(begun) >= 4)
    with index_file.Index(file) as index:
        kept = len(list(index.recordings())) + len(index.skipped())
    assert kept == 4
    assert update(made / "sounds", file).heard == len(RECORDINGS) - len([one for one in begun if one in RECORDINGS])


def test_an_index_is_that_of_one_folder(foley: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    soundfile.write(other / "a.wav", struck((0.1,), 0.5), RATE_HZ)
    with pytest.raises(OptionError, match="give this one another name"):
        update(other, foley / "foley.library")
    (foley / "sounds" / "none").mkdir()
    with pytest.raises(OptionError, match="holds no recording"):
        update(foley / "sounds" / "none", foley / "x.library")
    (tmp_path / "text.library").write_text("no database at all, but long enough to look like a file of some sort")
    with pytest.raises(OptionError, match="cannot be used"):
        index_file.load(tmp_path / "text.library")


def test_silence_is_no_recording() -> None:
    with pytest.raises(MediaError, match="silent"):
        hear(np.zeros(RATE_HZ, np.float32), RATE_HZ)


@pytest.mark.real_data
@pytest.mark.skipif(not ESC10.is_dir(), reason="the recordings of ESC-10 are not here")
def test_kinds_of_real_recordings() -> None:
    """Chance is one half; of all 320 recordings the rule tells 92 of 100."""
    goes_on = {"chainsaw": True, "helicopter": True, "rain": True, "sea_waves": True, "dog": False, "sneezing": False}
    right = []
    for name, continuous in goes_on.items():
        for file in sorted((ESC10 / name).iterdir())[:4]:
            sound, rate_hz = audio.read(file)
            right.append((hear(sound, rate_hz).kind is Kind.CONTINUOUS) is continuous)
    assert np.mean(right) >= 0.8


# --- what is chosen -----------------------------------------------------------------------------------------------


def test_words_are_compared_without_their_endings() -> None:
    assert words_of("Barking_Dogs-02.wav", "barks") == ("bark", "dog")
    assert set(words_of("DoorKnock wooden")) <= material_words("wood")
    assert class_words("sea_waves") & set(words_of("Ocean Waves"))
    for name in AMBIENT_CLASSES:
        assert set(words_of(name)) <= class_words(name)


def test_the_word_finds_the_recording(library: Library) -> None:
    best = rank_hits(library, Wanted(of_materials({"metal": 0.9, "wood": 0.1})))[0]
    assert best.recording.path == "impacts/metal/steel pipe.wav"
    assert best.why.startswith("matches: class ")
    assert rank_hits(library, Wanted(of_materials({"glass": 1.0})))[0].name.startswith("impacts/glass/BottleHits")
    assert rank_beds(library, Wanted(of_classes({"rain": 1.0})))[0].recording.path.startswith("weather/")
    assert rank_beds(library, Wanted(of_classes({"dog": 1.0})))[0].recording.path.startswith("dogs/")


def test_a_tag_speaks_as_loud_as_it_is_sure(library: Library) -> None:
    def tagged(entry: Entry) -> Entry:
        ocean = entry.recording.path == "sea/ocean.wav"
        return replace(entry, recording=replace(entry.recording, tags={"singing bird": 0.7} if ocean else {}))

    known = replace(library, entries=tuple(map(tagged, library.entries)))
    best = rank_beds(known, Wanted(dict.fromkeys(words_of("birds"), 1.0)))[0]
    assert best.recording.path == "sea/ocean.wav"
    assert best.evidence["class"] == pytest.approx(0.7)


def test_envelopes_find_the_recording_that_they_were_measured_on(library: Library) -> None:
    for entry in library.entries:
        for attack in entry.attacks[:1]:
            best = rank_hits(library, Wanted(attack=attack))[0]
            assert best.recording.path == entry.recording.path
            assert best.evidence["texture"] == 1.0


def test_pictures_find_recordings_across_modalities(library: Library) -> None:
    def pointing(number: int, entry: Entry) -> Entry:
        return replace(entry, vector=np.eye(len(library.entries), dtype=np.float32)[number])

    known = replace(library, entries=tuple(pointing(k, one) for k, one in enumerate(library.entries)))
    ocean = known.places["sea/ocean.wav"]
    best = rank_beds(known, Wanted(picture=np.eye(len(known.entries), dtype=np.float32)[ocean]))[0]
    assert best.recording.path == "sea/ocean.wav"
    assert "picture 1.0" in best.why


def test_what_a_person_asks_for_goes_before_the_picture(library: Library) -> None:
    axes = np.eye(2, dtype=np.float32)
    sea = library.places["sea/ocean.wav"]
    entries = tuple(replace(one, vector=axes[int(k == sea)]) for k, one in enumerate(library.entries))
    known = replace(library, entries=entries)
    wanted = Wanted(of_classes({"dog": 0.2}), picture=axes[1])
    assert rank_beds(known, wanted)[0].recording.path == "sea/ocean.wav"
    assert rank_beds(known, replace(wanted, firm=True))[0].recording.path.startswith("dogs/")


def test_vectors_of_other_weights_are_left_alone(foley: Path) -> None:
    with index_file.Index(foley / "foley.library", foley / "sounds") as index:
        index.note(vectors_by="some other net")
    assert index_file.load(foley / "foley.library").vectors is None
    again(foley)
    with index_file.Index(foley / "foley.library") as index:
        assert index.about()["vectors_by"] == (embeddings.vectors_by() or "")


# --- what is laid -------------------------------------------------------------------------------------------------


def sound_hits(hits: list[Hit], made: Path, seed: int = 0, duration_s: float = 3.0) -> Rendering:
    voice = LibraryVoice(FlashVoice(), Mode.HITS)
    options = Options(mode=Mode.HITS, synthesis=Synthesis.LIBRARY, library=str(made / "foley.library"), seed=seed)
    controls = Controls(duration_s, tuple(hits))
    return voice.render(controls, options, functools.partial(uniforms, seed), never_cancelled)


def sound_bed(
    made: Path, duration_s: float, seed: int = 0, name: str = "rain", track: Floats | None = None
) -> Rendering:
    voice = LibraryVoice(HissVoice(), Mode.AMBIENT)
    options = Options(mode=Mode.AMBIENT, synthesis=Synthesis.LIBRARY, library=str(made / "foley.library"), seed=seed)
    choice = SoundChoice(name, 1.0, {}, fits=True, reason="asked for")
    controls = Controls(duration_s, track=track, track_rate_hz=10.0, choice=choice)
    return voice.render(controls, options, functools.partial(uniforms, seed), never_cancelled)


def test_the_recordings_own_onset_falls_on_the_sample_of_the_hit(made: Path, library: Library) -> None:
    hit = Hit(1.0, 1.0, "metal", exemplar="impacts/metal/steel pipe.wav")
    laid = sound_hits([hit], made).sound
    recording = library.entries[library.places[hit.exemplar or ""]].recording
    own = resample(RECORDINGS[recording.path], RATE_HZ, 44_100)
    onset = round(recording.pieces[0].onset_s * 44_100)
    wanted, heard = own[onset : onset + 4000], laid[44_100 : 44_100 + 4000]
    gain = float(wanted @ heard / (wanted @ wanted))
    assert gain > 0
    assert heard == pytest.approx(gain * wanted, abs=2e-3)
    assert not laid[: 44_100 - 400].any()


def test_hits_are_heard_when_they_happen(made: Path) -> None:
    times_s = [0.25, 0.9, 1.7, 2.4]
    rendering = sound_hits([Hit(time_s, 0.8, "wood") for time_s in times_s], made)
    heard_s = onsets(rendering.sound, 44_100)
    assert len(heard_s) == 4
    assert heard_s == pytest.approx(times_s, abs=0.005)
    assert all(one.chosen.recording.path.startswith("impacts/wood/") for one in rendering.laid)
    assert [one.start_s for one in rendering.laid] == times_s
    assert [hit.exemplar for hit in rendering.hits] == [one.chosen.name for one in rendering.laid]
    names = [one.chosen.name for one in rendering.laid]
    assert all(before != after for before, after in itertools.pairwise(names))
    assert all(one.chosen.name not in [other.name for other in one.others] for one in rendering.laid)
    assert all(len(one.others) == 5 for one in rendering.laid)


def test_strong_hits_are_louder(made: Path) -> None:
    name = "impacts/wood/desk.flac"
    peaks = [np.abs(sound_hits([Hit(1.0, s, "wood", exemplar=name)], made).sound).max() for s in (0.0, 0.5, 1.0)]
    assert peaks[0] < peaks[1] < peaks[2]
    assert 20 * np.log10(peaks[2] / peaks[0]) == pytest.approx(20.0, abs=1.0)


def test_seeds_choose_among_the_best(made: Path) -> None:
    hits = [Hit(1.0, 0.8, "wood")]
    same = [sound_hits(hits, made, seed=3) for _ in range(2)]
    assert np.array_equal(same[0].sound, same[1].sound)
    assert len({sound_hits(hits, made, seed=seed).laid[0].chosen.name for seed in range(12)}) > 1


def test_an_edited_list_names_its_recordings(made: Path) -> None:
    named = Hit(1.0, 0.8, "wood", exemplar="impacts/glass/BottleHits.aiff#2")
    (laid,) = sound_hits([named], made).laid
    assert (laid.chosen.recording.path, laid.chosen.piece) == ("impacts/glass/BottleHits.aiff", 1)
    for unknown in ("impacts/none.wav", "impacts/glass/BottleHits.aiff#9"):
        with pytest.raises(OptionError, match="exemplar"):
            sound_hits([replace(named, exemplar=unknown)], made)


def test_a_bed_goes_on_for_as_long_as_the_picture(made: Path) -> None:
    rendering = sound_bed(made, 40.0)
    (bed,) = rendering.laid
    assert bed.chosen.recording.path.startswith("weather/")
    assert (bed.start_s, bed.end_s) == (0.0, 40.0)
    levels = 10 * np.log10(np.square(rendering.sound.reshape(-1, 4410)).mean(1))
    assert len(rendering.sound) == 40 * 44_100
    assert levels.max() - levels.min() < 4.0  # no gap and no bump where it is joined


def test_scenes_that_last_change_their_recording(made: Path) -> None:
    rendering = sound_bed(made, 300.0)
    assert len(rendering.laid) > 1
    ends = [one.end_s for one in rendering.laid]
    assert ends == [*(one.start_s for one in rendering.laid[1:]), 300.0]
    levels = 10 * np.log10(np.square(rendering.sound.reshape(-1, 44_100)).mean(1))
    assert levels.max() - levels.min() < 6.0


def test_a_bed_follows_the_picture(made: Path) -> None:
    lively = np.concatenate([np.zeros(50), np.ones(50)]).astype(np.float32)[:, None]
    flat, moved = sound_bed(made, 10.0).sound, sound_bed(made, 10.0, track=lively).sound
    gain = np.abs(moved).reshape(10, -1).max(1) / np.abs(flat).reshape(10, -1).max(1)
    assert gain[8] / gain[1] == pytest.approx(10 ** (10.8 / 20), rel=0.1)
    assert not np.array_equal(sound_bed(made, 10.0, seed=1).sound, flat)
    assert np.array_equal(sound_bed(made, 10.0).sound, flat)


def test_single_sounds_come_back_in_their_time(made: Path) -> None:
    rendering = sound_bed(made, 9.0, name="dog")
    assert rendering.laid[0].chosen.recording.path.startswith("dogs/")
    heard_s = onsets(rendering.sound, 44_100)
    assert heard_s[:4] == pytest.approx([0.2, 0.7, 3.15, 3.65], abs=0.06)


def test_what_is_gone_is_not_chosen_and_what_changed_is_refused(foley: Path) -> None:
    for name in ("door_knock_01.wav", "door_knock_02.wav"):
        (foley / "sounds" / "impacts" / "wood" / name).unlink()
    chosen = {sound_hits([Hit(1.0, 0.8, "wood")], foley, seed).laid[0].chosen.recording.path for seed in range(6)}
    assert not any("door_knock" in path for path in chosen)
    soundfile.write(foley / "sounds" / "impacts" / "wood" / "desk.flac", struck((0.2,), 0.5), RATE_HZ)
    with pytest.raises(MediaError, match="changed since it was indexed"):
        sound_hits([Hit(1.0, 0.8, "wood", exemplar="impacts/wood/desk.flac")], foley)


def test_a_clip_is_sounded_with_a_library(
    flash_voice: FlashVoice, flash_clip: Path, made: Path, tmp_path: Path
) -> None:
    options = Options(mode=Mode.HITS, synthesis=Synthesis.LIBRARY, library="foley", takes=2)
    outputs = sonorize(flash_clip, tmp_path / "out.mkv", options).outputs
    sound, rate_hz = audio.read(outputs[0].target)
    assert len(sound) / rate_hz == pytest.approx(FLASH_CLIP_S, abs=0.05)
    assert onsets(sound, rate_hz) == pytest.approx(FLASHES_S, abs=0.01)
    raw = json.loads(json.dumps(outputs[0].as_json(), allow_nan=False))
    assert [one["what"] for one in raw["library"]] == ["hit", "hit"]
    assert {"sound", "score", "why", "author", "licence", "source", "others"} <= set(raw["library"][0])
    used = {one["sound"].partition("#")[0] for one in raw["library"]}
    assert {one["file"] for one in raw["provenance"]["sounds"]} == used
    assert "library foley" in [one["name"] for one in raw["provenance"]["weights"]]
    assert flash_voice.rendered == 0
    edited = tmp_path / "edited.json"
    edited.write_text(json.dumps({"hits": raw["hits"]}))
    (again,) = render_hits(edited, flash_clip, tmp_path / "again.mkv", replace(options, takes=1)).outputs
    assert audio.read(again.target)[0] == pytest.approx(sound, abs=1e-3)  # a list has six decimals


def test_ranges_of_a_clip_keep_their_sounds(
    flash_voice: FlashVoice, hiss_voice: HissVoice, flash_clip: Path, tmp_path: Path
) -> None:
    (output,) = sonorize(
        flash_clip, tmp_path / "out.mkv", Options(synthesis=Synthesis.LIBRARY, library="foley", mode=Mode.AMBIENT)
    ).outputs
    assert [one.what for one in output.library] == ["bed"]
    assert output.sample_rate_hz == 48_000
    assert not hiss_voice.batches


def test_a_list_of_sounds_fits_into_the_files_comment() -> None:
    sounds = [{"file": f"folder/recording number {number}.wav", "licence": "CC BY"} for number in range(5000)]
    text = provenance.comment({"seed": 1, "sounds": sounds})
    assert len(text) <= provenance.COMMENT_BYTES
    kept = json.loads(text)
    assert len(kept["sounds"]) + kept["sounds_left_out"] == 5000


# --- options, command line, server --------------------------------------------------------------------------------


def test_what_goes_with_a_library() -> None:
    with pytest.raises(OptionError, match="no library holds what these lips say"):
        Options(mode=Mode.SPEECH, synthesis=Synthesis.LIBRARY)
    with pytest.raises(OptionError, match="no library holds what these lips say"):
        Options(voice="grid-s1", synthesis=Synthesis.LIBRARY)
    with pytest.raises(OptionError, match="library goes with synthesis library"):
        Options(library="foley")
    with pytest.raises(OptionError, match="bank goes with"):
        Options(bank="x", synthesis=Synthesis.LIBRARY)
    asked = Options.parse({"synthesis": "library", "library": "foley"})
    assert Options.parse(asked.as_dict()) == asked
    assert asked.settled_mode is Mode.AUTO


def test_libraries_are_found_by_name_or_file(made: Path, tmp_path: Path) -> None:
    assert registry.names() == ("foley",)
    assert registry.find(None) == registry.find("foley") == made / "foley.library"
    assert registry.find(str(made / "foley.library")) == made / "foley.library"
    with pytest.raises(OptionError, match="there are foley"):
        registry.find("opera")
    with pytest.raises(OptionError, match="library's name"):
        registry.file_of("../up")
    registry.keep_in(tmp_path / "none")
    with pytest.raises(OptionError, match="there is none yet"):
        registry.find(None)


def test_the_command_line(foley: Path, capsys: pytest.CaptureFixture[str]) -> None:
    registry.keep_in(foley / "kept")
    sounds = str(foley / "sounds")
    assert app.main(["library", "index", sounds, "--name", "mine", "--json"]) == 0
    told = capsys.readouterr()
    report = json.loads(told.out)
    assert (report["library"], report["recordings"], report["heard"]) == ("mine", len(RECORDINGS), len(RECORDINGS))
    assert "broken.wav is left out" in told.err
    assert app.main(["library", "list", "--json"]) == 0
    assert [one["library"] for one in json.loads(capsys.readouterr().out)] == ["mine"]
    assert app.main(["library", "search", "barking", "dogs"]) == 0
    assert capsys.readouterr().out.startswith("dogs/123456__anna__Barking-Dog.wav: several hits")
    assert app.main(["library", "list", "mine"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == len(RECORDINGS)
    assert app.main(["library", "forget", "mine"]) == 0
    assert app.main(["library", "list"]) == 0
    assert "no library yet" in capsys.readouterr().out
    assert (foley / "sounds" / "sea" / "ocean.wav").is_file()
    assert app.main(["library", "index", str(foley / "nowhere")]) == 2


def test_the_server_offers_its_libraries(made: Path, tmp_path: Path, flash_clip: Path) -> None:
    here = Place(tmp_path, libraries=str(made))
    page = here.client.get("/").text
    assert '<option value="library"' in page
    assert '<option value="foley"' in page
    job = here.sent(flash_clip, mode="hits", synthesis="library", library="foley")
    assert (job["options"]["synthesis"], job["options"]["library"]) == ("library", "foley")
    for wrong, told in (("opera", "there are foley"), (str(made / "foley.library"), "must be a name")):
        refused = here.send(flash_clip, mode="hits", synthesis="library", library=wrong)
        assert (refused.status_code, refused.content_type) == (422, PROBLEM)
        assert told in refused.get_json()["detail"]


def test_the_worker_uses_the_servers_library(
    made: Path, tmp_path: Path, flash_clip: Path, flash_voice: FlashVoice
) -> None:
    here = Place(tmp_path, libraries=str(made), describe=False)
    job = here.sent(flash_clip, mode="hits", synthesis="library")
    here.work()
    done = here.client.get(f"/v1/jobs/{job['id']}").get_json()
    assert done["status"] == "succeeded", done["error"]
    (take,) = done["outputs"]
    assert len(take["library"]) == len(FLASHES_S)
    assert all(one["why"] and one["licence"] for one in take["library"])
    page = here.client.get(f"/jobs/{job['id']}").text
    assert "From the library" in page
    assert UNKNOWN_LICENCE in page


def test_laid_sounds_are_plain_values(library: Library) -> None:
    best = rank_hits(library, Wanted(of_materials({"wood": 1.0})))
    told = Laid(1.0, 1.5, "hit", best[0], tuple(best[1:4])).as_json()
    assert json.loads(json.dumps(told)) == told
    assert len(told["others"]) == 3
