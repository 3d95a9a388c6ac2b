"""A lip reader made wider without a loss: what a narrower one has learnt goes on working while the new parts learn.

Net2WiderNet's idea (Chen, Goodfellow and Shlens, ICLR 2016, arXiv 1511.05641), done otherwise: the new parts are drawn
like any untrained ones and are not copies, and what they send to the old parts begins small. So the wide network
answers nearly as the narrow one did, and nothing has to be told apart by noise.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor

from synth.models.speech.vid2speech import Vid2Speech, Vid2SpeechConfig

WIDTHS: Final = (
    "channels",
    "flow_channels",
    "features",
    "flow_features",
    "hidden",
    "decoder_channels",
)
"""Numbers of a configuration that may grow; all others must be the same."""

FROM_NEW: Final = 0.1
"""What the weights from new parts to old ones are multiplied by, as they are drawn."""


def may_grow(narrow: Vid2SpeechConfig, wide: Vid2SpeechConfig) -> bool:
    """Whether the one can become the other; the auxiliary heads' classes do not count."""
    fixed = {name for name in narrow.as_dict() if name not in (*WIDTHS, "units", "words", "dropout")}
    return all(getattr(narrow, name) == getattr(wide, name) for name in fixed) and all(
        _at_least(getattr(wide, name), getattr(narrow, name)) for name in WIDTHS
    )


def _at_least(wide: int | tuple[int, ...], narrow: int | tuple[int, ...]) -> bool:
    if isinstance(wide, tuple) and isinstance(narrow, tuple):
        return len(wide) == len(narrow) and all(one >= other for one, other in zip(wide, narrow, strict=True))
    return isinstance(wide, int) and isinstance(narrow, int) and wide >= narrow


def widened(narrow: Vid2Speech, wide: Vid2SpeechConfig, *, from_new: float = FROM_NEW) -> Vid2Speech:
    """A network of the configuration ``wide`` that answers as ``narrow`` does, but for what its new parts add.

    The auxiliary heads are new: they name another corpus' units and words. Draws from torch's generator.

    Raises:
        ValueError: ``narrow`` cannot become that; see :func:`may_grow`.
    """
    if not may_grow(narrow.config, wide):
        raise ValueError(f"a network of {narrow.config} cannot become one of {wide}")
    network = Vid2Speech(wide)
    own = network.state_dict()
    for name, value in narrow.state_dict().items():
        if name.startswith(("to_units", "to_words")):
            continue
        target = own[name]
        if value.dim() == 0:
            target.copy_(value)
            continue
        rows, columns = _places(name, value, narrow.config, wide)
        if columns is None:
            target[rows] = value
        else:
            target[rows] *= from_new
            target[rows[:, None], columns[None]] = value
    network.load_state_dict(own)
    return network


def _places(name: str, value: Tensor, old: Vid2SpeechConfig, new: Vid2SpeechConfig) -> tuple[Tensor, Tensor | None]:
    """Which rows, and which columns, of the wide tensor of this name are the narrow one's."""
    rows = torch.arange(value.shape[0])
    columns = torch.arange(value.shape[1]) if value.dim() > 1 else None
    joined = torch.cat([torch.arange(old.features), new.features + torch.arange(old.flow_features)])
    both_ways = torch.cat([torch.arange(old.hidden), new.hidden + torch.arange(old.hidden)])
    if name.startswith("join_norm"):
        rows = joined[: len(rows)]
    elif name.startswith("recurrent."):
        rows = torch.cat([gate * new.hidden + torch.arange(old.hidden) for gate in range(3)])
        if columns is not None and "weight_ih" in name:
            columns = joined[: len(columns)] if "_l0" in name else both_ways
    elif name.startswith("into_spectra"):
        each = range(old.spectra_a_picture)
        rows = torch.cat([one * new.decoder_channels + torch.arange(old.decoder_channels) for one in each])
        columns = both_ways if columns is not None else None
    return rows, columns
