"""The training loop and the hits recipe: resuming, batches that depend on their number, one step of everything."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from synth import weights
from synth.errors import OptionError, WeightsError
from synth.materials import MATERIALS
from synth.models.imagenet import OUTPUTS
from synth.models.two_stream import SMALL, TwoStream
from synth.training.hits import recipes
from synth.training.hits.data import Example, cached, draw_batch, targets
from synth.training.loop import Schedule, train
from synth.training.recipes import RECIPES
from synth.voices.hits import detector


class _Line:
    """Fits a line; has a random layer, so that the random state matters."""

    def __init__(self) -> None:
        torch.manual_seed(1)
        self.model: nn.Module = nn.Sequential(nn.Dropout(0.2), nn.Linear(4, 1))

    def batch(self, index: int) -> tuple[Tensor, Tensor]:
        rng = np.random.default_rng(index)
        x = torch.from_numpy(rng.standard_normal((16, 4)).astype(np.float32))
        return x, x.sum(1, keepdim=True)

    def loss(self, batch: tuple[Tensor, Tensor]) -> tuple[Tensor, dict[str, float]]:
        loss = ((self.model(batch[0]) - batch[1]) ** 2).mean()
        return loss, {"mse": float(loss.detach())}


SCHEDULE = Schedule(60, learning_rate=0.05, warm_up=5, save_every=10, report_every=10)


def _weights(task: _Line) -> Tensor:
    return torch.cat([value.flatten() for value in task.model.state_dict().values()])


def test_training_learns_and_reports(tmp_path: Path) -> None:
    task = _Line()
    figures = train(task, SCHEDULE, tmp_path, settings={}, quiet=True)
    first = float((tmp_path / "log.jsonl").read_text().splitlines()[0].split('"mse": ')[1].rstrip("}"))
    assert figures["mse"] < first


def test_a_run_that_is_cut_off_and_resumed_ends_where_one_piece_ends(tmp_path: Path) -> None:
    whole, broken, resumed = _Line(), _Line(), _Line()
    train(whole, SCHEDULE, tmp_path / "whole", settings={}, quiet=True)
    polls = iter(range(1000))
    train(broken, SCHEDULE, tmp_path / "cut", settings={}, quiet=True, cancelled=lambda: next(polls) >= 24)
    assert not torch.equal(_weights(broken), _weights(whole))
    train(resumed, SCHEDULE, tmp_path / "cut", settings={}, quiet=True)
    assert torch.equal(_weights(resumed), _weights(whole))


def test_an_interrupt_leaves_a_checkpoint(tmp_path: Path) -> None:
    def interrupt() -> bool:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(_Line(), SCHEDULE, tmp_path, settings={}, quiet=True, cancelled=interrupt)
    assert (tmp_path / "checkpoint.safetensors").exists()
    assert not (tmp_path / "checkpoint.tmp").exists()


def test_a_checkpoint_of_other_settings_or_a_damaged_one_is_refused(tmp_path: Path) -> None:
    train(_Line(), SCHEDULE, tmp_path, settings={"width": 1}, quiet=True)
    with pytest.raises(OptionError, match="other settings"):
        train(_Line(), SCHEDULE, tmp_path, settings={"width": 2}, quiet=True)
    (tmp_path / "checkpoint.safetensors").write_bytes(b"no")
    with pytest.raises(WeightsError, match="damaged"):
        train(_Line(), SCHEDULE, tmp_path, settings={"width": 1}, quiet=True)


def _example(name: str, group: str, *, rate_hz: float = 15.0, labelled: bool = True) -> Example:
    rng = np.random.default_rng(len(name))
    frames = int(3 * rate_hz)
    times_s = np.array([0.5, 1.5, 2.4])
    return Example(
        name=name,
        group=group,
        rate_hz=rate_hz,
        grey=rng.integers(0, 256, (frames, 120, 160), dtype=np.uint8),
        pictures=rng.random((8, OUTPUTS), dtype=np.float32),
        cochleagram=rng.random((270, 42), dtype=np.float32),
        hits_s=times_s,
        labels_s=times_s,
        materials=np.array([0, -1, 3]),
        labelled=labelled,
    )


def test_targets_peak_at_the_contact_and_name_its_material() -> None:
    steps_s = np.arange(180) / 90
    onset, material = targets(np.array([1.0]), np.array([MATERIALS.index("wood")]), steps_s)
    assert onset.argmax() == 90
    assert onset.max() == pytest.approx(1.0)
    assert material[90] == MATERIALS.index("wood")
    assert material[0] == -1
    assert onset[:80].max() < 0.01


@pytest.mark.parametrize("rate_hz", [15.0, 30.0])
def test_batches_have_one_shape_whatever_the_clips_rate(rate_hz: float) -> None:
    rng = np.random.default_rng(0)
    batch = draw_batch([_example("a", "a", rate_hz=rate_hz)] * 2, SMALL, rng, frames=30, strength=1.0)
    assert batch.grey.shape == (2, 32, SMALL.height, SMALL.width)
    assert batch.onset.shape == (2, 180)
    assert batch.cochleagram.shape == (2, 180, 42)
    assert float(batch.grey.min()) >= 0
    assert float(batch.grey.max()) <= 255


def test_a_batch_depends_on_seed_and_number_alone() -> None:
    task = recipes.HitsTask(TwoStream(SMALL), [([_example("a", "a"), _example("bb", "b")], 4)], 5, [1.0])
    again = task.batch(3)
    assert all(torch.equal(one, two) for one, two in zip(task.batch(3), again, strict=True))
    assert not torch.equal(task.batch(4).grey, again.grey)


def test_folds_never_share_a_source_and_hold_all_labelled_ones() -> None:
    examples = [_example(f"clip{n}", f"source{n // 2}", labelled=n < 14) for n in range(18)]
    parts = recipes.split(examples, 3)
    groups = [group for part in parts.values() for group in part]
    assert sorted(groups) == sorted({e.group for e in examples if e.labelled})
    assert len(groups) == len(set(groups))


def test_the_cache_gives_back_what_was_put_in(tmp_path: Path) -> None:
    made = _example("a", "g")
    assert cached(tmp_path, "key", lambda: made) is made
    again = cached(tmp_path, "key", lambda: pytest.fail("made twice"))
    assert (again.name, again.labelled) == ("a", True)
    assert np.array_equal(again.grey, made.grey)
    assert np.array_equal(again.hits_s, made.hits_s)


def test_a_threshold_is_chosen_by_f1() -> None:
    onset = np.zeros(270, np.float32)
    onset[[45, 135, 216]] = 1.0  # the three contacts of the example
    onset[[90, 180]] = 0.3  # and two claims that are wrong
    heard = detector.Heard(onset, np.zeros((270, 42), np.float32), np.zeros((270, 17), np.float32))
    calibration = recipes.calibrate([(heard, _example("a", "a"))])
    assert recipes.onset_f1([(heard, _example("a", "a"))], calibration.threshold) == 1.0


def test_one_step_of_the_simulation_recipe_gives_weights_that_load(tmp_path: Path) -> None:
    figures = RECIPES["hits-simulation"].run(folder=tmp_path, data=None, steps=1, seed=0, resume=True)
    assert np.isfinite(figures["loss"])
    loaded = weights.load(recipes.SIMULATION, tmp_path)
    model, _ = detector.build(loaded.tensors, loaded.metadata)
    assert model.config == SMALL
    assert loaded.entry.recipe == "hits-simulation"


@pytest.mark.parametrize(("eight_bits", "kind"), [(False, torch.float16), (True, torch.int8)])
def test_packing_changes_next_to_nothing(eight_bits: bool, kind: torch.dtype) -> None:
    torch.manual_seed(0)
    model = TwoStream(SMALL).eval()
    tensors, about = detector.pack(model, detector.Calibration(threshold=0.4), eight_bits=eight_bits)
    assert any(one.dtype == kind for one in tensors.values())
    packed, calibration = detector.build(tensors, about)
    assert calibration.threshold == 0.4
    example = _example("a", "a")
    before, after = recipes.listen(model, example), recipes.listen(packed, example)
    assert np.abs(before.onset - after.onset).max() < 5e-3
    measured = {name: value for name, value in model.state_dict().items() if name.startswith("pca_")}
    assert measured
    assert all(torch.equal(packed.state_dict()[name], value) for name, value in measured.items())


def test_recipes_that_need_data_say_so(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="--data is missing"):
        RECIPES["hits"].run(folder=tmp_path, data=None, steps=1, seed=0, resume=True)


def test_examples_are_plain_data() -> None:
    assert {field.name for field in dataclasses.fields(Example)} >= {"grey", "hits_s", "labels_s", "materials"}
