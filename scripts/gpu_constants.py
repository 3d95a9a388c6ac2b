"""Runs synth/sampler/cuda/constants.cu: what a load, a barrier and a hop cost on this GPU, in cycles."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from synth.sampler.cuda import device as devices
from synth.sampler.cuda.device import CudaDevice
from synth.sampler.cuda.plan import CLUSTER, Variant

REPEATS = 2000
THREADS = 256


def measure(device: CudaDevice, clusters: bool) -> dict[str, float]:
    """Cycles a repeat by name, and cycles a microsecond."""
    variant = Variant("fp32", cluster=clusters)
    code = devices._compile(devices.source("constants.cu"), variant, device.architecture, None)
    module = device._call(device._driver.cuModuleLoadData(code))
    runs: list[tuple[str, str, int, int, int]] = [
        ("shared load", "measure_shared_latency", 1, 1, 0),
        ("l2 load", "measure_l2_latency", 1, 4096, 0),
        *((f"barrier of {blocks}", "measure_barrier", blocks, 1, 0) for blocks in (16, 32, device.processors)),
        *((f"l2 hop of {blocks}", "measure_l2_hop", blocks, 8, 0) for blocks in (16, 32, device.processors)),
    ]
    if clusters:
        runs.append(("cluster barrier", "measure_cluster_barrier", CLUSTER, 1, CLUSTER))
        runs += [(f"cluster hop, {16 * words} B", "measure_cluster_hop", CLUSTER, words, CLUSTER) for words in (8, 64)]
    found = {name: _cycles(device, module, kernel, *sizes) for name, kernel, *sizes in runs}
    begin = time.perf_counter()
    cycles = _cycles(device, module, "measure_l2_latency", 1, 4096, 0, repeats=2_000_000, tries=1) * 2_000_000
    found["cycles a us"] = cycles / (time.perf_counter() - begin) / 1e6
    return {name: round(value, 1) for name, value in found.items()}


def _cycles(
    device: CudaDevice,
    module: Any,
    kernel: str,
    blocks: int,
    words: int,
    cluster: int,
    repeats: int = REPEATS,
    tries: int = 3,
) -> float:
    driver = device._driver
    function = device._call(driver.cuModuleGetFunction(module, kernel.encode()))
    threads = 32 if "latency" in kernel else THREADS
    shared = 2 * CLUSTER * words * 16 if kernel == "measure_cluster_hop" else 0
    if shared:
        limit = driver.CUfunction_attribute.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES
        device._call(driver.cuFuncSetAttribute(function, limit, shared))
    if cluster:
        beyond = driver.CUfunction_attribute.CU_FUNC_ATTRIBUTE_NON_PORTABLE_CLUSTER_SIZE_ALLOWED
        device._call(driver.cuFuncSetAttribute(function, beyond, 1))
    cycles, best = device.upload(np.zeros(1, np.int64)), float("inf")
    for _ in range(tries):
        memory = device.upload(np.zeros(2**20, np.uint8))
        config, kept = device._config(blocks, threads, shared, cluster, cooperative=not cluster)
        values = (np.array([repeats, words], np.int32), np.array([memory.address, cycles.address], np.uint64))
        places = [values[0].ctypes.data, values[0].ctypes.data + 4, values[1].ctypes.data, values[1].ctypes.data + 8]
        pointers = np.array(places, np.uint64)
        device._torch.cuda.synchronize()
        device._call(driver.cuLaunchKernelEx(config, function, int(pointers.ctypes.data), 0))
        device._torch.cuda.synchronize()
        best = min(best, int(cycles.read().view(np.int64)[0]) / repeats)
        del kept
    return best
