"""What every sampler is: streams of sound that are carried on, batched freely, and never depend on who shares a batch.

Importable without torch. A sampler holds the packed weights of one network in one precision; everything that belongs
to one sound is a :class:`Stream`, which may be stored, sent elsewhere and carried on there.

Same seed, same stream number, same conditioning: same levels. Alone or in any batch, on any number of threads, cut into
any chunks, in any order, on any instruction set. In int8 the CPU and CUDA give the same bytes too; the arithmetic that
makes it so is written down in :mod:`synth.sampler.reference`.

Shapes: D width, G gates (3 GRU, 4 LSTM), Q levels, C conditioning numbers, F top frames, N = F * top frame samples.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from synth.errors import OptionError

LEVELS: Final = 256
"""Q: what a uint8 holds; the only number of levels that the samplers know."""

PRECISIONS: Final = ("fp32", "bf16", "int8")
"""How weights are stored: exact; half the memory; a quarter, with integer sums."""

KEY_LIMIT: Final = 2**64

Progress = Callable[[int, int], None]
"""``progress(done, total)``: samples made and asked for, of all streams of this call together."""

CancelPoll = Callable[[], bool]
"""Polled every few milliseconds of sound; true means: stop, and raise :class:`synth.errors.Cancelled`."""

Receive = Callable[[int, NDArray[np.uint8]], None]
"""``receive(index, levels)``: what stream ``index`` of this call made since the last time, in order, nothing twice."""


@dataclass(frozen=True)
class Shape:
    """What a sampler must know of a network's configuration.

    Attributes:
        frames: samples a frame of each frame tier, top first; the last is also how far the sample tier looks back.
        width: D.
        rnn: ``"gru"`` or ``"lstm"``.
        layers: recurrent layers a frame tier.
        conditioning: C, 0 for none.
    """

    frames: tuple[int, ...]
    width: int
    rnn: str = "gru"
    layers: int = 1
    conditioning: int = 0

    @property
    def tiers(self) -> int:
        """Frame tiers; the sample tier is not counted."""
        return len(self.frames)

    @property
    def gates(self) -> int:
        """G."""
        return 3 if self.rnn == "gru" else 4

    @property
    def states(self) -> int:
        """Vectors that a layer carries on: hidden, and an LSTM's cell."""
        return 1 if self.rnn == "gru" else 2

    @property
    def top_frame(self) -> int:
        """Samples between two steps of the slowest tier: sounds are made in multiples of it."""
        return self.frames[0]

    @property
    def look_back(self) -> int:
        """Samples that the sample tier sees."""
        return self.frames[-1]

    @property
    def hidden(self) -> tuple[int, int, int, int]:
        """Shape of a stream's state."""
        return (self.tiers, self.states, self.layers, self.width)

    def variants(self, tier: int) -> int:
        """How many of a tier's steps lie under one step of the tier above; 1 for the top tier."""
        return 1 if tier == 0 else self.frames[tier - 1] // self.frames[tier]


@dataclass
class Stream:
    """One sound between two top frames: all that its next sample depends on, besides weights and conditioning.

    Attributes:
        hidden: float32 [tiers, states, layers, D], top tier first; states are (hidden,) or (hidden, cell).
        before: uint8 [top frame], the last levels.
        seed: 0 to 2**64 - 1.
        stream: 0 to 2**64 - 1; another number gives independent randomness under the same seed.
        position: samples made so far, the counter of the random numbers.
        temperature: above 0; the logits are divided by it.
    """

    hidden: NDArray[np.float32]
    before: NDArray[np.uint8]
    seed: int
    stream: int
    position: int = 0
    temperature: float = 1.0

    def copy(self) -> Stream:
        """Another one that goes on from the same place."""
        return Stream(self.hidden.copy(), self.before.copy(), self.seed, self.stream, self.position, self.temperature)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Arrays that say all; :meth:`from_arrays` reads them back."""
        return {
            "hidden": self.hidden.copy(),
            "before": self.before.copy(),
            "key": np.array([self.seed, self.stream], np.uint64),
            "position": np.array(self.position, np.int64),
            "temperature": np.array(self.temperature, np.float64),
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """The stream that :meth:`arrays` wrote."""
        seed, stream = (int(word) for word in arrays["key"])
        return cls(
            np.array(arrays["hidden"], np.float32),
            np.array(arrays["before"], np.uint8),
            seed,
            stream,
            int(arrays["position"]),
            float(arrays["temperature"]),
        )


class Sampler(Protocol):
    """Weights of one network, packed once in one precision, and what makes sound of them."""

    @property
    def shape(self) -> Shape:
        """Of the network."""
        ...

    @property
    def precision(self) -> str:
        """One of :data:`PRECISIONS`."""
        ...

    @property
    def kind(self) -> str:
        """What computes, for people: ``"cpu avx2"``, ``"cpu numpy"``."""
        ...

    def start(
        self,
        seed: int,
        stream: int = 0,
        *,
        temperature: float = 1.0,
        initial: NDArray[np.float32] | None = None,
    ) -> Stream:
        """A stream at its first sample, after silence.

        Args:
            seed: 0 to 2**64 - 1.
            stream: 0 to 2**64 - 1; see :func:`stream_number`.
            temperature: above 0.
            initial: the top tier's own initial state, float32 [states, layers, D] or, for its hidden vector alone,
                [layers, D]; or that of all tiers, [tiers, states, layers, D]. The learned one by default.

        Raises:
            OptionError: a value outside its range.
        """
        ...

    def run(
        self,
        streams: Sequence[Stream],
        conditioning: Sequence[NDArray[np.float32]] | None = None,
        top_frames: Sequence[int] | int | None = None,
        *,
        progress: Progress | None = None,
        cancelled: CancelPoll | None = None,
        receive: Receive | None = None,
    ) -> list[NDArray[np.uint8]]:
        """Carry all streams on; one that needs less leaves the batch early.

        A long sound may be made by many calls, each with the next piece of conditioning and any company: it does not
        show where the cuts were.

        Args:
            streams: each is moved on in place.
            conditioning: float32 [F, C] a stream, one row a top frame; ``None`` for a network without.
            top_frames: how many each stream is to make; by default as many as its conditioning has rows.
            progress: called after every chunk.
            cancelled: polled before every chunk.
            receive: handed every chunk as it is made.

        Returns:
            Levels, uint8 [N] a stream.

        Raises:
            Cancelled: ``cancelled()`` turned true. Every stream stands at the end of what ``receive`` was handed.
            OptionError: arguments that contradict the network or each other.
        """
        ...

    def log_probabilities(
        self, levels: NDArray[np.uint8], conditioning: NDArray[np.float32] | None, stream: Stream
    ) -> NDArray[np.float32]:
        """Natural logarithms of every level's probability at every place of a sound that is known.

        Args:
            levels: uint8 [N], N a multiple of the top frame; the stream is moved on as if it had made them.
            conditioning: float32 [F, C] or ``None``.
            stream: where the sound begins; its temperature counts.

        Returns:
            float32 [N, Q].
        """
        ...


def stream_number(name: str) -> int:
    """A number for a stream with a name: 64 bits of its hash, as :func:`synth.randomness.uniforms` takes them."""
    return int.from_bytes(hashlib.blake2b(name.encode("utf-8"), digest_size=8).digest(), "little")


def first_stream(
    shape: Shape,
    learned: NDArray[np.float32],
    seed: int,
    stream: int,
    temperature: float,
    initial: NDArray[np.float32] | None,
) -> Stream:
    """What :meth:`Sampler.start` returns, given the learned initial state [tiers, states, layers, D].

    Raises:
        OptionError: a value outside its range.
    """
    if not (0 <= seed < KEY_LIMIT and 0 <= stream < KEY_LIMIT):
        raise OptionError(f"seed is {seed} and stream is {stream}; allowed is 0 to {KEY_LIMIT - 1}")
    if not temperature > 0:
        raise OptionError(f"temperature is {temperature}; it must be above 0")
    hidden = np.array(learned, np.float32)
    if initial is not None:
        given = np.asarray(initial, np.float32)
        if given.shape == shape.hidden:
            hidden[:] = given
        elif given.shape == shape.hidden[1:]:
            hidden[0] = given
        elif given.shape == shape.hidden[2:]:
            hidden[0, 0] = given
        else:
            allowed = f"{shape.hidden}, {shape.hidden[1:]} or {shape.hidden[2:]}"
            raise OptionError(f"the initial state has shape {given.shape}; allowed are {allowed}")
    before = np.full(shape.top_frame, LEVELS // 2, np.uint8)
    return Stream(hidden, before, seed, stream, 0, temperature)
