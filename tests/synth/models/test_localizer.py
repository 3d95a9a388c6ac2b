"""Attention over positions: its losses, its training, its reader, and boxes that people drew."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from synth import weights
from synth.boxes import Box
from synth.data.corpora import drawn_boxes
from synth.data.sounding_scenes import scenes
from synth.description.localization import WEIGHTS, AttentionReader
from synth.errors import OptionError, WeightsError
from synth.evaluation.audiovisual import localizer as evaluation
from synth.evaluation.audiovisual import marked_frames
from synth.models.attention_localizer import (
    AttentionLocalizer,
    LocalizerConfig,
    box_loss,
    firmness_loss,
    pack,
    triplet_loss,
    unpack,
)
from synth.training.audiovisual import localizer
from synth.training.audiovisual.localizer_calibration import logistic


@pytest.fixture(scope="module")
def net() -> AttentionLocalizer:
    torch.manual_seed(0)
    return AttentionLocalizer(LocalizerConfig(width=4)).eval()


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of runs, whose cache the tests share."""
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def collected(runs: Path) -> localizer.Collected:
    return localizer.collect(runs / "any", None, 2)


def _points(*rows: tuple[float, float]) -> torch.Tensor:
    return torch.nn.functional.normalize(torch.tensor(rows, dtype=torch.float32), dim=1)


def test_attention_is_a_distribution_that_follows_the_sound(net: AttentionLocalizer) -> None:
    seen = torch.zeros(2, 128, 196)
    seen[:, 0] = 1.0  # everywhere the same
    seen[:, 0, 7], seen[:, 1, 7] = 0.0, 1.0  # but at one place
    heard = torch.zeros(2, 128)
    heard[0, 1] = heard[1, 0] = 1.0
    found = net.attend(seen, heard)
    assert torch.allclose(found.log_weights.exp().sum(1), torch.ones(2))
    assert int(found.log_weights[0].argmax()) == 7
    assert int(found.log_weights[1].argmin()) == 7
    assert float(found.cosines.min()) == 0
    assert torch.allclose(found.attended.norm(dim=1), torch.ones(2))


def test_the_triplet_loss_is_low_where_the_own_sound_is_nearest() -> None:
    heard = _points((1, 0), (0, 1))
    wrong = ~torch.eye(2, dtype=torch.bool)
    near, far = triplet_loss(heard, heard, wrong), triplet_loss(heard.flip(0), heard, wrong)
    even = triplet_loss(_points((1, 1), (1, 1)), heard, wrong)
    assert float(near) < 0.01
    assert float(even) == pytest.approx(0.5)  # (1/2 - 0)^2 + (1/2 - 1)^2
    assert float(far) > 1.9
    assert float(triplet_loss(heard, heard, torch.zeros(2, 2, dtype=torch.bool))) == 0


def test_the_box_loss_is_least_inside_the_box_and_nothing_without_one() -> None:
    inside = torch.zeros(2, 4)
    inside[0, :2] = 1.0
    even = torch.full((2, 4), 0.25).log()
    right = torch.tensor([[0.499, 0.499, 0.001, 0.001]] * 2).log()
    assert float(box_loss(even, inside)) == pytest.approx(np.log(4))
    assert float(box_loss(right, inside)) == pytest.approx(np.log(2), abs=0.01)
    assert float(box_loss(even, torch.zeros(2, 4))) == 0


def test_the_firmness_loss_asks_for_the_own_sound_only(net: AttentionLocalizer) -> None:
    seen = torch.zeros(1, 128, 196)
    seen[0, 0] = 1.0
    here, elsewhere = torch.eye(128)[:1], torch.eye(128)[1:2]
    wrong = torch.tensor([[False, True]])
    present = torch.tensor([True])
    right = firmness_loss(net, seen, torch.cat([here, elsewhere]), present, wrong)
    swapped = firmness_loss(net, seen, torch.cat([elsewhere, here]), present, wrong)
    assert float(right.detach()) < 0.1
    assert float(swapped.detach()) > 4


def test_the_curve_of_firmness_separates_what_can_be_separated() -> None:
    rng = np.random.default_rng(0)
    values = np.concatenate([rng.normal(0.8, 0.05, 50), rng.normal(0.3, 0.05, 50)])
    wanted = np.repeat([1.0, 0.0], 50)
    slope, level = logistic(values, wanted, np.full(100, 0.01))
    told = 1 / (1 + np.exp(-(slope * values + level)))
    assert told[:50].min() > 0.7
    assert told[50:].max() < 0.3
    assert logistic(values, 1 - wanted, np.full(100, 0.01))[0] == 1  # never upside down


def test_a_packed_net_says_the_same(net: AttentionLocalizer) -> None:
    tensors, text = pack(net)
    again = unpack(tensors, text)
    maps, mel = torch.randn(1, 432, 14, 14), torch.randn(1, 64, 100)
    assert again.config == net.config
    assert torch.allclose(again(maps, mel), net(maps, mel), atol=0.01)
    with pytest.raises(WeightsError, match="attention-localizer"):
        unpack(tensors, {"arch": "another"})


def test_the_reader_hears_what_is_around_each_picture(net: AttentionLocalizer) -> None:
    reader = AttentionReader(net)
    rng = np.random.default_rng(0)
    maps = np.repeat(rng.standard_normal((1, 432, 14, 14)).astype(np.float16), 2, axis=0)
    sound = np.zeros(16000 * 6, np.float32)
    sound[16000 * 4 :] = rng.standard_normal(16000 * 2).astype(np.float32) * 0.3
    found, firmness = reader.maps(maps, sound, 16000, [0.5, 5.5])
    assert found.shape == (2, 14, 14)
    assert found.dtype == np.float32
    assert found.min() >= 0
    assert firmness == found.max() <= 1
    assert not np.allclose(found[0], found[1])  # the same picture, with silence and with noise
    evenly, _ = reader.maps(maps, sound, 16000)
    assert evenly.shape == found.shape
    for wrong, message in ((maps[:, :3], "maps must be"), (maps[:0], "maps must be")):
        with pytest.raises(OptionError, match=message):
            reader.maps(wrong, sound, 16000)
    with pytest.raises(OptionError, match="2 pictures and 1 times"):
        reader.maps(maps, sound, 16000, [0.5])
    with pytest.raises(OptionError, match="no sound"):
        reader.maps(maps, sound[:0], 16000)


def _lines(file: Path, *rows: dict[str, object]) -> Path:
    file.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return file


BOX: dict[str, object] = {"left": 0.1, "top": 0.2, "right": 0.5, "bottom": 0.6}


def test_drawn_boxes_become_clips_by_video_and_annotator(tmp_path: Path) -> None:
    scenes.write(scenes.scene(3, duration_s=2.0), tmp_path / "a.mkv")
    file = _lines(
        tmp_path / "boxes.jsonl",
        {"job_id": "x", "video": "a.mkv", "time_s": 0.5, "visible": True, **BOX, "annotator": "one"},
        {"video": "a.mkv", "time_s": 1.5, "visible": False, "left": None, "annotator": "one"},
        {"video": "a.mkv", "time_s": 0.5, **BOX, "annotator": "two"},
    )
    drawn = drawn_boxes.read(file)
    assert drawn_boxes.by_frame(drawn)[tmp_path / "a.mkv", 0.5]["two"] == [Box("drawn", True, 0.1, 0.2, 0.5, 0.6)]
    one, two = drawn_boxes.clips(drawn)
    assert (one.group, two.group) == ("a", "a")
    assert one.times_s == (0.5, 1.5)
    assert one.pictures.shape == (2, 224, 224, 3)
    assert one.boxes[1] == (drawn_boxes.NOTHING_SEEN,)
    assert not one.boxes[1][0].sounding
    assert len(two.times_s) == 1
    assert one.duration_s == pytest.approx(2.0, abs=0.1)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"time_s": 1, **BOX}, "names no video"),
        ({"video": None, "time_s": 1, **BOX}, "names no video"),
        ({"video": "a.mkv", **BOX}, "'time_s' = None"),
        ({"video": "a.mkv", "time_s": 1, **BOX, "right": 0.05}, "left < right"),
        ({"video": "a.mkv", "time_s": 1, **BOX, "right": 1.5}, "0 to 1"),
        ({"video": "a.mkv", "time_s": 1, "visible": True}, "'left' = None"),
    ],
)
def test_a_wrong_line_is_one_sentence(tmp_path: Path, row: dict[str, object], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        drawn_boxes.read(_lines(tmp_path / "boxes.jsonl", row))


def test_files_that_are_no_boxes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="cannot be read"):
        drawn_boxes.read(tmp_path / "none")
    (tmp_path / "empty").write_text("\n")
    with pytest.raises(OptionError, match="holds no boxes"):
        drawn_boxes.read(tmp_path / "empty")
    (tmp_path / "text").write_text("box\n")
    with pytest.raises(OptionError, match="line 1"):
        drawn_boxes.read(tmp_path / "text")


def test_a_run_trains_calibrates_and_is_measured(
    tmp_path: Path, runs: Path, collected: localizer.Collected, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(localizer, "SHIPPED", localizer.Terms(annotated=1.0, ears="own"))
    scenes.write(scenes.scene(5, duration_s=2.0), tmp_path / "drawn.mkv")
    boxes = _lines(tmp_path / "boxes.jsonl", {"video": "drawn.mkv", "time_s": 0.5, **BOX, "annotator": "one"})
    folder = runs / "localizer"
    told = localizer.train_localizer(folder=folder, data=None, steps=2, seed=0, resume=True, boxes=boxes)
    assert told["clips"] > 10
    assert 0 < told["firmness, own"] < 1
    entry = weights.entries(folder)[WEIGHTS]
    assert localizer.DRAWN in entry.data
    assert entry.bytes_ < 2_000_000
    report = evaluation.report(evaluation.nets_in(folder), collected.test, None, [])
    own = report["scenes"][WEIGHTS]
    assert 0 <= own["all_scenes"]["pointing"] <= 1
    assert report["real_frames"] is None
    assert report["ceiling, deaf: a thing of the picture by chance"]["all_scenes"] <= 1


def test_what_is_not_annotated_is_not_shown_to_the_loss(collected: localizer.Collected) -> None:
    model = AttentionLocalizer(LocalizerConfig(width=4))
    blind = localizer.LocalizerTask(model, collected.training, localizer.VARIANTS["unsupervised"], 0).batch(0)
    shown = localizer.LocalizerTask(model, collected.training, localizer.SHIPPED, 0).batch(0)
    assert float(blind.inside.sum()) == 0
    assert bool(blind.present.all())
    assert float(shown.inside.sum()) > 0
    assert bool(shown.wrong[:, localizer.BATCH :].all())
    assert not bool(shown.wrong[:, : localizer.BATCH].diagonal().any())


def test_the_same_seed_draws_the_same_batch(collected: localizer.Collected) -> None:
    model = AttentionLocalizer(LocalizerConfig(width=4))
    one, other = (localizer.LocalizerTask(model, collected.training, localizer.SHIPPED, 3).batch(4) for _ in range(2))
    assert torch.equal(one.maps, other.maps)
    assert torch.equal(one.heard, other.heard)


def test_ears_that_do_not_learn_hear_everything_once(collected: localizer.Collected) -> None:
    model = AttentionLocalizer(LocalizerConfig(width=4, listens=False))
    task = localizer.LocalizerTask(model, collected.training, localizer.SHIPPED, 0)
    before = {name: value.clone() for name, value in model.sound.state_dict().items()}
    batch = task.batch(0)
    assert batch.heard.shape == (localizer.BATCH + localizer.QUIET, 32)
    model.train()
    loss, figures = task.loss(batch)
    loss.backward()  # type: ignore[no-untyped-call]
    assert set(figures) == {"triplet", "boxes", "firm"}
    assert all(torch.equal(before[name], value) for name, value in model.sound.state_dict().items())
    assert all(parameter.grad is None for parameter in model.sound.parameters())


def test_marked_frames_are_boxes_within_the_picture() -> None:
    assert len(marked_frames.names()) >= 25
    for name in marked_frames.names():
        found = marked_frames.marked_frame(name, 1.0)
        assert found is not None
        assert found.time_s == 0.5
        assert 0 <= found.box.left < found.box.right <= 1
        assert 0 <= found.box.top < found.box.bottom <= 1
    assert marked_frames.marked_frame("another", 1.0) is None


def test_what_ships_looks_at_what_sounds_and_not_at_silence() -> None:
    if WEIGHTS not in weights.entries():
        pytest.skip("the localizer's weights are not there yet")
    reader = AttentionReader.shipped()
    from synth.models.imagenet import ImageNetEye

    eye = ImageNetEye(weights.load_imagenet())
    firm, quiet = [], []
    for seed in range(2_000_000, 2_000_008):
        clip = scenes.scene(seed)
        sight = eye.look(clip.pictures)
        firm.append(reader.maps(sight.maps, clip.sound, 22050, clip.times_s)[1])
        quiet.append(reader.maps(sight.maps, np.zeros_like(clip.sound), 22050, clip.times_s)[1])
    assert np.mean(quiet) < 0.3
    assert np.mean(firm) > np.mean(quiet) + 0.2
