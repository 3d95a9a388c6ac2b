"""What is deferred when a command starts is there for whoever asks for it, and a job asks for none of it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.paths import ROOT

BEGIN = "import sys\nfrom synth.cli import deferred_imports\ndeferred_imports.install()\nimport scipy.signal\n"
NONE_LOADED = "assert not [name for name in sys.modules if name.startswith('scipy.stats.')]\n"


def _runs(program: str) -> None:
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "use",
    [
        "import scipy.stats\nassert scipy.stats.norm.cdf(0) == 0.5",
        "import scipy.stats.distributions as them\nassert them.norm.cdf(0) == 0.5",
        "from scipy.stats import norm, rankdata\nassert norm.cdf(0) == 0.5 and list(rankdata([2, 1])) == [2, 1]",
        "from scipy.stats import *\nassert norm.cdf(0) == 0.5",
        "import scipy\nassert scipy.stats.norm.cdf(0) == 0.5",
    ],
)
def test_a_deferred_module_is_loaded_by_whoever_uses_it(use: str) -> None:
    _runs(f"{BEGIN}{NONE_LOADED}{use}\nassert type(sys.modules['scipy.stats']).__name__ == 'module'\n")


def test_what_a_package_took_from_a_deferred_module_does_what_it_always_did() -> None:
    find = "scipy.signal.find_peaks_cwt(np.sin(np.linspace(0, 30, 300)), [5, 10]).tolist()"
    peaks = f"{BEGIN}{NONE_LOADED}import numpy as np\nassert {find} == [16, 18, 79, 141, 204, 267]\n"
    _runs(peaks + "assert 'scipy.stats.distributions' in sys.modules\n")


def test_a_module_that_is_there_already_stays() -> None:
    _runs(f"import scipy.stats as first\n{BEGIN}assert sys.modules['scipy.stats'] is first\n")


def test_what_is_needed_meanwhile_is_loaded_meanwhile(tmp_path: Path) -> None:
    (tmp_path / "within.py").write_text("asked = 1\n\n\ndef later() -> int:\n    return 2\n")
    (tmp_path / "whole.py").write_text("from within import asked, later\n")
    program = (
        f"import sys\nsys.path.insert(0, {str(tmp_path)!r})\n"
        "from synth.cli import deferred_imports\n"
        "deferred_imports.DEFERRED = {'within': ('whole', frozenset({'later'}))}\n"
        "deferred_imports.install()\n"
        "import whole\n"
        "assert (whole.asked, whole.later()) == (1, 2)\n"
        "assert type(sys.modules['within']).__name__ == 'module'\n"
    )
    _runs(program)


def test_the_voices_of_hits_and_ambient_sound_need_no_deferred_module() -> None:
    modules = [
        "synth.pipeline.sonorize",
        "synth.voices.hits.voice",
        "synth.voices.ambient.computed_voice",
        "pyloudnorm",
    ]
    _runs(f"{BEGIN}import importlib\nfor name in {modules}:\n    importlib.import_module(name)\n{NONE_LOADED}")
