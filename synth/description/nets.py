"""The nets that look and listen, out of the manifest: one of each a process.

Raises :class:`synth.errors.WeightsError` where a file is missing or damaged.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from synth import weights
from synth.errors import WeightsError
from synth.models.avenet import AVENet, AVOLNet
from synth.models.half_precision import restored
from synth.models.l3net import L3Net, build

if TYPE_CHECKING:
    from torch import nn

L3: Final = "l3-small"
AVE: Final = "ave-small"
AVOL: Final = "avol-small"

Net = TypeVar("Net", bound=L3Net | AVENet | AVOLNet)


@cache
def l3() -> L3Net:
    """Whether picture and sound belong together."""
    return load(L3Net, L3)


@cache
def likes() -> tuple[str, ...]:
    """Of each unit of L3-Net's picture tower: what sounds in the training pictures that excite it most."""
    return tuple(json.loads(weights.load(L3).metadata.get("likes", "[]")))


@cache
def ave() -> AVENet:
    """Picture and sound as points of one space."""
    return load(AVENet, AVE)


@cache
def avol() -> AVOLNet:
    """Where in the picture the sound comes from."""
    return load(AVOLNet, AVOL)


def load(kind: type[Net], name: str, folder: Path = weights.CHECKPOINTS) -> Net:
    """A net out of a folder with a manifest, ready to be asked.

    Raises:
        WeightsError: it is missing, damaged, or of another shape.
    """
    loaded = weights.load(name, folder)
    try:
        net = kind(build(loaded.metadata))
        fill(net, loaded.tensors)
    except (KeyError, ValueError, RuntimeError) as error:
        raise WeightsError(f"the weights {name!r} do not fit the network they are for") from error
    return net


def fill(net: nn.Module, tensors: Mapping[str, Any]) -> None:
    """Put stored tensors, some in half precision, into a net, and make it ready to be asked."""
    net.load_state_dict(restored(tensors))
    net.eval()
