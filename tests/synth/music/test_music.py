"""Music from one's own folder: heard once, suggested, laid under a clip; by the library, the command line, a job."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from synth.cli.app import main
from synth.data.music_scenes import scenes
from synth.dsp.loudness import integrated_lufs
from synth.errors import Cancelled, MediaError, OptionError
from synth.media import audio, ffmpeg, video
from synth.media.sound import bed, limiter
from synth.media.sound.bed import Bed
from synth.music import suggestion
from synth.music.folder import described, track_file
from synth.music.index import INDEX_NAME, MusicIndex
from tests.support.clips import FENCE
from tests.support.voices import FlashVoice
from tests.support.web_place import Place
from workers import music as working
from workers.jobs import Job, State
from workers.records import MUSIC
from workers.tasks import job_run, run_jobs

RATE_HZ = 48_000
TRACKS = 3


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three tracks, with what is said of them beside, and two files that are none."""
    root = tmp_path_factory.mktemp("music")
    scenes.write_tracks(root, TRACKS, duration_s=6.0)
    (root / "broken.mp3").write_bytes(b"ID3 and then nothing")
    audio.write(root / "silent.wav", np.zeros(RATE_HZ * 4, np.float32), RATE_HZ)
    with MusicIndex(root / INDEX_NAME, root) as index:
        index.update()
    return root


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    look = scenes.look_of(scenes.draw_mood(0, 1))
    sound = np.zeros(3 * 44_100, np.float32)
    sound[44_100 : 44_100 + 22_050] = 0.2 * np.sin(np.arange(22_050) * 0.06)
    scenes.write_video(path, look, 3.0, sound=sound)
    return path


# --- the folder and its index


def test_the_index_names_tracks_and_says_why_others_are_skipped(folder: Path) -> None:
    with MusicIndex(folder / INDEX_NAME) as index:
        tracks, numbers = index.tracks()
        skipped = index.skipped()
    assert len(tracks) == TRACKS
    assert numbers.shape == (TRACKS, 1140)
    assert tracks[0].title == scenes.title_of(scenes.draw_mood(0, 0))
    assert (tracks[0].author, tracks[0].licence) == ("Sonorize", "CC0-1.0")
    assert tracks[0].duration_s == pytest.approx(6, abs=0.01)
    assert set(skipped) == {"broken.mp3", "silent.wav"}
    assert "silent" in skipped["silent.wav"]


def test_only_what_changed_is_heard_again(tmp_path: Path) -> None:
    paths = scenes.write_tracks(tmp_path, 2, duration_s=4.0)
    with MusicIndex(tmp_path / INDEX_NAME, tmp_path) as index:
        assert index.update().heard == 2
        again = index.update()
        assert (again.heard, again.known, again.gone) == (0, 2, 0)
        paths[0].unlink()
        os.utime(paths[1], ns=(1, 1))
        changed = index.update()
        assert (changed.heard, changed.known, changed.gone) == (1, 0, 1)
        assert [track.path for track in index.tracks()[0]] == [paths[1].name]


def test_an_update_that_is_stopped_keeps_what_was_heard(tmp_path: Path) -> None:
    scenes.write_tracks(tmp_path, 2, duration_s=4.0)
    asked: list[bool] = []

    def second_time() -> bool:
        asked.append(True)
        return len(asked) > 1

    with MusicIndex(tmp_path / INDEX_NAME, tmp_path) as index:
        with pytest.raises(Cancelled):
            index.update(cancelled=second_time)
        result = index.update()
    assert (result.heard, result.known) == (1, 1)


def test_tags_tell_of_a_track_that_nothing_lies_beside(tmp_path: Path, folder: Path) -> None:
    source = sorted(folder.glob("*.flac"))[0]
    tags = ["-metadata", "title=Night = Drive", "-metadata", "artist=Ann", "-metadata", "copyright=CC BY 4.0"]
    target = f"file:{tmp_path / 'song.ogg'}"
    ffmpeg.run(["-v", "error", "-i", f"file:{source}", "-c:a", "libopus", *tags, "-y", target], fence=FENCE)
    track = described(tmp_path, "song.ogg")
    assert (track.title, track.author, track.licence) == ("Night = Drive", "Ann", "CC-BY-4.0")
    (tmp_path / "song.json").write_text(json.dumps({"title": "Day Walk", "license": "CC BY-NC 4.0"}))
    track = described(tmp_path, "song.ogg")
    assert (track.title, track.author, track.licence) == ("Day Walk", "Ann", "CC-BY-NC-4.0")


@pytest.mark.parametrize("name", ["../outside.wav", "/etc/passwd", "none.wav", "notes.txt", "link.wav", "", "a\0.wav"])
def test_nothing_but_tracks_of_the_folder_is_found(tmp_path: Path, name: str) -> None:
    root = tmp_path / "music"
    root.mkdir()
    for path in (tmp_path / "outside.wav", root / "in.wav", root / "notes.txt"):
        path.write_bytes(b"RIFF")
    (root / "link.wav").symlink_to(tmp_path / "outside.wav")
    assert track_file(root, "in.wav") == (root / "in.wav").resolve()
    with pytest.raises(OptionError, match="no track"):
        track_file(root, name)


def test_a_file_that_is_no_index_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="no index of music"):
        MusicIndex(tmp_path / "none.sqlite")
    (tmp_path / "text.sqlite").write_text("nothing of the kind " * 100)
    with pytest.raises(OptionError, match="cannot be used"):
        MusicIndex(tmp_path / "text.sqlite")


# --- the bed


def _tone(hz: float, seconds: float, gain: float = 0.3) -> Any:
    return (gain * np.sin(2 * np.pi * hz * np.arange(round(seconds * RATE_HZ)) / RATE_HZ)).astype(np.float32)


def test_the_music_has_the_level_asked_for_and_the_sound_keeps_its_own() -> None:
    silence = np.zeros(RATE_HZ * 10, np.float32)
    mixed = bed.lay_under(silence, _tone(300, 12), RATE_HZ, Bed(level_lufs=-30), true_peak_dbtp=-1)
    middle = mixed.sound[RATE_HZ : 7 * RATE_HZ]
    assert integrated_lufs(middle, RATE_HZ) == pytest.approx(-30, abs=0.5)
    assert len(mixed.sound) == len(silence)
    assert abs(float(mixed.sound[-1])) < 1e-3  # faded out
    speech = _tone(1000, 10)
    both = bed.lay_under(speech, _tone(300, 12), RATE_HZ, Bed(level_lufs=-30), true_peak_dbtp=-1)
    spectrum = np.abs(np.fft.rfft(both.sound[RATE_HZ : 3 * RATE_HZ])) / RATE_HZ
    assert spectrum[2000] == pytest.approx(0.3, rel=0.01)


def test_the_music_gives_way_and_comes_back() -> None:
    sound = np.concatenate([np.zeros(RATE_HZ * 3, np.float32), _tone(1000, 3), np.zeros(RATE_HZ * 4, np.float32)])
    gains = bed.giving_way(sound, RATE_HZ, 6.0)
    at = [float(20 * np.log10(gains[round(time_s * RATE_HZ)])) for time_s in (2, 5, 9.5)]
    assert at == pytest.approx([0, -6, 0], abs=0.3)
    assert (bed.giving_way(sound, RATE_HZ, 0.0) == 1).all()


def test_the_sum_stays_under_the_true_peak() -> None:
    loud = _tone(1000, 5, gain=0.85)
    mixed = bed.lay_under(loud, _tone(310, 5), RATE_HZ, Bed(level_lufs=-12, duck_db=0), true_peak_dbtp=-1)
    assert mixed.limited
    assert limiter.true_peak_dbtp(mixed.sound) <= -0.95


def test_a_short_track_begins_anew_without_a_gap() -> None:
    track = _tone(300, 3)
    long = bed.fitted(track, RATE_HZ * 10, RATE_HZ)
    windows = np.abs(long).reshape(-1, RATE_HZ // 10).max(1)
    assert len(long) == RATE_HZ * 10
    assert windows.min() > 0.05
    mixed = bed.lay_under(np.zeros(RATE_HZ * 10, np.float32), track, RATE_HZ, Bed(), true_peak_dbtp=-1)
    assert "begins anew" in mixed.warnings[0]


@pytest.mark.parametrize(
    ("how", "said"), [(Bed(-5.0), "level_lufs"), (Bed(duck_db=-1), "duck_db"), (Bed(start_s=9), "9 s")]
)
def test_numbers_out_of_range_are_refused(how: Bed, said: str) -> None:
    with pytest.raises(MediaError, match=said):
        bed.lay_under(np.zeros(RATE_HZ, np.float32), _tone(300, 3), RATE_HZ, how, true_peak_dbtp=-1)


# --- the command line


def test_from_folder_to_film(folder: Path, clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["music", "index", str(folder), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["known"], len(told["skipped"])) == (5, 2)
    assert main(["music", "suggest", str(clip), "--index", str(folder), "--top", "2", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["suggestions"]
    assert len(found) == 2
    assert 1 >= found[0]["score"] >= found[1]["score"] >= -1
    out, track = tmp_path / "out.mp4", folder / found[0]["path"]
    asked = ["music", "lay", str(clip), "--track", str(track), "-o", str(out), "--level-lufs", "-24", "--json"]
    assert main(asked) == 0
    laid = json.loads(capsys.readouterr().out)
    assert laid["music"]["licence"] == "CC0-1.0"
    assert laid["music"]["level_lufs"] == -24
    assert laid["true_peak_dbtp"] <= -0.95
    assert video.packet_digest(out) == video.packet_digest(clip)
    assert main(asked) == 2
    assert "--force" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["out.mp4"]


def test_there_is_music_to_try_things_out_with(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["music", "make", str(tmp_path / "new"), "--count", "1"]) == 0
    path = Path(capsys.readouterr().out.strip())
    sound, rate_hz = audio.read(path)
    assert len(sound) == 30 * rate_hz
    assert described(path.parent, path.name).licence == "CC0-1.0"


def test_the_sound_of_a_clip_is_where_its_picture_is(clip: Path) -> None:
    sound = suggestion.sound_of(clip)
    first = int(np.flatnonzero(np.abs(sound) > 0.05)[0]) / RATE_HZ
    assert first == pytest.approx(1.0, abs=0.03)


# --- in a job


@pytest.fixture
def place(tmp_path: Path, folder: Path, flash_voice: FlashVoice) -> Iterator[Place]:
    place = Place(tmp_path / "data", music=str(folder))
    working.hear(folder, place.settings.music_index)
    yield place
    place.jobs.close()


def _work(place: Place) -> None:
    place.work()
    context = job_run.WorkerContext(
        place.settings, place.jobs, place.storage, lambda _: True, place.settings.work_dir, "test"
    )
    while run_jobs.drain(context, MUSIC):
        pass


def _done(place: Place, flash_clip: Path) -> dict[str, Any]:
    sent = place.sent(flash_clip, mode="hits")
    _work(place)
    return dict(place.client.get(sent["links"]["self"]).get_json())


def _row(place: Place, job: dict[str, Any]) -> Job:
    return place.jobs.get(job["id"], None)


def test_a_job_ends_with_suggestions_and_one_click_lays_one_under(place: Place, flash_clip: Path) -> None:
    job = _done(place, flash_clip)
    assert job["status"] == "succeeded"
    found = job["music"]["suggestions"]
    assert len(found) == TRACKS
    page = place.client.get(f"/jobs/{job['id']}").text
    assert "Music that fits" in page
    assert found[0]["title"] in page
    token = place.form_token(f"/jobs/{job['id']}")
    form = {"csrf_token": token, "track": found[1]["path"], "level_lufs": "-30", "take": "0"}
    answer = place.client.post(f"/jobs/{job['id']}/music", data=form)
    assert answer.status_code == 303
    assert place.notified[-1] == MUSIC
    _work(place)
    made = place.client.get(answer.headers["Location"].replace("/jobs/", "/v1/jobs/")).get_json()
    assert made["status"] == "succeeded"
    laid = made["music"]["laid"]
    assert (laid["of"], laid["track"], laid["level_lufs"]) == (job["id"], found[1]["path"], -30)
    assert laid["licence"] == "CC0-1.0"
    page = place.client.get(answer.headers["Location"]).text
    assert f'href="/jobs/{job["id"]}?take=0"' in page
    assert "Licence: CC0-1.0" in page
    assert answer.headers["Location"] in place.client.get(f"/jobs/{job['id']}").text
    plain, new = (_row(place, one).result for one in (job, made))
    assert plain is not None
    assert new is not None
    provenance = place.client.get(made["outputs"][0]["links"]["provenance"]).get_json()
    assert provenance["music"]["path"] == found[1]["path"]
    for name, result in (("plain.mp4", plain), ("new.mp4", new)):
        place.storage.fetch(result["outputs"][0]["key"], place.settings.data_dir / name)
    digests = {video.packet_digest(place.settings.data_dir / name) for name in ("plain.mp4", "new.mp4")}
    assert len(digests) == 1
    assert made["outputs"][0]["hit_count"] == job["outputs"][0]["hit_count"]


def test_a_suggestion_is_heard_in_ranges_and_nothing_else_is(place: Place, flash_clip: Path, folder: Path) -> None:
    job = _done(place, flash_clip)
    first = job["music"]["suggestions"][0]
    whole = (folder / first["path"]).read_bytes()
    with place.client.get(first["links"]["sound"]) as answer:
        assert answer.data == whole
        assert answer.content_type == "audio/flac"
    with place.client.get(first["links"]["sound"], headers={"Range": "bytes=10-19"}) as part:
        assert (part.status_code, part.data) == (206, whole[10:20])
    assert place.client.get(f"/v1/jobs/{job['id']}/music/99").status_code == 404
    for track in ("../data/sonorize.db", "/etc/passwd", "none.flac", INDEX_NAME):
        answer = place.client.post(f"/v1/jobs/{job['id']}/music", json={"track": track})
        assert (answer.status_code, answer.get_json()["code"]) == (422, "option"), answer.text
    for body in ({}, {"track": first["path"], "level_lufs": 3}, {"track": first["path"], "take": 7}):
        assert place.client.post(f"/v1/jobs/{job['id']}/music", json=body).status_code == 422


def test_music_needs_a_finished_result_and_goes_on_without_the_first_job(place: Place, flash_clip: Path) -> None:
    waiting = place.sent(flash_clip, mode="hits")
    track = sorted(track_file(place.settings.music_dir or Path(), name) for name in _names(place))[0].name
    assert place.client.post(f"{waiting['links']['self']}/music", json={"track": track}).status_code == 409
    _work(place)
    made = place.client.post(f"{waiting['links']['self']}/music", json={"track": track}).get_json()
    assert place.client.post(f"/v1/jobs/{made['id']}/variants", json={}).status_code == 409
    place.client.delete(waiting["links"]["self"])
    _work(place)
    gone = _row(place, made)
    assert gone.state is State.FAILED
    assert "not there any more" in str(gone.error)


def _names(place: Place) -> list[str]:
    with MusicIndex(place.settings.music_index) as index:
        return [track.path for track in index.tracks()[0]]


def test_without_a_folder_nothing_is_said_of_music(tmp_path: Path, flash_voice: FlashVoice, flash_clip: Path) -> None:
    place = Place(tmp_path / "data")
    try:
        job = _done(place, flash_clip)
        assert job["music"] == {"suggestions": [], "reason": None, "laid": None}
        assert "Music that fits" not in place.client.get(f"/jobs/{job['id']}").text
        assert place.client.post(f"/v1/jobs/{job['id']}/music", json={"track": "a.wav"}).status_code == 404
    finally:
        place.jobs.close()


def test_a_folder_that_is_gone_fails_no_job(tmp_path: Path, flash_voice: FlashVoice, flash_clip: Path) -> None:
    place = Place(tmp_path / "data", music=str(tmp_path / "gone"))
    try:
        job = _done(place, flash_clip)
        assert job["status"] == "succeeded"
        assert job["music"]["suggestions"] == []
        assert job["music"]["reason"]
    finally:
        place.jobs.close()
