"""The samples of a new server: made beside everything else, heard by everybody, deleted for good."""

from __future__ import annotations

import hashlib
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from synth.data.strike_scenes import simulate
from synth.options import Mode, Options
from synth.pipeline.sonorize import sonorize
from tests.support.voices import FlashVoice
from tests.support.web_place import Place, place
from web.context import parts_of
from web.server import samples
from workers.jobs import State

SECRETS = {name: f"{name}-" + name[0] * 40 for name in ("anna", "ben")}
KEYS = ",".join(f"{name}:{hashlib.sha256(secret.encode()).hexdigest()}" for name, secret in SECRETS.items())


@pytest.fixture
def here(tmp_path: Path, flash_voice: FlashVoice) -> Iterator[Place]:
    with place(tmp_path / "data") as made:
        yield made


def made(here: Place, ready: bool = True) -> samples.Samples:
    """The maker, at its end."""
    maker = samples.Samples(parts_of(here.app), lambda: ready)
    maker.start()
    for thread in threading.enumerate():
        if thread.name == "samples" and ready:
            thread.join(60)
    return maker


def test_a_new_server_has_three_results_to_hear(here: Place) -> None:
    assert "Hear three samples" not in here.client.get("/").text
    made(here)
    assert "Hear three samples" not in here.client.get("/").text  # they are not sounded yet
    here.work()
    page = here.client.get("/").text
    assert page.count('<figure class="sample">') == 3
    assert "Newest results" not in page
    for kind, content_type in (("video", "video/mp4"), ("thumbnail", "image/jpeg")):
        with here.client.get(f"/samples/2/{kind}") as answer:
            assert (answer.status_code, answer.content_type) == (200, content_type)
            assert len(answer.data) > 500
    assert here.client.get("/samples/3/video").status_code == 404
    assert here.client.get("/samples/0/source").status_code == 404


def test_they_are_made_once_and_deleted_for_good(here: Place) -> None:
    made(here)
    made(here)
    here.work()
    assert len(here.jobs.recent(owner=samples.OWNER)[0]) == 3
    gone = here.client.post("/admin/samples/delete", data={"csrf_token": here.form_token()})
    assert gone.status_code == 303
    assert here.left() == []
    made(here)
    assert here.left() == []


def test_a_server_with_results_of_its_own_gets_none(here: Place, flash_clip: Path) -> None:
    here.done(flash_clip)
    made(here)
    assert here.jobs.recent(owner=samples.OWNER)[0] == []


def test_nothing_waits_for_them_and_they_wait_for_the_workers(here: Place) -> None:
    maker = made(here, ready=False)
    assert here.jobs.recent(owner=None)[0] == []
    maker.stop()
    assert not (here.settings.data_dir / samples.MARKER).exists()  # the next start tries again
    assert not [thread for thread in threading.enumerate() if thread.name == "samples"]


def test_everybody_hears_them_and_nobody_owns_them(tmp_path: Path, flash_voice: FlashVoice) -> None:
    with place(tmp_path / "data", api_keys=KEYS) as here:
        made(here)
        here.work()
        (job, *_), _ = here.jobs.recent(owner=samples.OWNER, state=State.SUCCEEDED)
        ben = {"Authorization": f"Bearer {SECRETS['ben']}"}
        assert here.client.get("/samples/0/video").status_code in (303, 401)
        assert here.client.get("/samples/0/video", headers=ben).status_code == 200
        assert here.client.get(f"/v1/jobs/{job.id}", headers=ben).status_code == 404
        assert here.client.get("/v1/jobs", headers=ben).get_json()["jobs"] == []
        assert here.client.post("/admin/samples/delete", headers=ben).status_code == 403
        assert len(samples.shown(parts_of(here.app))) == 3


@pytest.mark.parametrize(("seed", "material"), samples.SCENES)
def test_a_sample_sounds_as_its_title_says(tmp_path: Path, seed: int, material: str) -> None:
    """With the weights that ship: what is heard most is the material that is drawn."""
    width, height = samples.SIZE
    scene = simulate.draw_scene(
        seed, duration_s=samples.DURATION_S, rate_fps=samples.RATE_FPS, material=material, demo=True
    )
    simulate.write_clip(scene, tmp_path / "clip.mp4", width=width, height=height, with_sound=False)
    result = sonorize(tmp_path / "clip.mp4", tmp_path / "result.mp4", Options(mode=Mode.HITS, seed=seed))
    heard = Counter(hit.material for hit in result.outputs[0].hits)
    assert heard.most_common(1)[0][0] == material
