"""How a batch is spread over a GPU: teams of thread blocks, what a block keeps in shared memory. Nobody can hear it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from synth.sampler.base import LEVELS, Shape
from synth.sampler.cuda.layout import BYTES, TILE_ROWS, padded_width

WARPS: Final = 8
CLUSTER: Final = 16
"""Blocks of a cluster: more than the portable 8, so the device is asked whether it has room for them."""

_LEAST_TEAM: Final = 16  # blocks of a team, where a network is too large for fewer
_MOST_INNER: Final = 32  # a barrier costs more the more blocks meet; an estimate, to be measured
_GROUP: Final = 8  # streams that one tensor-core instruction takes
_PRECISIONS: Final = {"fp32": 0, "bf16": 1, "int8": 2}


@dataclass(frozen=True)
class Variant:
    """What the kernel's source is compiled for.

    Attributes:
        precision: of the weights.
        gates: 3 for a GRU, 4 for an LSTM.
        groups: eights of streams that share one read of the weights.
        cluster: whether inner blocks are a cluster (sm_90 and newer).
        warps: a block; the sums of bf16 depend on it.
    """

    precision: str
    gates: int = 3
    groups: int = 1
    cluster: bool = False
    warps: int = WARPS

    @property
    def macros(self) -> tuple[tuple[str, str], ...]:
        """Name and value of each."""
        return (
            ("SONORIZE_PRECISION", str(_PRECISIONS[self.precision])),
            ("SONORIZE_GATES", str(self.gates)),
            ("SONORIZE_GROUPS", str(self.groups)),
            ("SONORIZE_CLUSTER", str(int(self.cluster))),
            ("SONORIZE_WARPS", str(self.warps)),
        )

    @property
    def streams(self) -> int:
        """Streams that share a product."""
        return _GROUP * self.groups

    @property
    def threads(self) -> int:
        """A block."""
        return 32 * self.warps


@dataclass(frozen=True)
class Room:
    """Shared memory of a block, in bytes from its start."""

    inputs: int
    steps: int
    sums: int
    drawn: int
    older: int
    hidden: int
    output: int
    size: int
    pinned_hidden: int
    pinned_output: int


@dataclass(frozen=True)
class Plan:
    """Teams and their memory.

    Attributes:
        teams: each has a block of the streams to itself.
        outer: thread blocks a team.
        inner: how many of them share the sample tier.
    """

    variant: Variant
    teams: int
    outer: int
    inner: int
    room: Room

    @property
    def blocks(self) -> int:
        """Of the whole launch."""
        return self.teams * self.outer


def make_plan(
    shape: Shape,
    precision: str,
    streams: int,
    processors: int,
    shared_bytes: int,
    *,
    structs_bytes: int,
    clusters: int = 0,
    warps: int = WARPS,
    cluster_size: int = CLUSTER,
    inner: int | None = None,
) -> Plan | None:
    """How so many streams are spread over so many multiprocessors; ``None`` where a block's memory is too small.

    Args:
        clusters: how many the device holds at once; 0 for the kernel without clusters.
        structs_bytes: what the two structs take of shared memory.
        inner: blocks that share the sample tier; by default as few as can keep its matrices in shared memory.
    """
    needed = inner or _needed(shape, precision, shared_bytes, structs_bytes, warps)
    least = cluster_size if clusters else min(_LEAST_TEAM, needed, processors)
    blocks = clusters * cluster_size if clusters else processors
    teams = max(1, min(-(-streams // _GROUP), blocks // least))
    outer = blocks // teams // (cluster_size if clusters else 1) * (cluster_size if clusters else 1)
    inner = cluster_size if clusters else min(outer, needed)
    most = -(-streams // teams)
    for groups in (2, 1) if most > _GROUP else (1,):
        variant = Variant(precision, shape.gates, groups, bool(clusters), warps)
        room = _room(shape, variant, streams, teams, inner, shared_bytes, structs_bytes)
        if room is not None:
            return Plan(variant, teams, outer, inner, room)
    return None


def _needed(shape: Shape, precision: str, shared_bytes: int, structs_bytes: int, warps: int) -> int:
    """The fewest blocks that can keep hidden and output matrix in shared memory; a barrier of few costs less."""
    variant, blocks = Variant(precision, shape.gates, warps=warps), 1
    while blocks < _MOST_INNER:
        room = _room(shape, variant, 1, 1, blocks, shared_bytes, structs_bytes)
        tiles = (padded_width(shape) // TILE_ROWS, LEVELS // TILE_ROWS)
        if room is not None and (room.pinned_hidden, room.pinned_output) == tuple(-(-n // blocks) for n in tiles):
            break
        blocks *= 2
    return blocks


def _room(
    shape: Shape, variant: Variant, streams: int, teams: int, inner: int, shared_bytes: int, structs_bytes: int
) -> Room | None:
    padded, number = padded_width(shape), BYTES[variant.precision]
    parts, pairs = 1, 1
    for count in {streams // teams, -(-streams // teams)} - {0}:
        chunks = max(1, inner // count)
        parts = max(parts, -(-count * chunks // inner))
        pairs = max(pairs, -(-count * chunks // inner) * -(-padded // 2 // chunks))
    split = 1 if variant.precision == "fp32" else variant.warps
    sizes = (
        2 * variant.streams * (padded * number + 16),
        2 * variant.streams * 4,
        2 * variant.gates * split * TILE_ROWS * variant.streams * 4,
        parts + 1,
        pairs * 8,
    )
    places, end = [], structs_bytes
    for part in sizes:
        end = -(-end // 128) * 128
        places.append(end)
        end += part
    end = -(-end // 128) * 128
    if end > shared_bytes:
        return None
    tile = TILE_ROWS * padded * number
    spare = 0 if variant.precision == "fp32" else (shared_bytes - end) // tile
    pinned_hidden = min(spare, -(-(padded // TILE_ROWS) // inner))
    pinned_output = min(spare - pinned_hidden, -(-(LEVELS // TILE_ROWS) // inner))
    hidden, output = end, end + pinned_hidden * tile
    inputs, steps, sums, drawn, older = places
    size = output + pinned_output * tile
    return Room(inputs, steps, sums, drawn, older, hidden, output, size, pinned_hidden, pinned_output)
