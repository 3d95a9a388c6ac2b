"""The joint embedding by cosine and by class: its losses, its training, its reader, and tags that people gave."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from synth import weights
from synth.data.corpora import tagged_videos
from synth.data.sounding_scenes import scenes
from synth.description.description import SPACES, Side
from synth.description.embedding import WEIGHTS, CrossmodalReader
from synth.errors import OptionError, WeightsError
from synth.metrics import label_recall
from synth.models.crossmodal import (
    STATISTICS,
    CrossmodalConfig,
    CrossmodalNet,
    contrast_loss,
    cosine_loss,
    label_loss,
    pack,
    statistics,
    unpack,
)
from synth.models.l3net import RATE_HZ, log_mel
from synth.training.audiovisual import crossmodal

CONFIG = CrossmodalConfig(("bell", "dog"), (8,), (8,))


@pytest.fixture(scope="module")
def net() -> CrossmodalNet:
    torch.manual_seed(0)
    return CrossmodalNet(CONFIG).eval()


def test_the_cosine_loss_has_a_margin() -> None:
    one, other = torch.eye(4)[:2], torch.nn.functional.normalize(torch.tensor([[1.0, 1, 0, 0], [0, 0.1, 1, 0]]), dim=1)
    together, apart = torch.ones(2), torch.zeros(2)
    cosines = (one * other).sum(1)
    assert float(cosine_loss(one, other, together)) == pytest.approx(float((1 - cosines).mean()))
    assert float(cosine_loss(one, other, apart)) == pytest.approx((float(cosines[0]) - 0.2) / 2)  # 0.1 is within it
    assert float(cosine_loss(one, one, together)) == 0


def test_the_label_loss_reads_both_sides_and_leaves_the_untagged_out(net: CrossmodalNet) -> None:
    points = torch.nn.functional.normalize(torch.rand(3, 128), dim=1)
    tags = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]])
    both = label_loss(net, points, points, tags, tags)
    first = label_loss(net, points[:2], points[:2], tags[:2], tags[:2])
    one_side = label_loss(net, points, points, tags, torch.zeros(3, 2))
    assert float(both.detach()) == pytest.approx(float(first.detach()))
    assert float(both.detach()) == pytest.approx(float(one_side.detach()) * 2**0.5, rel=1e-3)


def test_clips_that_share_a_tag_are_no_wrong_answers() -> None:
    points = torch.eye(128)[:1].repeat(2, 1)  # two clips that cannot be told apart
    alike, different = torch.tensor([[1.0, 0], [1, 0]]), torch.eye(2)
    assert float(contrast_loss(points, points, alike)) == pytest.approx(0)
    assert float(contrast_loss(points, points, different)) == pytest.approx(np.log(2))


def test_statistics_tell_how_a_sound_moves() -> None:
    rng = np.random.default_rng(0)
    noise = rng.standard_normal(4 * RATE_HZ).astype(np.float32) * 0.1
    beating = noise * (np.sin(2 * np.pi * 3 * np.arange(len(noise)) / RATE_HZ) > 0)
    steady, moving = statistics(log_mel(noise)), statistics(log_mel(beating.astype(np.float32)))
    assert steady.shape == (STATISTICS,)
    assert moving[64:128].mean() > 2 * steady[64:128].mean()  # deviations
    beats = (moving - steady)[256:].reshape(16, 6).mean(0)
    assert int(beats.argmax()) == 2  # 2 to 4 Hz
    assert np.isfinite(statistics(log_mel(np.zeros(RATE_HZ, np.float32)))).all()


def test_a_packed_net_says_the_same(net: CrossmodalNet) -> None:
    tensors, text = pack(net)
    again = unpack(tensors, text)
    pooled, numbers = torch.randn(3, 1280), torch.randn(3, STATISTICS)
    assert again.config == net.config
    assert torch.allclose(again.embed_pictures(pooled), net.embed_pictures(pooled), atol=0.01)
    assert torch.allclose(again.embed_sounds(numbers), net.embed_sounds(numbers), atol=0.01)
    with pytest.raises(WeightsError, match="crossmodal"):
        unpack(tensors, {"arch": "another"})


def test_the_reader_gives_points_of_the_space(net: CrossmodalNet) -> None:
    reader = CrossmodalReader(net)
    rng = np.random.default_rng(0)
    pooled = rng.standard_normal((4, 1280)).astype(np.float32)
    seen = reader.of_picture(pooled)
    short, long = (reader.of_sound(rng.standard_normal(n).astype(np.float32), 16000) for n in (500, 64000))
    for vector, side in ((seen, Side.PICTURE), (short, Side.SOUND), (long, Side.SOUND)):
        assert (vector.space, vector.side) == ("crossmodal", side)
        assert vector.values.shape == (SPACES["crossmodal"],)
        assert np.linalg.norm(vector.values) == pytest.approx(1, abs=1e-5)
    tags = reader.tags_of(seen)
    assert {tag.name for tag in tags} == {"bell", "dog"}
    assert tags[0].probability >= tags[1].probability
    with pytest.raises(OptionError, match="features of pictures"):
        reader.of_picture(pooled[:, :3])
    with pytest.raises(OptionError, match="no sound"):
        reader.of_sound(np.zeros(0, np.float32), 16000)


def _tags(folder: Path, *rows: object) -> Path:
    (folder / "tags.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return folder


def test_tags_are_read_and_one_recording_lies_on_one_side(tmp_path: Path) -> None:
    for number in range(30):
        (tmp_path / f"IMG_{number:04d}.mkv").write_bytes(b"")
    rows = [{"video": f"IMG_{number:04d}.mkv", "tags": ["Dog", "dog ", "bark"]} for number in range(30)]
    films = tagged_videos.load(_tags(tmp_path, *rows))
    assert films[0].labels == ("dog", "bark")
    assert {film.held_out for film in films} == {True, False}
    assert films == tagged_videos.load(tmp_path)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"tags": []}, "names no video"),
        ({"video": "none.mkv", "tags": []}, "not there"),
        ({"video": "a.mkv", "tags": "dog"}, "list of words"),
        ({"video": "a.mkv", "tags": [1]}, "list of words"),
        (["a.mkv"], "names no video"),
    ],
)
def test_a_wrong_line_of_tags_is_one_sentence(tmp_path: Path, row: object, message: str) -> None:
    (tmp_path / "a.mkv").write_bytes(b"")
    with pytest.raises(OptionError, match=message):
        tagged_videos.load(_tags(tmp_path, row))


def test_a_run_learns_from_scenes_and_from_a_gallery(tmp_path: Path) -> None:
    gallery = tmp_path / "gallery"
    gallery.mkdir()
    for number in range(3):
        clip = scenes.scene(number, duration_s=2.0, sounding=("dog",))
        scenes.write(clip, gallery / f"IMG_{number:04d}.mkv")
    _tags(gallery, *({"video": f"IMG_{number:04d}.mkv", "tags": ["my dog"]} for number in range(3)))
    folder = tmp_path / "runs" / "crossmodal"
    told = crossmodal.train_crossmodal(folder=folder, data=gallery, steps=2, seed=0, resume=True)
    assert told["candidates"] >= 10
    entry = weights.entries(folder)[WEIGHTS]
    assert crossmodal.TAGGED in entry.data
    assert entry.bytes_ < 2_000_000
    assert len(entry.figures) == 6
    loaded = weights.load(WEIGHTS, folder)
    assert "my dog" in unpack(loaded.tensors, loaded.metadata).config.labels


def test_rows_of_figures() -> None:
    labels = [("bell",), ("dog",), ("bell",), ("dog", "bell")]
    row = label_recall.recall_row(np.eye(4), labels)["sound to picture"]
    assert (row["recall_at_1"], row["median_rank"]) == (1, 1)
    assert row["share_a_label_in_first_10"] == pytest.approx(12 / 16)  # all but the dog and the two bells
    known = label_recall.recall_by_labels(labels)["picture to sound"]
    assert known["recall_at_1"] == pytest.approx(0.75, abs=0.2)  # two are alike, two are not
    assert known["recall_at_5"] == 1
    assert label_recall.recall_by_chance(labels)["picture to sound"]["recall_at_1"] == pytest.approx(0.25, abs=0.1)


def test_what_ships_tells_a_dog_from_the_sea() -> None:
    if WEIGHTS not in weights.entries():
        pytest.skip("the embedding's weights are not there yet")
    reader = CrossmodalReader.shipped()
    rng = np.random.default_rng(0)
    names = ("dog", "sea_waves", "bell", "chainsaw")
    from synth.models.imagenet import ImageNetEye

    eye = ImageNetEye(weights.load_imagenet())
    seen, heard = [], []
    for number, name in enumerate(names):
        clips = [scenes.scene(3_000_000 + 10 * number + k, sounding=(name,), silent=()) for k in range(3)]
        seen.append(np.mean([reader.of_picture(eye.look(c.pictures).pooled).values for c in clips], axis=0))
        sounds = [scenes.sound_of(name, 4.0, rng) for _ in range(3)]
        heard.append(np.mean([reader.of_sound(sound, RATE_HZ).values for sound in sounds], axis=0))
    cosines = np.array(seen) @ np.array(heard).T
    own = np.diagonal(cosines).mean()
    assert own > (cosines.sum() - np.trace(cosines)) / 12 + 0.1
