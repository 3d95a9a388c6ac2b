"""``sonorize eval wild``: do clips that nobody prepared sound like what they sounded like, in mode auto?

Each clip's own sound is replaced by what mode auto makes of the picture alone; YAMNet hears both. Two figures:

* **hit@5**: the likeliest of its 521 classes in ours is among the real sound's five, or the other way round. Generic
  names (rooms, noise, silence) are left out. **specific**: the same without the broadest names, :data:`BROAD`, too.
* **KL**: divergence of the class distributions, real from ours, in nats; probabilities are brought to a sum of one.

Floors: the real sounds of the other clips, pink noise, and the results of another build (``--beside``). Ceiling: one
half of the clip's real sound against its other half.

Shapes: N samples at 16 kHz, C = 521 classes.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

import synth
from synth.errors import MediaError, OptionError, WeightsError
from synth.evaluation.ambient.yamnet import RATE_HZ, YamNet, installed_yamnet
from synth.files import write_whole
from synth.media import audio
from synth.metrics.hits import wilson_interval
from synth.options import Options
from synth.pipeline.sonorize import sonorize

SEED: Final = 71
ENDINGS: Final = frozenset({".mkv", ".mp4", ".mov", ".webm", ".avi"})
BROAD: Final = frozenset({"Music", "Speech", "Animal", "Vehicle"})
"""Names that are among the five of every third real sound."""
_HEARD: Final = ".wild-heard.jsonl"
REPORT: Final = "wild.json"
_LEAST: Final = 1e-4  # no class is impossible: a single one would decide the divergence
_NOISE_S: Final = 10.0
_FIVE: Final = 5

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Sounded:
    """A clip, what it sounded like and what it sounds like now.

    Attributes:
        name: of the file, without its ending.
        mode, sounds: the voice that was chosen, and the layers where it has any.
        evidence: that the picture gives the first layer, 0..1; ``None`` for other voices.
        candidates: sounds that were offered besides.
        ours: probabilities [C] of our sound.
        real, first, second: the same of the clip's own sound and of its halves.
    """

    name: str
    mode: str
    sounds: list[str]
    evidence: float | None
    candidates: list[str]
    ours: list[float]
    real: list[float]
    first: list[float]
    second: list[float]


def evaluate_wild(data: Path, out: Path | None, *, beside: Path | None = None) -> dict[str, Any]:
    """Both figures of all clips of a folder, beside floors and ceiling.

    Args:
        data: a folder of videos with their natural sound.
        out: a folder that keeps the videos made and what was heard, so that the same command goes on where it stopped.
        beside: the ``out`` folder of another build, or any folder with videos or sounds of the clips' names.

    Raises:
        OptionError: no clip with sound is there.
        WeightsError: YAMNet is not installed.
    """
    yamnet = installed_yamnet()
    if isinstance(yamnet, str):
        raise WeightsError(yamnet)
    clips = sorted(path for path in data.iterdir() if path.suffix.lower() in ENDINGS)
    if not clips:
        raise OptionError(f"{data} holds no video; a video ends in {', '.join(sorted(ENDINGS))}")
    kept = _read_kept(out)
    rows, skipped = [], {}
    for clip in tqdm(clips, desc="clips", unit="clip", disable=None):
        row = kept.get(clip.stem)
        if row is None:
            try:
                row = _sound_and_hear(clip, out, yamnet)
            except MediaError as error:  # such as a clip without sound: nothing to compare with
                skipped[clip.stem] = str(error)
                continue
            _keep(out, row)
        rows.append(row)
    if not rows:
        raise OptionError(f"no clip of {data} can be measured: {next(iter(skipped.values()))}")
    result = {**report(rows, yamnet), "skipped": skipped}
    if beside is not None:
        result["beside"] = _beside(beside, rows, yamnet)
    if out is not None:
        write_whole(out / REPORT, json.dumps(result, indent=2).encode())
    return result


def _sound_and_hear(clip: Path, out: Path | None, yamnet: YamNet) -> Sounded:
    real, _ = audio.read(clip, RATE_HZ)
    half = len(real) // 2
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) if out is None else out
        folder.mkdir(parents=True, exist_ok=True)
        target = folder / f"{clip.stem}.mkv"
        made = sonorize(clip, target, Options(seed=SEED), overwrite=True).outputs[0]
        ours, _ = audio.read(target, RATE_HZ)
    heard = [yamnet.probabilities(sound) for sound in (ours, real, real[:half], real[half:])]
    choice = made.sound_class
    return Sounded(
        clip.stem,
        made.mode.value,
        [layer.sound for layer in made.layers],
        None if choice is None else choice.probability,
        [] if choice is None else [one.name for one in choice.candidates],
        *([round(float(value), 5) for value in one] for one in heard),
    )


def report(rows: Sequence[Sounded], yamnet: YamNet) -> dict[str, Any]:
    """The figures of clips that were sounded."""
    real = [np.array(row.real) for row in rows]
    own = [Judged.of(np.array(row.ours), heard, yamnet) for row, heard in zip(rows, real, strict=True)]
    others = [
        Judged.of(real[other], real[at], yamnet) for at in range(len(rows)) for other in range(len(rows)) if other != at
    ]
    noise = yamnet.probabilities(pink_noise(round(_NOISE_S * RATE_HZ)))
    halves = [Judged.of(np.array(row.first), np.array(row.second), yamnet) for row in rows]
    return {
        "clips": len(rows),
        "seed": SEED,
        "ours": figures(own),
        "floors": {
            "another clip's real sound": figures(others),
            "pink noise": figures([Judged.of(noise, heard, yamnet) for heard in real]),
        },
        "ceiling": {"the same clip's other half": figures(halves)},
        "by_voice": {
            mode: figures([one for one, row in zip(own, rows, strict=True) if row.mode == mode])
            for mode in sorted({row.mode for row in rows})
        },
        "one_by_one": {row.name: _told(row, one, yamnet) for row, one in zip(rows, own, strict=True)},
    }


@dataclass(frozen=True)
class Judged:
    """One sound against another: whether the likeliest of either is among the other's five, and the divergence."""

    hit: bool
    specific: bool
    divergence: float

    @classmethod
    def of(cls, ours: NDArray[Any], real: NDArray[Any], yamnet: YamNet) -> Judged:
        """Probabilities [C] of ours against those of the real sound [C]."""
        mine, theirs = (yamnet.likeliest(np.asarray(one), _FIVE + len(BROAD)) for one in (ours, real))
        narrow = [[name for name in names if name not in BROAD] for names in (mine, theirs)]
        return cls(_agree(mine, theirs), _agree(*narrow), divergence(real, ours))


def _agree(mine: list[str], theirs: list[str]) -> bool:
    """Whether the likeliest of either is among the other's five."""
    return mine[0] in theirs[:_FIVE] or theirs[0] in mine[:_FIVE]


def divergence(real: NDArray[Any], ours: NDArray[Any]) -> float:
    """Kullback-Leibler divergence in nats of two rows of probabilities [C], each brought to a sum of one."""
    p, q = ((row + _LEAST) / (row + _LEAST).sum() for row in (np.asarray(real, float), np.asarray(ours, float)))
    return float(np.sum(p * np.log(p / q)))


def figures(judged: Sequence[Judged]) -> dict[str, Any]:
    """Means over clips, the share with its 95 % interval."""
    hits = sum(one.hit for one in judged)
    interval = wilson_interval(hits, len(judged))
    return {
        "n": len(judged),
        "hit@5": hits / len(judged) if judged else None,
        "hit@5_95": [interval.low, interval.high] if interval else None,
        "specific_hit@5": sum(one.specific for one in judged) / len(judged) if judged else None,
        "kl": float(np.mean([one.divergence for one in judged])) if judged else None,
    }


def pink_noise(count: int) -> Floats:
    """Noise of equal power in each octave, float32 [count]."""
    spectrum = np.fft.rfft(np.random.default_rng(SEED).standard_normal(count))
    spectrum[1:] /= np.sqrt(np.arange(1, len(spectrum)))
    spectrum[0] = 0
    noise = np.fft.irfft(spectrum, count)
    return np.asarray(noise / np.abs(noise).max(), np.float32)


def _told(row: Sounded, judged: Judged, yamnet: YamNet) -> dict[str, Any]:
    return {
        "mode": row.mode,
        "sounds": row.sounds,
        "evidence": row.evidence,
        "candidates": row.candidates,
        "hit": judged.hit,
        "specific_hit": judged.specific,
        "kl": round(judged.divergence, 3),
        "ours": yamnet.likeliest(np.array(row.ours)),
        "real": yamnet.likeliest(np.array(row.real)),
    }


def _beside(folder: Path, rows: Sequence[Sounded], yamnet: YamNet) -> dict[str, Any]:
    """The same figures of another build's results, with ours on the clips that both have."""
    found = {path.stem: path for path in sorted(folder.iterdir()) if path.suffix.lower() in {*ENDINGS, ".wav", ".flac"}}
    both = [row for row in rows if row.name in found]
    theirs = [
        Judged.of(yamnet.probabilities(audio.read(found[row.name], RATE_HZ)[0]), np.array(row.real), yamnet)
        for row in tqdm(both, desc="beside", unit="clip", disable=None)
    ]
    own = [Judged.of(np.array(row.ours), np.array(row.real), yamnet) for row in both]
    return {"beside": figures(theirs), "ours": figures(own)}


def _version() -> str:
    """A digest of the code that makes sounds and of the table of words."""
    root = Path(synth.__path__[0])
    files = [path for path in sorted(root.rglob("*")) if path.suffix in {".py", ".tsv", ".toml"}]
    made = [path for path in files if path.relative_to(root).parts[0] not in {"evaluation", "benchmarks", "training"}]
    return hashlib.sha256(b"".join(path.read_bytes() for path in made)).hexdigest()[:16]


def _read_kept(out: Path | None) -> Mapping[str, Sounded]:
    """What was heard before by the same code, by name."""
    file = None if out is None else out / _HEARD
    if file is None or not file.is_file():
        return {}
    version, found = _version(), {}
    for line in file.read_text(encoding="utf-8").splitlines():
        told = json.loads(line)
        if told.pop("version") == version:
            found[told["name"]] = Sounded(**told)
    return found


def _keep(out: Path | None, row: Sounded) -> None:
    if out is not None:
        with (out / _HEARD).open("a", encoding="utf-8") as stream:
            stream.write(json.dumps({"version": _version(), **asdict(row)}) + "\n")
