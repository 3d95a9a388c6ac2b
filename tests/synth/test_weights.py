"""The manifest: what is loaded is what was measured, and nothing else is."""

from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path

import pytest
import torch

from synth import model_card, weights
from synth.errors import WeightsError
from synth.weights import DataSource, Entry, Figure

SOURCE = DataSource("Scenes", "MIT", "training")
FIGURE = Figure("onset F1, 0.1 s", 0.8, 0.23, "uniform rhythm", 0.93, "the real sound")


def _register(folder: Path, name: str = "tiny", value: float = 1.0) -> Entry:
    return weights.register(
        name,
        {"layer.weight": torch.full((2, 3), value)},
        licence="MIT",
        summary="A tiny net.",
        recipe="tiny",
        data=(SOURCE,),
        split={"validation": ("clip a", "clip b")},
        figures=(FIGURE, Figure("not compared", 0.5)),
        metadata={"config": "{}", "arch": "tiny"},
        folder=folder,
    )


def test_what_is_registered_is_loaded_with_all_that_is_known(tmp_path: Path) -> None:
    written = _register(tmp_path)
    loaded = weights.load("tiny", tmp_path)
    assert loaded.tensors["layer.weight"].tolist() == [[1.0] * 3] * 2
    assert loaded.metadata == {"config": "{}", "arch": "tiny"}
    assert loaded.entry == written == weights.entries(tmp_path)["tiny"]
    assert loaded.entry.figures == (FIGURE, Figure("not compared", 0.5))
    assert loaded.entry.split == {"validation": ("clip a", "clip b")}
    file = weights.path("tiny", tmp_path)
    assert hashlib.sha256(file.read_bytes()).hexdigest() == written.sha256
    assert sorted(path.name for path in tmp_path.iterdir()) == ["manifest.toml", "tiny.safetensors"]


def test_registering_again_replaces_one_entry_only(tmp_path: Path) -> None:
    _register(tmp_path, "other")
    _register(tmp_path, "tiny", 1.0)
    _register(tmp_path, "tiny", 2.0)
    assert list(weights.entries(tmp_path)) == ["other", "tiny"]
    assert weights.load("tiny", tmp_path).tensors["layer.weight"].max() == 2
    weights.load("other", tmp_path)


def test_same_tensors_same_file(tmp_path: Path) -> None:
    assert _register(tmp_path / "a").sha256 == _register(tmp_path / "b").sha256


@pytest.mark.parametrize("damage", ["flip", "cut", "missing"])
def test_a_damaged_file_is_never_loaded(tmp_path: Path, damage: str) -> None:
    _register(tmp_path)
    file = tmp_path / "tiny.safetensors"
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    if damage == "flip":
        file.write_bytes(content)
    elif damage == "cut":
        file.write_bytes(content[:-1])
    else:
        file.unlink()
    with pytest.raises(WeightsError, match="tiny"):
        weights.load("tiny", tmp_path)


def test_an_unknown_name_says_what_there_is(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="it holds nothing"):
        weights.load("tiny", tmp_path)
    _register(tmp_path)
    with pytest.raises(WeightsError, match="it holds tiny"):
        weights.path("huge", tmp_path)


def test_what_is_not_safetensors_is_refused_even_with_the_right_hash(tmp_path: Path) -> None:
    payload = b"\x80\x04pickled"
    entry = Entry("evil", "evil.safetensors", "", 0, "MIT", "Not what it says.")
    weights.register_file(entry, payload, tmp_path)
    with pytest.raises(WeightsError, match="not a safetensors file"):
        weights.load("evil", tmp_path)


@pytest.mark.parametrize("file", ["../tiny.safetensors", "/etc/passwd", "tiny.pt", ".safetensors/x"])
def test_files_outside_the_folder_or_of_another_kind_are_refused(tmp_path: Path, file: str) -> None:
    with pytest.raises(WeightsError, match=r"allowed is NAME\.safetensors"):
        weights.register_file(Entry("tiny", file, "", 0, "MIT", "."), b"", tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "manifest",
    [
        "[tiny]\nfile = 'tiny.safetensors'\n",
        "tiny = 3\n",
        "not toml",
        "[tiny]\nfile='t.safetensors'\nsha256='0'\nbytes=0\nlicence='MIT'\nsummary=''\nkind='virus'\n",
        "[tiny]\nfile='t.safetensors'\nsha256='0'\nbytes='x'\nlicence='MIT'\nsummary=''\n",
        "[tiny]\nfile='t.safetensors'\nsha256='0'\nbytes=0\nlicence='MIT'\nsummary=''\ndata=[{nom='x'}]\n",
    ],
)
def test_a_broken_manifest_is_one_sentence(tmp_path: Path, manifest: str) -> None:
    (tmp_path / "manifest.toml").write_text(manifest)
    with pytest.raises(WeightsError, match="manifest"):
        weights.entries(tmp_path)


def test_a_folder_that_cannot_be_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(WeightsError, match="cannot be read"):
        _register(tmp_path / "file")


def test_what_ships_is_whole_and_states_licence_data_and_figures() -> None:
    for name, entry in weights.entries().items():
        weights.verify(entry)
        assert entry.licence, name
        assert entry.data, name
        assert entry.kind == "bank" or entry.figures, name


def test_the_card_names_every_figure_with_floor_and_ceiling(tmp_path: Path) -> None:
    _register(tmp_path)
    documents = model_card.documents(weights.entries(tmp_path))
    assert "| onset F1, 0.1 s | 0.8 | 0.23 (uniform rhythm) | 0.93 (the real sound) |" in documents["MODEL_CARD.md"]
    assert "| not compared | 0.5 | – | – |" in documents["MODEL_CARD.md"]
    assert "`clip a`, `clip b`" in documents["MODEL_CARD.md"]
    assert "| Scenes | MIT | training | `tiny` |" in documents["LICENCES.md"]


def test_a_run_is_adopted_whole(tmp_path: Path) -> None:
    _register(tmp_path / "run", "first")
    _register(tmp_path / "run", "second", 2.0)
    _register(tmp_path / "shipped", "first", 3.0)
    adopted = weights.adopt(tmp_path / "run", ["first"], tmp_path / "shipped")
    assert [entry.name for entry in adopted] == ["first"]
    assert weights.load("first", tmp_path / "shipped").tensors["layer.weight"].max() == 1
    weights.adopt(tmp_path / "run", folder=tmp_path / "shipped")
    assert weights.entries(tmp_path / "shipped") == weights.entries(tmp_path / "run")


def test_what_cannot_be_adopted_changes_nothing(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="nothing to adopt"):
        weights.adopt(tmp_path / "none", folder=tmp_path / "shipped")
    _register(tmp_path / "run")
    (tmp_path / "run" / "tiny.safetensors").write_bytes(b"damaged")
    with pytest.raises(WeightsError, match="the manifest states"):
        weights.adopt(tmp_path / "run", folder=tmp_path / "shipped")
    assert not (tmp_path / "shipped").exists()


def test_the_imagenet_weights_are_the_known_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    state = weights.load_imagenet()
    assert tuple(state["_conv_stem.weight"].shape) == (32, 3, 3, 3)
    monkeypatch.setattr(weights, "IMAGENET_SHA256", "0" * 64)
    with pytest.raises(WeightsError, match="it must be 000000000000"):
        weights.load_imagenet()


def test_a_manifest_is_read_once_until_it_changes(tmp_path: Path) -> None:
    name = next(iter(weights.entries()))
    assert weights.entries()[name] is weights.entries()[name]
    weights.write_manifest({name: weights.entries()[name]}, tmp_path)
    changed = dataclasses.replace(weights.entries(tmp_path)[name], summary="another one")
    weights.write_manifest({name: changed}, tmp_path)
    assert weights.entries(tmp_path) == {name: changed}
