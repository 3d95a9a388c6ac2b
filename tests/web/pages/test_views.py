"""The pages as they are without scripts: plain forms, and everything that people need to see."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from synth import weights
from synth.ambient_classes import AMBIENT_CLASSES
from synth.errors import OptionError
from synth.materials import MATERIALS
from synth.options import Channels, ExistingSound, Mode, Options, Synthesis
from synth.sound_names import SOUND_NAMES
from tests.support.paths import ROOT
from tests.support.web_place import Place, canned, place
from web.pages import filters
from web.uploads import forms
from workers.jobs import State


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Place]:
    with place(tmp_path / "data") as made:
        yield made


def upload(here: Place, *clips: Path, **options: str) -> str:
    """Send the form of the front page; the address it leads to."""
    answer = here.send(*clips, to="/", csrf_token=here.form_token(), **options)
    assert answer.status_code == 303, answer.text
    return answer.headers["Location"]


def press(here: Place, path: str, **fields: str) -> str:
    """Press a button of a job's page; the address it leads to."""
    answer = here.client.post(path, data={"csrf_token": here.form_token(), **fields})
    assert answer.status_code == 303, answer.text
    return answer.headers["Location"]


def test_the_form_offers_all_options(here: Place) -> None:
    page = here.client.get("/").text
    names = set(re.findall(r'<(?:select|input) id="f-[^"]+" name="([^"]+)"', page))
    # One bank ships, and no sound library: there is nothing to choose.
    without_speech = set() if Mode.SPEECH in forms.MODES else {"voice", "face"}
    assert names | {"bank", "library"} == set(forms.NAMES) - without_speech
    values = set(re.findall(r'<option value="([^"]*)"', page))
    assert values == {
        "",
        *Channels,
        *MATERIALS,
        *SOUND_NAMES,
        *(mode.value for mode in forms.MODES),
        *(one.value for one in Synthesis if one is not Synthesis.LIBRARY),
        *(one.value for one in ExistingSound),
        *weights.voices(),
    }
    assert 'enctype="multipart/form-data"' in page
    assert f'data-max-bytes="{here.settings.max_upload_bytes}"' in page


def test_what_goes_with_speech_is_offered_where_speech_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forms, "MODES", (*forms.MODES, Mode.SPEECH))
    speech = {field.name: field for field in forms.main_fields() if Mode.SPEECH in field.modes}
    assert set(speech) == {"voice", "face", "text", "consent"}
    assert all(field.modes == (Mode.SPEECH,) and field.value == "" for field in speech.values())
    assert speech["voice"].choices[0][0] == ""
    asked = forms.parse_options({"mode": "speech", "voice": "grid-s1", "face": "2"})
    assert (asked.voice, asked.face) == ("grid-s1", 2)


def test_a_voice_pack_needs_the_voice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forms, "MODES", (Mode.AUTO, Mode.HITS))
    with pytest.raises(OptionError, match="mode is 'speech', which has no voice"):
        forms.parse_options({"voice": "grid-s1"})


def test_the_form_as_it_stands_asks_for_the_defaults(here: Place) -> None:
    fields = {field.name: field.value for field in (*forms.main_fields(), *forms.more_fields())}
    assert forms.parse_options(fields) == Options()


def test_upload_watch_and_play(here: Place, flash_clip: Path) -> None:
    where = upload(here, flash_clip, seed="4", takes="2", material="", mode="hits")
    waiting = here.client.get(where).text
    assert '<noscript><meta http-equiv="refresh"' in waiting
    assert '<progress max="1"' in waiting
    assert "Cancel" in waiting
    here.finish()
    page = here.client.get(where).text
    assert 'http-equiv="refresh"' not in page
    job_id = where.rpartition("/")[2]
    for kind in ("video", "sound", "hits", "provenance"):
        assert f'href="/v1/jobs/{job_id}/outputs/0/{kind}?download"' in page
    assert f'<video controls playsinline preload="metadata" poster="/v1/jobs/{job_id}/outputs/0/thumbnail"' in page
    assert page.count("<tr>") == 1 + 2
    assert page.count("<rect class=") == 2
    assert "0:00.500" in page
    second = here.client.get(f"{where}?take=1").text
    assert f"/v1/jobs/{job_id}/outputs/1/video" in second
    assert here.client.get(f"{where}?take=99").status_code == 200


def test_a_page_says_why_the_voice_was_chosen(here: Place, flash_clip: Path) -> None:
    where = upload(here, flash_clip)
    (job,) = here.jobs.claim(1, "auto", "test")
    result = canned(job, here.storage)
    result["outputs"][0] |= {
        "mode": "speech",
        "mode_reason": "auto: a talking face was found for 1.8 of 2.0 s",
        "ranges": [
            {"start_s": 0.0, "end_s": 1.8, "mode": "speech", "probability": 0.92, "reason": "a talking face"},
            {"start_s": 1.8, "end_s": 2.0, "mode": "hits", "probability": 0.71, "reason": "impacts <b>"},
        ],
    }
    result["outputs"][0]["provenance"]["synthetic_speech"] = True
    assert here.jobs.finish(job.id, job.attempt, result)
    page = here.client.get(where).text
    assert "Speech: Chosen automatically; a talking face was found for 1.8 of 2.0 s." in page
    assert "Speech (92 %): a talking face" in page
    assert "Hits and scratches (71 %): impacts &lt;b&gt;" in page
    assert "The speech in this video is synthetic" in page
    told = here.client.get(f"/v1{where}").get_json()
    assert told["outputs"][0]["synthetic_speech"] is True


def test_a_page_of_another_voice_says_nothing_of_speech(here: Place, flash_clip: Path) -> None:
    where = upload(here, flash_clip, mode="hits")
    here.finish()
    page = here.client.get(where).text
    assert "synthetic" not in page
    assert "Hits and scratches: It was asked for." in page


def test_another_seed(here: Place, flash_clip: Path) -> None:
    where = upload(here, flash_clip, seed="4")
    here.finish()
    assert 'name="seed" type="number" min="0" step="1" value="5"' in here.client.get(where).text
    other = press(here, f"{where}/variants", seed="77")
    assert other != where
    assert here.jobs.get(other.rpartition("/")[2], None).options["seed"] == 77


def test_cancel_try_again_delete(here: Place, dark_clip: Path) -> None:
    where = upload(here, dark_clip)
    assert press(here, f"{where}/cancel") == where
    page = here.client.get(where).text
    assert "This was canceled" in page
    press(here, f"{where}/retry")
    assert "Waiting" in here.client.get(where).text
    assert press(here, f"{where}/delete") == "/gallery"
    gone = here.client.get(where)
    assert (gone.status_code, gone.mimetype) == (404, "text/html")
    assert here.left() == []


def test_a_failure_is_told(here: Place, dark_clip: Path) -> None:
    where = upload(here, dark_clip)
    (job,) = here.jobs.claim(1, "auto", "test")
    here.jobs.fail(job.id, job.attempt, "bad_media", "the clip <b>breaks off</b>", retryable=False)
    page = here.client.get(where).text
    assert "The clip &lt;b&gt;breaks off&lt;/b&gt;." in page
    assert "Try again" in page


def test_running_shows_stage_and_place_in_the_queue(here: Place, dark_clip: Path) -> None:
    first, second = upload(here, dark_clip), upload(here, dark_clip)
    assert "number 2 in the queue" in here.client.get(second).text
    (job,) = here.jobs.claim(1, "auto", "test")
    here.jobs.progress(job.id, job.attempt, "look", 0.42)
    page = here.client.get(first).text
    assert "Watching the clip" in page
    assert "keep what there is" not in page
    assert "42 %" in page
    here.jobs.cancel(job.id, None)
    assert "Stopping" in here.client.get(first).text


def test_an_ambient_sound_and_why(here: Place, flash_clip: Path) -> None:
    where = upload(here, flash_clip, mode="ambient", sound_class="", keep_partial="true")
    assert here.jobs.get(where.rpartition("/")[2], None).options["keep_partial"] is True
    here.finish()
    page = here.client.get(where).text
    assert "Sea waves <small>73 %</small>" in page
    assert "The picture shows a seashore and a sandbar." in page
    odds = re.findall(
        r"<li[^>]*><span>([^<]+)</span><meter min=\"0\" max=\"1\" value=\"([\d.]+)\" aria-label=\"[^\"]+\">", page
    )
    assert odds[0] == ("sea waves", "0.73")
    assert len(odds) == len(AMBIENT_CLASSES)
    assert "Hit list" not in page
    assert "<dt>If canceled</dt><dd>Keep what was made</dd>" in page
    page = here.client.get("/gallery").text
    assert "<span>Sea waves</span>" in page
    assert 'class="card whole"' in page  # its picture takes the room where other cards show their hits
    assert 'class="score' not in page

    asked = upload(here, flash_clip, mode="ambient", sound_class="crackling_fire")
    assert "<dt>Sound</dt><dd>crackling fire</dd>" in here.client.get(asked).text
    here.finish()
    page = here.client.get(asked).text
    assert "<h2>Crackling fire</h2>" in page
    assert "It was asked for." in page


def test_stop_and_keep_what_there_is(here: Place, dark_clip: Path) -> None:
    where = upload(here, dark_clip, mode="ambient")
    assert "data-keep hidden>" in here.client.get(where).text  # nothing is made yet
    (job,) = here.jobs.claim(1, "ambient", "test")
    page = here.client.get(where).text
    assert '<button name="keep_partial" value="true" data-keep>Stop and keep what there is</button>' in page
    press(here, f"{where}/cancel", keep_partial="true")
    assert here.jobs.keeps_partial(job.id)
    page = here.client.get(where).text
    assert page.count("disabled>") == 2


def test_a_part_that_was_kept(here: Place, dark_clip: Path, flash_clip: Path) -> None:
    where = upload(here, dark_clip, mode="ambient")
    here.cut(where.rpartition("/")[2])
    page = here.client.get(where).text
    assert "what was made by then is kept" in page
    assert "partial, 0.7 s of sound" in page
    assert "<video" in page
    assert "Download the video" in page
    card = here.client.get("/gallery?state=canceled").text
    assert "partial, 0.7 s of sound" in card
    assert "Canceled" in card
    press(here, f"{where}/retry")
    assert "Waiting" in here.client.get(where).text


def test_several_clips_make_a_batch(here: Place, dark_clip: Path, flash_clip: Path) -> None:
    answer = here.send(dark_clip, flash_clip, to="/", csrf_token=here.form_token())
    where = answer.headers["Location"]
    assert where.startswith("/batches/")
    page = here.client.get(where).text
    assert "0 of 2 finished" in page
    assert page.count('<article class="card"') == 2
    press(here, f"{where}/cancel")
    assert "2 of 2 finished" in here.client.get(where).text


def test_refused_clips_are_named(here: Place, dark_clip: Path, tmp_path: Path) -> None:
    letter = tmp_path / "letter.mp4"
    letter.write_text("Dear server")
    mixed = here.send(dark_clip, letter, to="/", csrf_token=here.form_token())
    assert mixed.status_code == 200
    assert "letter.mp4: the file is damaged" in mixed.text
    alone = here.send(letter, to="/", csrf_token=here.form_token())
    assert (alone.status_code, alone.mimetype) == (422, "text/html")
    assert "The file is damaged" in alone.text
    nothing = here.client.post("/", data={"csrf_token": here.form_token()}, content_type="multipart/form-data")
    assert nothing.status_code == 400
    assert "no clip was chosen" in nothing.text.lower()


def test_the_gallery_filters_and_pages(here: Place, dark_clip: Path, flash_clip: Path) -> None:
    empty = here.client.get("/gallery").text
    assert "Nothing here yet" in empty
    done = upload(here, flash_clip, mode="hits")
    here.finish()
    waiting = upload(here, dark_clip)

    def cards(query: str) -> list[str]:
        page = here.client.get(f"/gallery?{query}").text
        return re.findall(r'<h2 class="title"><a href="([^"]+)"', page)

    assert cards("") == [waiting, done]
    assert cards("state=succeeded") == [done]
    assert cards("mode=auto") == [waiting]
    assert cards("mode=hits&state=queued") == []
    assert cards("limit=1") == [waiting]
    older = re.findall(r'rel="next" href="([^"]+)"', here.client.get("/gallery?limit=1").text)
    assert re.findall(r'<h2 class="title"><a href="([^"]+)"', here.client.get(older[0].replace("&amp;", "&")).text) == [
        done
    ]
    refused = here.client.get("/gallery?state=asleep")
    assert (refused.status_code, refused.mimetype) == (422, "text/html")


def test_an_expired_job_says_so(here: Place, dark_clip: Path) -> None:
    where = upload(here, dark_clip)
    here.finish()
    here.jobs.expire(4e9)
    page = here.client.get(where).text
    assert "files of this job have been deleted" in page
    assert "<video" not in page


def test_the_documentation_stands_on_its_own(here: Place) -> None:
    page = here.client.get("/docs").text
    assert "curl -sS http://localhost/v1/jobs" in page
    assert "import httpx" in page
    assert 'id="problem-media"' in page


def test_the_documented_python_is_python(here: Place) -> None:
    page = here.client.get("/docs").text
    listing = re.findall(
        r'<pre id="python" tabindex="0" role="region" aria-label="Python example">(.*?)</pre>', page, re.DOTALL
    )[0]
    text = listing.replace("&#34;", '"').replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    compile(text, "docs", "exec")


def test_words_for_figures() -> None:
    assert [filters.duration(seconds) for seconds in (None, 0.04, 9.94, 75, 3723)] == [
        "–",
        "0.0 s",
        "9.9 s",
        "1:15",
        "1:02:03",
    ]
    assert [filters.size(count) for count in (None, 12, 2048, 5_000_000, 3 * 1024**3)] == [
        "–",
        "12 bytes",
        "2.0 KiB",
        "4.8 MiB",
        "3.0 GiB",
    ]
    assert filters.clock(63.25) == "1:03.250"
    assert filters.ago(0).endswith("days ago")
    assert filters.sentence("it broke") == "It broke."


def test_reasons_name_no_data_sets_and_no_bare_shares() -> None:
    told = "the picture shows ImageNet's desk (0.43), hammer (.2); colours and motion speak for rain at 0.07"
    plain = "the picture shows desk (43 %), hammer (20 %); colours and motion speak for rain (7 %)"
    assert filters.plain(told) == plain
    for kept in ("impacts at 1.5 a second", "a talking face was found for 1.8 of 2.0 s"):
        assert filters.plain(kept) == kept
    assert filters.why("auto: the scene looks like rain (0.71)") == (
        "Chosen automatically; the scene looks like rain (71 %)."
    )


def test_every_material_has_a_colour_and_every_state_a_word() -> None:
    assert sorted(name for members in filters.FAMILIES.values() for name in members) == sorted(MATERIALS)
    assert all(filters.state_word(state.value) for state in State)


def test_static_files_may_be_kept_for_ever(here: Place) -> None:
    for name in ("site.css", "site.js", "upload/main.js", "mark.svg"):
        with here.app.test_request_context():
            address = filters.static_file(name)
        with here.client.get(address) as answer:
            text = answer.get_data(as_text=True)
        assert answer.status_code == 200
        assert "max-age=31536000" in answer.headers["Cache-Control"]
        assert "http" not in text.replace("http://www.w3.org/2000/svg", ""), "nothing comes from elsewhere"


@pytest.mark.parametrize(
    "path", ["/v1/jobs/nobody", "/v1/nowhere", "/v1/search?q=", "/v1/jobs/nobody/takes/0/heat-map.mp4"]
)
def test_a_browser_sees_no_raw_problem(here: Place, path: str) -> None:
    chromium = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"
    page = here.client.get(path, headers={"Accept": chromium})
    assert (page.status_code // 100, page.mimetype) == (4, "text/html")
    assert "<h1>" in page.text
    for accept in ("*/*", "application/json", ""):
        told = here.client.get(path, headers={"Accept": accept})
        assert (told.status_code, told.mimetype) == (page.status_code, "application/problem+json")


def test_a_lost_visitor_and_a_refused_form(here: Place) -> None:
    lost = here.client.get("/nowhere", headers={"Accept": "text/html"})
    assert (lost.status_code, "There is no page at this address." in lost.text) == (404, True)
    assert "Back to the form" not in lost.text
    form = {"csrf_token": here.form_token("/account"), "retention_days": "many"}
    for before, told in (("http://localhost/account", True), ("https://example.org/account", False)):
        refused = here.client.post("/account/retention", data=form, headers={"Referer": before, "Accept": "text/html"})
        assert refused.status_code == 422
        assert ('href="/account">Back to the form<' in refused.text) is told


def test_where_no_key_is_needed_all_pages_are_linked(here: Place) -> None:
    page = here.client.get("/").text
    assert 'href="/account"' in page
    assert 'href="/admin"' in page


def test_counts_agree_with_their_nouns() -> None:
    assert [filters.counted(count, "clip") for count in (0, 1, 2)] == ["0 clips", "1 clip", "2 clips"]
    assert [filters.counted(count, "match") for count in (1, 3)] == ["1 match", "3 matches"]
    assert filters.counted(12_345, "hit") == "12\N{NO-BREAK SPACE}345 hits"
    for template in sorted((ROOT / "web/pages/templates").rglob("*.html")):
        assert '"s" if' not in template.read_text(), template  # there is one way to say it
