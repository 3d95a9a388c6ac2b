"""Every sampler gives the definition's bytes, whoever shares the batch and wherever it is cut."""

from __future__ import annotations

import platform
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from synth.cli import upkeep
from synth.errors import Cancelled, OptionError
from synth.models.samplernn import SampleRNN, SampleRNNConfig
from synth.sampler import backends, batching, native
from synth.sampler.base import PRECISIONS, Shape, Stream
from synth.sampler.fallback import NumpySampler
from synth.sampler.folding import random_folded
from synth.sampler.native import NativeSampler
from synth.sampler.packing import matrix as pack_matrix
from synth.sampler.packing import pack, without_tiny
from synth.sampler.reference import ReferenceSampler, product

SHAPES = {
    "gru": Shape((8, 4), 20, conditioning=5),
    "2 tiers": Shape((4,), 33, layers=3),
    "4 tiers": Shape((16, 8, 2), 18, layers=2),
    "lstm": Shape((8, 2), 19, "lstm", 2, conditioning=2),
}
needs_library = pytest.mark.skipif(native.library() is None, reason="the library was not built")


@cache
def built(shape: str, precision: str, threads: int = 1, instruction_set: str | None = None) -> NativeSampler:
    packed = pack(random_folded(SHAPES[shape]), precision)
    return NativeSampler(packed, threads=threads, instruction_set=instruction_set)


def conditioning(shape: Shape, frames: int, number: int = 0) -> NDArray[np.float32] | None:
    if not shape.conditioning:
        return None
    rows = np.random.default_rng(number).standard_normal((frames, shape.conditioning), np.float32)
    return np.repeat(rows, 2, axis=0)[:frames]  # a picture lasts for several top frames


def one(kernel: Any, frames: int, number: int = 0) -> NDArray[np.uint8]:
    """Stream ``number`` made all alone."""
    rows = conditioning(kernel.shape, frames, number)
    made: list[NDArray[np.uint8]] = kernel.run([kernel.start(9, number)], None if rows is None else [rows], frames)
    return made[0]


@needs_library
@pytest.mark.parametrize("precision", PRECISIONS)
def test_threads_that_share_a_wide_networks_steps_change_no_byte(precision: str) -> None:
    packed = pack(random_folded(Shape((8, 4), 512)), precision)  # narrower ones are not shared
    alone = one(NativeSampler(packed, threads=1), 12)
    for threads in (2, 3):
        assert np.array_equal(one(NativeSampler(packed, threads=threads), 12), alone)


@needs_library
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("precision", PRECISIONS)
def test_the_library_gives_the_definitions_bytes(shape: str, precision: str) -> None:
    reference = ReferenceSampler(pack(random_folded(SHAPES[shape]), precision))
    kernel = built(shape, precision)
    rows = conditioning(kernel.shape, 2)
    levels = one(kernel, 2)
    assert np.array_equal(one(reference, 2), levels)
    ours, theirs = kernel.start(9), reference.start(9)
    assert np.array_equal(
        kernel.log_probabilities(levels, rows, ours), reference.log_probabilities(levels, rows, theirs)
    )
    assert np.array_equal(ours.hidden, theirs.hidden)
    assert np.array_equal(ours.before, theirs.before)
    assert ours.position == theirs.position


@needs_library
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("precision", PRECISIONS)
def test_every_instruction_set_gives_the_same_bytes(shape: str, precision: str) -> None:
    made = {}
    for name in native.instruction_sets():
        kernel = built(shape, precision, 1, name)
        streams = [kernel.start(9, number) for number in range(9)]
        rows = [conditioning(kernel.shape, 4, number) for number in range(9)]
        given = None if rows[0] is None else [row for row in rows if row is not None]
        levels = kernel.run(streams, given, 4)
        made[name] = b"".join(part.tobytes() for part in levels) + streams[3].hidden.tobytes()
    assert len(set(made.values())) == 1
    assert native.disagreeing() == ()


@cache
def portable_bytes(width: int, precision: str) -> list[bytes]:
    """What each of 65 streams is to be, levels and state."""
    kernel = NativeSampler(pack(random_folded(Shape((8, 4), width)), precision), threads=1, instruction_set="portable")
    streams = [kernel.start(9, number) for number in range(65)]
    levels = kernel.run(streams, None, 1)
    return [part.tobytes() + stream.hidden.tobytes() for part, stream in zip(levels, streams, strict=True)]


@needs_library
@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("width", [37, 515])
@pytest.mark.parametrize("threads", [1, 2, 3])
def test_any_number_of_streams_has_the_portable_bytes(width: int, precision: str, threads: int) -> None:
    """Odd numbers of streams and odd widths: tiles with empty rows, teams of unequal shares."""
    packed = pack(random_folded(Shape((8, 4), width)), precision)
    wanted = portable_bytes(width, precision)
    for name in native.instruction_sets():
        kernel = NativeSampler(packed, threads=threads, instruction_set=name)
        for count in (1, 3, 15, 16, 17, 64, 65):
            if name == "portable" and (width > 100 or threads == 1):
                continue  # slow, and what the others are compared with
            streams = [kernel.start(9, number) for number in range(count)]
            levels = kernel.run(streams, None, 1)
            made = [part.tobytes() + stream.hidden.tobytes() for part, stream in zip(levels, streams, strict=True)]
            assert made == wanted[:count], (name, count)
        kernel.close()


def test_numbers_that_tiles_take_for_zero_are_zero_to_every_sampler() -> None:
    tiny = np.array([2.0**-41, -(2.0**-41), 2.0**-40, 1.0, -(2.0**-130)], np.float32)
    assert without_tiny(tiny).tolist() == [0, 0, 2.0**-40, 1, 0]
    y, weights = np.zeros(1, np.float32), pack_matrix(np.full((1, 5), 2.0**-60, np.float32), "bf16")
    assert product(y, weights, tiny, signed=True).tolist() == [0]


def test_bfloat16_sums_come_in_the_order_of_tiles() -> None:
    """Thirty-three inputs: an even and an odd chain of thirty-two, and the last on its own."""
    ones = np.ones((1, 33), np.float32)
    x = np.zeros(33, np.float32)
    x[[0, 2, 1, 32]] = 2.0**24, 1, 1, 1  # one by one in order of k, and so is each 1 here
    assert product(np.zeros(1, np.float32), pack_matrix(ones, "bf16"), x, signed=True)[0] == 2.0**24
    x[[0, 2, 1, 3, 32]] = 2.0**24, 0, 1, 1, 0  # the odd chain gathers 2, which is not lost
    assert product(np.zeros(1, np.float32), pack_matrix(ones, "bf16"), x, signed=True)[0] == 2.0**24 + 2


@needs_library
def test_better_instructions_than_a_setting_allows_are_not_used() -> None:
    native.use_at_most("avx2")
    try:
        assert set(native.instruction_sets()) <= {"portable", "avx2"}
        chosen = backends.make_sampler(random_folded(SHAPES["gru"]), threads=1)
        assert chosen.kind in ("cpu portable", "cpu avx2")
        with pytest.raises(OptionError, match="'sse9'; allowed are portable, avx2"):
            native.use_at_most("sse9")
    finally:
        native.use_at_most("")
    assert backends.describe()["used"] == f"cpu {native.best()}"


class Refusing:
    """The library under a system that refuses tiles to a processor that has them."""

    def __init__(self, found: Any) -> None:
        self._found = found

    def __getattr__(self, name: str) -> Any:
        return getattr(self._found, name)

    def sonorize_supported(self, number: int) -> int:
        return 0 if number == native.INSTRUCTION_SETS["amx"] else int(self._found.sonorize_supported(number))

    def sonorize_refused(self, number: int) -> int:
        return int(number == native.INSTRUCTION_SETS["amx"])


@needs_library
def test_a_system_that_refuses_tiles_is_told_once_and_another_kernel_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    refusing = Refusing(native.library())
    monkeypatch.setattr(native, "library", lambda: refusing)
    native.disagreeing.cache_clear()
    backends._warn.cache_clear()
    try:
        with pytest.warns(RuntimeWarning, match="does not let this process use amx"):
            chosen = backends.make_sampler(random_folded(SHAPES["gru"]), threads=1)
        backends.make_sampler(random_folded(SHAPES["gru"]), threads=1)  # a second warning would be an error
        assert chosen.kind == f"cpu {native.best()}" != "cpu amx"
        assert "the system refuses amx" in upkeep.CHECKS["sampler"]()
    finally:
        native.disagreeing.cache_clear()


@needs_library
def test_the_system_itself_may_refuse_tiles() -> None:
    """A seccomp filter that answers arch_prctl with EPERM, as containers have: the real library asks and falls back."""
    program = (
        "import ctypes, struct\n"
        "libc = ctypes.CDLL(None, use_errno=True)\n"
        "# ld [nr]; jeq arch_prctl -> errno 1, else allow\n"
        "code = [(0x20, 0, 0, 0), (0x15, 0, 1, 158), (0x06, 0, 0, 0x00050001), (0x06, 0, 0, 0x7FFF0000)]\n"
        "filters = ctypes.create_string_buffer(b''.join(struct.pack('HBBI', *one) for one in code))\n"
        "program = struct.pack('HxxxxxxP', len(code), ctypes.addressof(filters))\n"
        "assert libc.prctl(38, 1, 0, 0, 0) == 0 and libc.prctl(22, 2, program, 0, 0) == 0\n"
        "import warnings\n"
        "from synth.sampler import backends, folding, native\n"
        "from synth.sampler.base import Shape\n"
        "with warnings.catch_warnings(record=True) as caught:\n"
        "    warnings.simplefilter('always')\n"
        "    made = backends.make_sampler(folding.random_folded(Shape((8, 4), 16)), device='cpu', threads=2)\n"
        "made.run([made.start(number) for number in range(9)], top_frames=2)\n"
        "print(made.kind, native.refused(), len(caught))\n"
    )
    if platform.machine() != "x86_64" or "amx" not in native.instruction_sets():
        pytest.skip("this machine has no tiles to refuse")
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True, timeout=120)
    assert done.stdout.strip() == f"cpu {native.instruction_sets()[-2]} ('amx',) 1"


@needs_library
@settings(max_examples=25, deadline=None)
@given(
    shape=st.sampled_from(list(SHAPES)),
    precision=st.sampled_from(PRECISIONS),
    threads=st.integers(1, 3),
    lengths=st.lists(st.integers(0, 9), min_size=1, max_size=15),
    data=st.data(),
)
def test_company_threads_cuts_and_order_do_not_show(
    shape: str, precision: str, threads: int, lengths: list[int], data: st.DataObject
) -> None:
    """Streams of all lengths in any order, in as many calls as come: each as if it had been alone."""
    kernel = built(shape, precision, threads)
    numbers = data.draw(st.permutations(range(len(lengths))))
    streams = {number: kernel.start(9, number) for number in numbers}
    left = dict(zip(numbers, lengths, strict=True))
    made: dict[int, list[NDArray[np.uint8]]] = {number: [] for number in numbers}
    while any(left.values()):
        chosen = [number for number in numbers if left[number] and data.draw(st.booleans(), label="takes part")]
        counts = [data.draw(st.integers(1, left[number])) for number in chosen]
        rows = [conditioning(kernel.shape, lengths[numbers.index(number)], number) for number in chosen]
        done = [lengths[numbers.index(number)] - left[number] for number in chosen]
        given_rows = [row[begin:] for row, begin in zip(rows, done, strict=True) if row is not None]
        levels = kernel.run([streams[number] for number in chosen], given_rows or None, counts) if chosen else []
        for number, count, part in zip(chosen, counts, levels, strict=True):
            made[number].append(part)
            left[number] -= count
    alone = built(shape, precision)
    for number, length in zip(numbers, lengths, strict=True):
        if length:
            assert np.array_equal(np.concatenate(made[number]), one(alone, length, number))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("precision", PRECISIONS)
def test_numpy_samples_the_same_within_rounding(shape: str, precision: str) -> None:
    packed = pack(random_folded(SHAPES[shape]), precision)
    kernel, reference = NumpySampler(packed), ReferenceSampler(packed)
    levels = np.random.default_rng(5).integers(0, 256, 2 * packed.shape.top_frame).astype(np.uint8)
    rows = conditioning(packed.shape, 2)
    ours = kernel.log_probabilities(levels, rows, kernel.start(9))
    theirs = reference.log_probabilities(levels, rows, reference.start(9))
    # A value that lies between two whole numbers may be rounded to the other one; that is a step of int8.
    assert np.abs(ours - theirs).max() < (5e-2 if precision == "int8" else 1e-4)
    if precision != "int8":
        assert np.mean(one(kernel, 2) == one(reference, 2)) > 0.9


def test_numpy_makes_batches_of_any_length() -> None:
    kernel = NumpySampler(pack(random_folded(SHAPES["gru"]), "fp32"))
    rows = [conditioning(kernel.shape, count, count) for count in (3, 1, 2)]
    made = kernel.run([kernel.start(9, count) for count in (3, 1, 2)], [row for row in rows if row is not None])
    assert [len(levels) for levels in made] == [24, 8, 16]


def test_without_the_library_numpy_samples_after_one_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(native, "library", lambda: None)
    backends._warn.cache_clear()
    folded = random_folded(SHAPES["gru"])
    with pytest.warns(RuntimeWarning, match="numpy samples"):
        first = backends.make_sampler(folded)
    backends.make_sampler(folded)  # a second warning would be an error
    assert first.kind == "cpu numpy"
    assert backends.describe()["used"] == "cpu numpy"


@needs_library
def test_an_instruction_set_with_other_bytes_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    if len(native.instruction_sets()) < 2:
        pytest.skip("this machine has the portable kernels only")
    trial = native._trial
    monkeypatch.setattr(native, "_trial", lambda name, precision: (*trial("portable", precision), name.encode()))
    native.disagreeing.cache_clear()
    backends._warn.cache_clear()
    try:
        with pytest.warns(RuntimeWarning, match="wrong results with avx2"):
            chosen = backends.make_sampler(random_folded(SHAPES["gru"]), threads=1)
        assert chosen.kind == "cpu portable"
    finally:
        native.disagreeing.cache_clear()


@needs_library
def test_the_chooser_takes_networks_and_what_was_folded() -> None:
    chosen = backends.make_sampler(SampleRNN(SampleRNNConfig((8, 4), 16, embedding=8)), threads=1)
    assert (chosen.precision, chosen.kind) == ("bf16", f"cpu {native.best()}")
    assert backends.make_sampler(random_folded(SHAPES["gru"]), "int8", "cpu").precision == "int8"


@pytest.mark.parametrize("bad", [{"precision": "fp8"}, {"device": "tpu"}, {"device": "cuda"}, {"threads": 0}])
def test_the_chooser_refuses(bad: dict[str, Any]) -> None:
    with pytest.raises(OptionError):
        backends.make_sampler(random_folded(SHAPES["gru"]), **bad)


@needs_library
def test_a_cancelled_run_can_be_carried_on() -> None:
    kernel = built("gru", "bf16")
    frames = 4 * batching.CHUNK_SAMPLES // kernel.shape.top_frame
    rows = conditioning(kernel.shape, frames)
    assert rows is not None
    heard: list[NDArray[np.uint8]] = []
    polls = iter([False, False, True])
    stream = kernel.start(9)
    with pytest.raises(Cancelled):
        kernel.run([stream], [rows], cancelled=lambda: next(polls), receive=lambda _, levels: heard.append(levels))
    assert stream.position == 2 * batching.CHUNK_SAMPLES == sum(len(part) for part in heard)
    rest = kernel.run([stream], [rows[stream.position // kernel.shape.top_frame :]])[0]
    assert np.array_equal(np.concatenate([*heard, rest]), one(kernel, frames))


@needs_library
def test_progress_counts_the_samples_of_all_streams() -> None:
    kernel = built("2 tiers", "fp32")
    seen: list[tuple[int, int]] = []
    long = 20 + 2 * batching.CHUNK_SAMPLES // kernel.shape.top_frame - 4
    kernel.run([kernel.start(0), kernel.start(1)], None, [long, 20], progress=lambda *both: seen.append(both))
    total = (long + 20) * kernel.shape.top_frame
    assert seen[-1] == (total, total)
    assert seen == sorted(seen)
    assert len(seen) == 3  # 20 frames of both, then of one a whole chunk and most of another


@needs_library
def test_what_is_heard_is_what_was_sampled() -> None:
    """Draws at temperature 2 against the probabilities of the same sampler, in each place of a long sound."""
    kernel = built("2 tiers", "int8")
    stream = kernel.start(3, temperature=2.0)
    levels = kernel.run([stream], top_frames=1500)[0]
    probabilities = np.exp(kernel.log_probabilities(levels, None, kernel.start(3, temperature=2.0)))
    # The probability mass below each draw, at a random place within it, is uniform.
    below = np.cumsum(probabilities, axis=1) - probabilities
    places = np.arange(len(levels))
    within = np.random.default_rng(0).uniform(size=len(levels))
    uniform = below[places, levels] + within * probabilities[places, levels]
    counts = np.histogram(uniform, 32, (0, 1))[0]
    expected = len(levels) / 32
    assert ((counts - expected) ** 2 / expected).sum() < 62  # chi-square of 31 degrees at 0.1 %


BAD_CALLS: dict[str, Callable[[NativeSampler, Stream, NDArray[np.float32]], Any]] = {
    "twice": lambda kernel, stream, rows: kernel.run([stream, stream], [rows, rows]),
    "missing conditioning": lambda kernel, stream, rows: kernel.run([stream], None, 2),
    "too few rows": lambda kernel, stream, rows: kernel.run([stream], [rows], 5),
    "wrong numbers": lambda kernel, stream, rows: kernel.run([stream], [rows[:, :2]], 1),
    "negative": lambda kernel, stream, rows: kernel.run([stream], [rows], -1),
    "other lengths": lambda kernel, stream, rows: kernel.run([stream], [rows], [1, 2]),
    "half a frame": lambda kernel, stream, rows: kernel.log_probabilities(np.zeros(9, np.uint8), rows, stream),
    "another network": lambda kernel, stream, rows: kernel.run([built("lstm", "fp32").start(0)], [rows]),
}


@needs_library
@pytest.mark.parametrize("name", BAD_CALLS)
def test_a_call_that_contradicts_itself_is_refused(name: str) -> None:
    kernel = built("gru", "fp32")
    rows = conditioning(kernel.shape, 4)
    assert rows is not None
    with pytest.raises(OptionError):
        BAD_CALLS[name](kernel, kernel.start(0), rows)


def test_conditioning_cannot_be_given_to_a_network_without() -> None:
    kernel = NumpySampler(pack(random_folded(SHAPES["2 tiers"]), "fp32"))
    with pytest.raises(OptionError, match="takes none"):
        kernel.run([kernel.start(0)], [np.zeros((2, 3), np.float32)])
    with pytest.raises(OptionError, match="top_frames is missing"):
        kernel.run([kernel.start(0)])


@needs_library
def test_sampling_on_the_cpu_needs_no_torch() -> None:
    program = (
        "import sys\n"
        "from synth.sampler import backends, folding\n"
        "from synth.sampler.base import Shape\n"
        "made = backends.make_sampler(folding.random_folded(Shape((8, 4), 16)), device='cpu', threads=2)\n"
        "made.run([made.start(1)], top_frames=2)\n"
        "assert 'torch' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


@needs_library
def test_a_forked_child_samples_on_its_own_threads() -> None:
    program = (
        "import os\n"
        "from synth.sampler import backends, folding\n"
        "from synth.sampler.base import Shape\n"
        "made = backends.make_sampler(folding.random_folded(Shape((8, 4), 16)), threads=2)\n"
        "before = made.run([made.start(1)], top_frames=9)[0].tobytes()\n"
        "child = os.fork()\n"
        "same = made.run([made.start(1)], top_frames=9)[0].tobytes() == before\n"
        "if child == 0:\n"
        "    os._exit(0 if same else 1)\n"
        "assert same and os.waitpid(child, 0)[1] == 0\n"
    )
    subprocess.run([sys.executable, "-W", "ignore", "-c", program], check=True, timeout=60)
