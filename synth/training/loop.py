"""The one training loop that every recipe uses: checkpoints that resume, a progress bar, nothing lost on Ctrl-C.

A run's folder holds ``checkpoint.safetensors`` (weights, optimiser, step, random state, the recipe's settings; written
to a temporary name, then renamed) and ``log.jsonl`` (one line a report). A run that is cut off and started again gives
the same weights as one that was not: batch ``i`` depends on ``(seed, i)`` only, and the random state is carried.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from tqdm import tqdm

from synth.errors import OptionError, WeightsError

Batch = Any


class Task(Protocol):
    """What a recipe gives the loop."""

    @property
    def model(self) -> nn.Module:
        """The network, in its initial state."""

    def batch(self, index: int) -> Batch:
        """Batch ``index``, made from ``(seed, index)`` alone; called from a helper thread."""

    def loss(self, batch: Batch) -> tuple[Tensor, dict[str, float]]:
        """The loss to descend and figures to show."""


@dataclass(frozen=True)
class Schedule:
    """How long and how fast.

    Attributes:
        steps: optimiser steps in all.
        learning_rate: peak of a linear warm-up followed by a half cosine to nothing.
        warm_up: steps of the warm-up.
        weight_decay: AdamW's.
        clip_norm: gradients are scaled down to this norm.
        save_every: steps between checkpoints.
        report_every: steps between lines in the log.
    """

    steps: int
    learning_rate: float = 1e-3
    warm_up: int = 100
    weight_decay: float = 1e-2
    clip_norm: float = 1.0
    save_every: int = 100
    report_every: int = 20

    def rate(self, step: int) -> float:
        """The learning rate of one step."""
        if step < self.warm_up:
            return self.learning_rate * (step + 1) / self.warm_up
        done = (step - self.warm_up) / max(1, self.steps - self.warm_up)
        return self.learning_rate * 0.5 * (1 + math.cos(math.pi * min(1.0, done)))


def train(
    task: Task,
    schedule: Schedule,
    folder: Path,
    *,
    settings: dict[str, Any],
    seed: int = 0,
    resume: bool = True,
    cancelled: Callable[[], bool] | None = None,
    quiet: bool = False,
) -> dict[str, float]:
    """Train ``task.model`` in place.

    Args:
        folder: of the run; made if absent.
        settings: JSON values that must agree between a checkpoint and the run that resumes it.
        resume: go on from a checkpoint in ``folder`` if there is one.
        cancelled: polled every step; when true a checkpoint is written and training stops.

    Returns:
        The mean of the last reported figures.

    Raises:
        OptionError: the checkpoint there was made with other settings.
        WeightsError: the checkpoint there is damaged.
    """
    folder.mkdir(parents=True, exist_ok=True)
    checkpoint = folder / "checkpoint.safetensors"
    torch.manual_seed(seed)
    optimiser = torch.optim.AdamW(
        task.model.parameters(), lr=schedule.learning_rate, weight_decay=schedule.weight_decay
    )
    step = _restore(checkpoint, task.model, optimiser, settings) if resume and checkpoint.exists() else 0
    task.model.train()
    recent: list[dict[str, float]] = []
    figures: dict[str, float] = {}
    bar = tqdm(total=schedule.steps, initial=step, unit="step", disable=quiet, dynamic_ncols=True)
    try:
        with bar, (folder / "log.jsonl").open("a") as log:
            for batch in _ahead(task.batch, step, schedule.steps):
                recent.append(_descend(task, batch, optimiser, schedule, step))
                step += 1
                bar.update()
                if step % schedule.report_every == 0 or step == schedule.steps:
                    figures = {name: sum(row[name] for row in recent) / len(recent) for name in recent[0]}
                    recent.clear()
                    bar.set_postfix({name: f"{value:.3f}" for name, value in figures.items()})
                    log.write(json.dumps({"step": step, **figures}) + "\n")
                    log.flush()
                if step % schedule.save_every == 0:
                    _save(checkpoint, task.model, optimiser, settings, step)
                if cancelled is not None and cancelled():
                    break
    finally:
        # Also on Ctrl-C: the next run goes on from here.
        _save(checkpoint, task.model, optimiser, settings, step)
    task.model.eval()
    return figures


def _descend(
    task: Task, batch: Batch, optimiser: torch.optim.Optimizer, schedule: Schedule, step: int
) -> dict[str, float]:
    for group in optimiser.param_groups:
        group["lr"] = schedule.rate(step)
    optimiser.zero_grad(set_to_none=True)
    loss, figures = task.loss(batch)
    loss.backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_(task.model.parameters(), schedule.clip_norm)
    optimiser.step()
    return {"loss": float(loss.detach()), **figures}


def _ahead(make: Callable[[int], Batch], first: int, last: int) -> Iterator[Batch]:
    """Batches ``first`` to ``last - 1``, the next one prepared while the present one is used."""
    with ThreadPoolExecutor(1) as pool:
        pending = pool.submit(make, first)
        for index in range(first, last):
            batch = pending.result()
            if index + 1 < last:
                pending = pool.submit(make, index + 1)
            yield batch


def _save(path: Path, model: nn.Module, optimiser: torch.optim.Optimizer, settings: dict[str, Any], step: int) -> None:
    tensors = {f"model.{name}": value.contiguous() for name, value in model.state_dict().items()}
    for index, state in optimiser.state_dict()["state"].items():
        for name, value in state.items():
            tensors[f"optimiser.{index}.{name}"] = torch.as_tensor(value).contiguous().clone()
    tensors["random"] = torch.get_rng_state()
    unfinished = path.with_suffix(".tmp")
    save_file(tensors, unfinished, {"step": str(step), "settings": json.dumps(settings, sort_keys=True)})
    os.replace(unfinished, path)


def _restore(path: Path, model: nn.Module, optimiser: torch.optim.Optimizer, settings: dict[str, Any]) -> int:
    try:
        with safe_open(path, "pt") as file:
            about = file.metadata()
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
    except Exception as error:
        raise WeightsError(f"the checkpoint {path} is damaged; remove it to start anew") from error
    if json.loads(about["settings"]) != json.loads(json.dumps(settings)):
        raise OptionError(f"the checkpoint {path} was made with other settings; choose another folder or remove it")
    model.load_state_dict({name[6:]: value for name, value in tensors.items() if name.startswith("model.")})
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in tensors.items():
        if name.startswith("optimiser."):
            _, index, key = name.split(".", 2)
            state.setdefault(int(index), {})[key] = value
    optimiser.load_state_dict({**optimiser.state_dict(), "state": state})
    torch.set_rng_state(tensors["random"])
    return int(about["step"])
