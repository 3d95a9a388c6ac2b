"""The kernel's data flow in numpy: the same teams, tiles, buffers and barriers, its blocks in random order.

A block is a generator that stops at each barrier. Between two barriers the blocks of a team run one after the other in
an order that is drawn anew each time, and blocks that have passed a barrier do not wait for those that have not come to
the next one. A vector that blocks exchange knows the epoch in which each part was written: whoever reads a part that
belongs to another epoch reads NaN, and whoever overwrites one that is still to be read makes NaN of it for its readers.
So a barrier too few, or a buffer too few, shows in the levels. It checks the plan of the kernel, not its instructions;
for its instructions the kernel's own source also runs on a CPU (``scripts/cuda_on_host``).
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from synth.sampler.base import LEVELS, Stream
from synth.sampler.batching import ChunkedSampler, Gates
from synth.sampler.folding import MIDDLE
from synth.sampler.packing import Matrix, Packed, from_bfloat16
from synth.sampler.reference import draw, fma, gru, lstm, product

Vector = NDArray[np.float32]
Steps = Generator[str, None, None]
"""What a block yields: the barrier it has come to, ``"outer"`` or ``"inner"``."""

TILE: Final = 4
"""Rows a tile: fewer than on a GPU, so that small networks spread over several blocks."""


class Exchange:
    """A vector of one stream that blocks of a team write in parts and read whole.

    Args:
        size: numbers.
        turns: how many copies there are; a reader may be behind a writer by one less.
    """

    def __init__(self, size: int, turns: int = 1) -> None:
        self._values = np.full((turns, size), np.nan, np.float32)
        self._epochs = np.full((turns, size), -1, np.int64)

    def write(self, epoch: int, rows: slice, values: Vector) -> None:
        """Put a part of an epoch's vector."""
        turn = epoch % len(self._values)
        self._values[turn, rows] = values
        self._epochs[turn, rows] = epoch

    def read(self, epoch: int) -> Vector:
        """The whole vector of an epoch; NaN where it holds another one's."""
        turn = epoch % len(self._values)
        return np.where(self._epochs[turn] == epoch, self._values[turn], np.float32(np.nan)).astype(np.float32)


@dataclass
class _Line:
    """One stream as its team sees it: exchanged vectors, levels, and what belongs to the call."""

    stream: Stream
    gates: Gates | None
    frames: int
    levels: NDArray[np.int64]
    states: list[list[Exchange]]
    cells: NDArray[np.float32]
    upsampled: Exchange
    words: Exchange
    first: Exchange
    second: Exchange
    logits: Exchange
    scores: list[Vector]
    team_frames: int = 0


class EmulatedSampler(ChunkedSampler):
    """So many teams of so many blocks, in numpy.

    Args:
        packed: the network.
        teams: each has its own streams.
        outer: blocks a team.
        inner: how many of them share the sample tier.
        seed: of the order in which blocks run.
        skip_barrier: the how-manieth barrier of each block is left out, to see that it is missed.
        turns: copies of each state; the kernel has two.
    """

    def __init__(
        self,
        packed: Packed,
        *,
        teams: int = 2,
        outer: int = 5,
        inner: int = 3,
        seed: int = 0,
        skip_barrier: int | None = None,
        turns: int = 2,
    ) -> None:
        super().__init__(packed)
        self.packed, self.teams, self.outer, self.inner = packed, teams, outer, inner
        self.turns = turns
        self._skip, self._order = skip_barrier, np.random.default_rng(seed)

    @property
    def kind(self) -> str:
        """Names itself."""
        return "emulation of the CUDA kernel"

    def _gates(self, rows: NDArray[np.float32]) -> Gates:
        weights = self.packed.conditioning
        assert weights is not None
        bias = self.packed.tiers[0].bias[0]
        return np.stack([product(bias, Matrix(weights), row, signed=True) for row in rows])

    def _advance(
        self, streams: Sequence[Stream], gates: Sequence[Gates] | None, frames: int
    ) -> list[NDArray[np.uint8]]:
        lines = [self._line(one, None if gates is None else gates[i], frames) for i, one in enumerate(streams)]
        self._launch(lines, known=False)
        return [self._back(line) for line in lines]

    def _score(self, stream: Stream, gates: Gates | None, levels: NDArray[np.uint8]) -> NDArray[np.float32]:
        line = self._line(stream, gates, len(levels) // self.shape.top_frame)
        line.levels[self.shape.top_frame :] = levels
        self._launch([line], known=True)
        self._back(line)
        return np.stack(line.scores)

    def run_unequal(
        self, streams: Sequence[Stream], gates: Sequence[Gates] | None, frames: Sequence[int]
    ) -> list[NDArray[np.uint8]]:
        """One launch of streams that end at different frames."""
        lines = [self._line(one, None if gates is None else gates[i], frames[i]) for i, one in enumerate(streams)]
        self._launch(lines, known=False)
        return [self._back(line) for line in lines]

    def _line(self, stream: Stream, gates: Gates | None, frames: int) -> _Line:
        shape, width = self.shape, self.shape.width
        levels = np.full(shape.top_frame * (frames + 1), -1, np.int64)
        levels[: shape.top_frame] = stream.before
        states = [[Exchange(width, self.turns) for _ in range(shape.layers)] for _ in range(shape.tiers)]
        for tier in range(shape.tiers):
            for layer in range(shape.layers):
                states[tier][layer].write(0, slice(None), stream.hidden[tier, 0, layer])
        return _Line(
            stream,
            gates,
            frames,
            levels,
            states,
            stream.hidden[:, 1].copy() if shape.states == 2 else np.zeros(0, np.float32),
            Exchange(width),
            Exchange(shape.look_back * width),
            Exchange(width),
            Exchange(width),
            Exchange(LEVELS),
            [],
        )

    def _back(self, line: _Line) -> NDArray[np.uint8]:
        shape, stream, top = self.shape, line.stream, self.shape.top_frame
        for tier in range(shape.tiers):
            epoch = line.team_frames * top // shape.frames[tier]
            for layer in range(shape.layers):
                stream.hidden[tier, 0, layer] = line.states[tier][layer].read(epoch)
        if shape.states == 2:
            stream.hidden[:, 1] = line.cells
        stream.before = line.levels[-top:].astype(np.uint8)
        stream.position += line.frames * top
        return line.levels[top:].astype(np.uint8)

    def _launch(self, lines: list[_Line], *, known: bool) -> None:
        for team in range(self.teams):
            mine = lines[len(lines) * team // self.teams : len(lines) * (team + 1) // self.teams]
            if mine:
                self._run_team(mine, known=known)

    def _run_team(self, lines: list[_Line], *, known: bool) -> None:
        """Blocks in random order; a block goes on as soon as all that meet there have come."""
        for line in lines:
            line.team_frames = max(other.frames for other in lines)
        blocks = [_Block(self, rank, lines, known=known) for rank in range(self.outer)]
        steps = [block.run() for block in blocks]
        at: list[str | None] = ["begin"] * self.outer
        passed = {"outer": [0] * self.outer, "inner": [0] * self.outer}
        met = [0] * self.outer
        while any(place is not None for place in at):
            ready = [rank for rank in range(self.outer) if at[rank] is not None and self._may_go(rank, at, passed)]
            assert ready, "the blocks wait for one another"
            rank = int(self._order.choice(ready))
            at[rank] = next(steps[rank], None)
            while at[rank] is not None:
                met[rank] += 1
                if met[rank] - 1 != self._skip:
                    break
                at[rank] = next(steps[rank], None)  # past the barrier that is left out
            place = at[rank]
            if place is not None:
                passed[place][rank] += 1

    def _may_go(self, rank: int, at: list[str | None], passed: dict[str, list[int]]) -> bool:
        place = at[rank]
        if place is None or place == "begin":
            return True
        members = range(self.outer if place == "outer" else self.inner)
        return all(passed[place][other] >= passed[place][rank] or at[other] is None for other in members)


class _Block:
    """One thread block: its tiles of everything."""

    def __init__(self, sampler: EmulatedSampler, rank: int, lines: list[_Line], *, known: bool) -> None:
        self._p, self._shape, self._known = sampler.packed, sampler.packed.shape, known
        self._rank, self._outer, self._inner, self._lines = rank, sampler.outer, sampler.inner, lines
        self._drawn: dict[int, int] = {}
        self._older: dict[tuple[int, int], Vector] = {}
        self._chunks = max(1, self._inner // len(lines))
        parts = len(lines) * self._chunks
        inside = rank < self._inner
        self._parts = range(parts * rank // self._inner, parts * (rank + 1) // self._inner) if inside else range(0)

    def _tiles(self, rows: int, members: int) -> list[slice]:
        count = -(-rows // TILE)
        if self._rank >= members:
            return []
        mine = range(count * self._rank // members, count * (self._rank + 1) // members)
        return [slice(tile * TILE, min(rows, (tile + 1) * TILE)) for tile in mine]

    def run(self) -> Steps:
        """The whole launch, barrier by barrier."""
        shape = self._shape
        inside = self._rank < self._inner
        total = max(line.frames for line in self._lines) * shape.top_frame
        for sample in range(total + 1):
            if sample % shape.look_back == 0:
                if inside:
                    self._choose(sample - 1)
                yield "outer"
                if sample == total:
                    return
                for tier in range(shape.tiers):
                    if sample % shape.top_frame % shape.frames[tier] == 0:
                        yield from self._step_tier(tier, sample)
                self._spell_words(sample)
                yield "outer"
                if inside:
                    self._sum_older(sample)
            elif inside:
                self._choose(sample - 1)
            if inside:
                yield from self._step_sample(sample)

    def _step_tier(self, index: int, sample: int) -> Steps:
        shape, tier = self._shape, self._p.tiers[index]
        frame = shape.frames[index]
        variant = sample % shape.top_frame // frame % shape.variants(index)
        epoch = sample // frame  # of the state before this step
        above = sample // shape.frames[index - 1] + 1 if index else 0
        if tier.upsampling:
            for line in self._lines:
                x = line.states[index - 1][-1].read(above)
                for rows in self._tiles(shape.width, self._outer):
                    matrix = _rows(tier.upsampling[variant], [rows])
                    value = product(np.zeros(rows.stop - rows.start, np.float32), matrix, x, signed=True)
                    line.upsampled.write(sample, rows, value)
            yield "outer"
        for layer in range(shape.layers):
            for line in self._lines:
                for rows in self._tiles(shape.width, self._outer):
                    self._step_units(line, index, layer, variant, sample, epoch, above, rows)
            yield "outer"

    def _step_units(
        self, line: _Line, index: int, layer: int, variant: int, sample: int, epoch: int, above: int, rows: slice
    ) -> None:
        shape, tier, top = self._shape, self._p.tiers[index], self._shape.top_frame
        gates = [slice(g * shape.width + rows.start, g * shape.width + rows.stop) for g in range(shape.gates)]
        pick = np.concatenate([np.arange(part.start, part.stop) for part in gates])
        before = line.states[index][layer].read(epoch)
        over = sample >= line.frames * top
        if layer:
            matrix = tier.inputs[layer]
            assert matrix is not None
            x = line.states[index][layer - 1].read(epoch + 1)
            inward = product(tier.input_bias[layer][pick], _rows(matrix, gates), x, signed=True)
        else:
            given = line.gates if index == 0 else None
            bias = tier.bias[variant] if given is None or over else given[sample // top]
            known = line.levels[sample + top - shape.frames[index] : sample + top] if not over else np.zeros(1)
            levels = np.where(known < 0, np.nan, known).astype(np.float32) - np.float32(MIDDLE)
            inward = bias[pick]
            if not over:
                inward = product(inward, Matrix(tier.samples[pick]), levels, signed=True)
            if tier.above:
                x = line.states[index - 1][-1].read(above)
                inward = product(inward, _rows(tier.above[variant], gates), x, signed=True)
            elif tier.upsampling:
                matrix = tier.inputs[0]
                assert matrix is not None
                inward = product(inward, _rows(matrix, gates), line.upsampled.read(sample), signed=True)
        carried = product(tier.recurrent_bias[layer][pick], _rows(tier.recurrent[layer], gates), before, signed=True)
        if over:  # a stream that is over keeps its state
            line.states[index][layer].write(epoch + 1, rows, before[rows])
        elif shape.rnn == "gru":
            line.states[index][layer].write(epoch + 1, rows, gru(inward, carried, before[None, rows])[0])
        else:
            pair = np.stack((before[rows], line.cells[index, layer, rows]))
            after, cell = lstm(inward, carried, pair)
            line.cells[index, layer, rows] = cell
            line.states[index][layer].write(epoch + 1, rows, after)

    def _spell_words(self, sample: int) -> None:
        shape = self._shape
        for line in self._lines:
            x = line.states[-1][-1].read(sample // shape.look_back + 1)
            for rows in self._tiles(shape.look_back * shape.width, self._outer):
                for slot in range(rows.start // shape.width, -(-rows.stop // shape.width)):
                    begin = max(0, rows.start - slot * shape.width)
                    part = slice(begin, min(shape.width, rows.stop - slot * shape.width))
                    value = product(self._p.word_bias[slot][part], _rows(self._p.words[slot], [part]), x, signed=True)
                    at = slice(slot * shape.width + part.start, slot * shape.width + part.stop)
                    line.words.write(sample // shape.look_back, at, value)

    def _choose(self, sample: int) -> None:
        """Levels of this sample for the streams whose columns this block sums; the first of them writes it down."""
        top = self._shape.top_frame
        for local in sorted({part // self._chunks for part in self._parts}):
            line = self._lines[local]
            level = LEVELS // 2
            if sample < 0 or (self._known and sample < line.frames * top):
                level = int(line.levels[top + sample])
            elif sample < line.frames * top:
                stream = line.stream
                logits = line.logits.read(sample) * np.float32(1 / stream.temperature)
                assert not np.isnan(logits).any(), "logits of another sample"
                level = draw(logits, stream.seed, stream.stream, stream.position + sample)
                if local * self._chunks in self._parts:
                    line.levels[top + sample] = level
            self._drawn[local] = level

    def _columns(self, part: int) -> slice:
        chunk, width = part % self._chunks, self._shape.width
        return slice(width * chunk // self._chunks, width * (chunk + 1) // self._chunks)

    def _word(self, line: _Line, sample: int) -> Vector:
        shape = self._shape
        slot = sample % shape.look_back
        return line.words.read(sample // shape.look_back)[slot * shape.width : (slot + 1) * shape.width]

    def _sum_older(self, sample: int) -> None:
        """All rows but the newest: int8 sums whole numbers, the others begin with the word."""
        shape, values = self._shape, self._p.tables.values
        for part in self._parts:
            line, columns = self._lines[part // self._chunks], self._columns(part)
            begin = shape.top_frame + sample - shape.look_back
            levels = line.levels[begin : begin + shape.look_back - 1]
            whole = values.dtype == np.int16
            total = np.zeros(columns.stop - columns.start, np.float32) if whole else self._word(line, sample)[columns]
            for place, level in enumerate(levels):
                if level < 0 and sample < line.frames * shape.top_frame:
                    total = total + np.float32(np.nan)
                total = total + self._row(place, int(level), columns)
            self._older[part // self._chunks, part] = total

    def _row(self, place: int, level: int, columns: slice) -> Vector:
        row = self._p.tables.values[place, level, columns]
        return from_bfloat16(row) if row.dtype == np.uint16 else row.astype(np.float32)

    def _step_sample(self, sample: int) -> Steps:
        shape, scale = self._shape, self._p.tables.scale
        for part in self._parts:
            local, columns = part // self._chunks, self._columns(part)
            line = self._lines[local]
            total = self._older[local, part] + self._row(shape.look_back - 1, self._drawn[local], columns)
            if scale is not None:
                total = fma(total, scale[columns], self._word(line, sample)[columns])
            line.first.write(sample, columns, np.maximum(total, np.float32(0)))
        yield "inner"
        for line in self._lines:
            for rows in self._tiles(shape.width, self._inner):
                value = product(
                    self._p.hidden_bias[rows], _rows(self._p.hidden, [rows]), line.first.read(sample), signed=False
                )
                line.second.write(sample, rows, np.maximum(value, np.float32(0)))
        yield "inner"
        for line in self._lines:
            for rows in self._tiles(LEVELS, self._inner):
                value = product(
                    self._p.output_bias[rows], _rows(self._p.output, [rows]), line.second.read(sample), signed=False
                )
                line.logits.write(sample, rows, value)
        if (sample + 1) % shape.look_back:
            self._sum_older(sample + 1)  # while the others' logits are on their way
        yield "inner"
        if self._known and self._rank == 0:
            for line in self._lines:
                line.scores.append(line.logits.read(sample) * np.float32(1 / line.stream.temperature))


def _rows(matrix: Matrix, parts: Sequence[slice]) -> Matrix:
    """Some rows of a matrix."""
    pick = np.concatenate([np.arange(part.start, part.stop) for part in parts])
    scale = None if matrix.scale is None else matrix.scale[pick]
    row_sum = None if matrix.row_sum is None else matrix.row_sum[pick]
    return Matrix(matrix.values[pick], scale, row_sum)
