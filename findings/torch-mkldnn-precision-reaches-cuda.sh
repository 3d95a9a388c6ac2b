#!/usr/bin/env bash
# Guess: torch.backends.mkldnn.fp32_precision says how exact oneDNN's products on the processor are, and nothing else.
# Truth: it is read as oneDNN's and set as that of all backends, so "tf32" there makes CUDA's products TF32 as well; the
# finer mkldnn.conv, .matmul and .rnn stay theirs. torch 2.13.0, Python 3.11, 2026-12-01. It matters where one process
# trains on a processor and measures, or samples, in full precision on a GPU.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq 'torch==2.13.0' 'numpy==2.4.6'
cat >"$work/precision.py" <<'PYTHON'
import sys
import warnings

import torch
from torch import backends

warnings.simplefilter("ignore")


def told() -> dict[str, str]:
    return {
        "all": backends.fp32_precision,
        "mkldnn": backends.mkldnn.fp32_precision,
        "cuda.matmul": backends.cuda.matmul.fp32_precision,
    }


print("torch", torch.__version__)
print("at first:", before := told())
for part in ("conv", "matmul", "rnn"):
    getattr(backends.mkldnn, part).fp32_precision = "bf16"
print("after mkldnn.conv, .matmul and .rnn were set to bf16:", finer := told())
backends.mkldnn.fp32_precision = "tf32"
print("after mkldnn was set to tf32:", after := told())
kept = finer["cuda.matmul"] == before["cuda.matmul"]
sys.exit(not (kept and before["cuda.matmul"] != "tf32" and after["cuda.matmul"] == "tf32"))
PYTHON
"$work/venv/bin/python" "$work/precision.py" || { echo "changed: oneDNN's precision is its own"; exit 1; }
