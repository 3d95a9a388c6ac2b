"""``sonorize eval sounds``: is each sound of the catalogue heard as itself, by two judges, beside floor and ceiling.

* **yamnet**: one of the class's AudioSet names is among the five likeliest of 521. Constants were tuned in view of it,
  with other seeds.
* **aisfx**: the five nearest real recordings by an embedding with which hardly a constant was searched (surf, rain and
  fire were looked at with it; helicopter and chainsaw were searched in view of both judges; always with other seeds).
  Where at least 20 recordings may stand for a class, three of the five have to; where there are fewer, one.

Floor: the same share among the sounds of all other classes that share no AudioSet name with it. Ceiling: the share
among real recordings of the class; for aisfx, cuts of the same source recording do not count as neighbours.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from synth.errors import MediaError, OptionError, WeightsError
from synth.evaluation.ambient.aisfx import RATE_HZ as AISFX_HZ
from synth.evaluation.ambient.aisfx import EffectsNet, installed_aisfx
from synth.evaluation.ambient.references import Reference, references
from synth.evaluation.ambient.yamnet import RATE_HZ as YAMNET_HZ
from synth.evaluation.ambient.yamnet import YamNet, installed_yamnet
from synth.media import audio
from synth.voices.ambient import catalogue
from synth.voices.ambient.catalogue.entry import SoundClass
from synth.voices.ambient.catalogue.performance import Role, generator
from synth.voices.ambient.catalogue.registry import all_sounds, sound_class
from synth.voices.ambient.catalogue.rendering import DEFAULT_RATE_HZ, performance_of, render

FIRST_SEED: Final = 90_001
"""Of the seeds that are judged: none was used while a sound was made."""
DEFAULT_SEEDS: Final = 4
DURATION_S: Final = 5.0
USUAL_DATA: Final = Path("../shared/data")
NEIGHBOURS: Final = 5
_MANY: Final = 20  # recordings of a class, from which on most neighbours have to be of it
_WIDE: Final = 4.0  # high / low of a knob, from which on it is drawn by ratio
_LONGEST_REAL_S: Final = 10.0
KNOBS: Final = ("default", "range")


@dataclass(frozen=True)
class Heard:
    """What the judges heard in one sound.

    Attributes:
        sound, seed, knobs: which sound it is, and how its knobs were set.
        likeliest: YAMNet's five likeliest names.
        evidence: YAMNet's probability of the class's own likeliest name.
        neighbours: of the five nearest recordings, the classes that each may stand for; None without aisfx.
        speed: seconds of sound a second of one core.
    """

    sound: str
    seed: int
    knobs: dict[str, float]
    likeliest: list[str]
    evidence: float
    neighbours: list[list[str]] | None
    speed: float


def evaluate_sounds(
    data: Path | None,
    out: Path | None,
    *,
    seeds: int = DEFAULT_SEEDS,
    classes: str | None = None,
    knobs: str = "default",
) -> dict[str, Any]:
    """All figures of the catalogue.

    Args:
        data: a folder with ``esc10``, ``urbansound8k`` and ``effects``; ../shared/data where there is one. Without,
            YAMNet judges alone.
        out: a folder that keeps what was heard, so that the same command goes on where it was stopped.
        seeds: how many sounds of each class.
        classes: names of sounds or families, with commas between; all of them by default.
        knobs: ``default``, or ``range`` to draw every knob from its whole range.

    Raises:
        OptionError: an unknown class or way of setting knobs.
        WeightsError: YAMNet is not installed.
    """
    if knobs not in KNOBS:
        raise OptionError(f"--knobs is {knobs!r}; allowed are {', '.join(KNOBS)}")
    if seeds < 1:
        raise OptionError(f"--seeds is {seeds}; allowed is 1 and more")
    chosen = _chosen(classes)
    folder = data if data is not None else USUAL_DATA if USUAL_DATA.is_dir() else None
    judges = Judges(folder, out)
    kept = _Kept(out, knobs)
    rows: list[Heard] = []
    wanted = [(sound, FIRST_SEED + number) for sound in chosen for number in range(seeds)]
    for sound, seed in tqdm(wanted, desc="sounds", unit="sound", disable=None):
        rows.append(kept.find(sound.name, seed) or kept.add(judges.hear(sound, seed, knobs)))
    table = {sound.name: _figures(sound, rows, judges) for sound in chosen}
    return {"seeds": seeds, "knobs": knobs, "judges": judges.told, **_summary(table), "classes": table}


def _chosen(classes: str | None) -> list[SoundClass]:
    sounds = all_sounds()
    if classes is None:
        return list(sounds.values())
    chosen: dict[str, SoundClass] = {}
    for name in (part.strip() for part in classes.split(",")):
        family = {sound.name: sound for sound in sounds.values() if sound.family == name}
        chosen |= family or {name: sound_class(name)}
    return list(chosen.values())


class Judges:
    """YAMNet, and aisfx with the recordings that it compares with."""

    def __init__(self, data: Path | None, out: Path | None) -> None:
        yamnet, aisfx = installed_yamnet(), installed_aisfx()
        if isinstance(yamnet, str):
            raise WeightsError(yamnet)
        self._yamnet: YamNet = yamnet
        self.recordings = references(data) if data is not None else []
        self.told = {"yamnet": "five likeliest of 521", "aisfx": f"{len(self.recordings)} recordings"}
        self._aisfx: EffectsNet | None = None if isinstance(aisfx, str) else aisfx
        if isinstance(aisfx, str):
            self.told["aisfx"] = aisfx
        elif not self.recordings:
            self.told["aisfx"] = "no recordings: give their folder with --data"
        self._embeddings, self._likeliest = self._hear_recordings(out)

    def hear(self, sound: SoundClass, seed: int, knobs: str) -> Heard:
        """One sound of 5 s at 48 kHz, made and judged."""
        settings = drawn_knobs(sound, seed) if knobs == "range" else {}
        performance = performance_of(sound, seed=seed, knobs=settings)
        began = time.process_time()
        made = render(sound, performance, DURATION_S).astype(np.float32)
        speed = DURATION_S / max(1e-6, time.process_time() - began)
        probabilities = self._yamnet.probabilities(audio.resample(made, DEFAULT_RATE_HZ, YAMNET_HZ))
        evidence = max(float(probabilities[self._yamnet.names.index(name)]) for name in sound.audioset)
        neighbours = None
        if self._aisfx is not None and len(self._embeddings):
            near = self._embeddings @ self._aisfx.embed(audio.resample(made, DEFAULT_RATE_HZ, AISFX_HZ))
            neighbours = [list(self.recordings[at].classes) for at in np.argsort(-near)[:NEIGHBOURS]]
        likeliest = self._yamnet.likeliest(probabilities)
        return Heard(sound.name, seed, settings, likeliest, evidence, neighbours, speed)

    def ceiling(self, sound: SoundClass) -> dict[str, float | int | None]:
        """How both judges hear the real recordings of a class."""
        own = [at for at, one in enumerate(self.recordings) if sound.name in one.classes]
        if not own or not len(self._embeddings):
            return {"recordings": len(own), "yamnet": None, "aisfx": None}
        yamnet = [bool(set(self._likeliest[at]) & set(sound.audioset)) for at in own]
        sources = np.array([one.source for one in self.recordings])
        aisfx = []
        for at in own:
            near = self._embeddings @ self._embeddings[at]
            near[sources == sources[at]] = -1
            nearest = [self.recordings[other].classes for other in np.argsort(-near)[:NEIGHBOURS]]
            aisfx.append(self.agrees(sound.name, nearest))
        return {"recordings": len(own), "yamnet": float(np.mean(yamnet)), "aisfx": float(np.mean(aisfx))}

    def agrees(self, name: str, neighbours: Sequence[Sequence[str]]) -> bool:
        """Whether so many of the nearest recordings may stand for the class as have to."""
        count = sum(name in one.classes for one in self.recordings)
        return sum(name in classes for classes in neighbours) >= (3 if count >= _MANY else 1)

    def _hear_recordings(self, out: Path | None) -> tuple[NDArray[np.float32], list[list[str]]]:
        """Embedding [R, 512] and YAMNet's five likeliest of each recording; those heard before are read from a file."""
        if self._aisfx is None or not self.recordings:
            return np.zeros((0, 512), np.float32), []
        file = out / "recordings.npz" if out is not None else None
        names = [f"{one.source} {one.path.name}" for one in self.recordings]
        if file is not None and file.is_file():
            known = np.load(file)
            if known["names"].tolist() == names:
                return known["embeddings"], known["likeliest"].tolist()
        heard = [self._hear_recording(one) for one in tqdm(self.recordings, desc="recordings", disable=None)]
        embeddings, likeliest = np.stack([one[0] for one in heard]), [one[1] for one in heard]
        if file is not None:
            file.parent.mkdir(parents=True, exist_ok=True)
            np.savez(file, names=names, embeddings=embeddings, likeliest=likeliest)
        return embeddings, likeliest

    def _hear_recording(self, one: Reference) -> tuple[NDArray[np.float32], list[str]]:
        assert self._aisfx is not None
        try:
            sound, rate_hz = audio.read(one.path)
        except MediaError as error:
            raise MediaError(f"{one.path.name}: {error}") from error
        sound = sound[: round(_LONGEST_REAL_S * rate_hz)]
        probabilities = self._yamnet.probabilities(audio.resample(sound, rate_hz, YAMNET_HZ))
        return self._aisfx.embed(audio.resample(sound, rate_hz, AISFX_HZ)), self._yamnet.likeliest(probabilities)


def drawn_knobs(sound: SoundClass, seed: int) -> dict[str, float]:
    """Every knob at a random place in its range: by ratio where the range is wide, else evenly."""
    rng = generator(seed, f"knobs/{sound.name}", Role.TIMES)
    drawn = {}
    for knob in sound.knobs:
        place = float(rng.random())
        by_ratio = knob.low > 0 and knob.high / knob.low > _WIDE
        even = knob.low + (knob.high - knob.low) * place
        drawn[knob.name] = knob.low * (knob.high / knob.low) ** place if by_ratio else even
    return drawn


class _Kept:
    """What was heard before, in a file of JSON lines, as long as the catalogue's code is the same."""

    def __init__(self, out: Path | None, knobs: str) -> None:
        self._file = None if out is None else out / f"sounds-{knobs}.jsonl"
        self._version = _version()
        self._rows = {(row.sound, row.seed): row for row in self._read()}

    def find(self, name: str, seed: int) -> Heard | None:
        return self._rows.get((name, seed))

    def add(self, row: Heard) -> Heard:
        if self._file is not None:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            with self._file.open("a", encoding="utf-8") as stream:
                stream.write(json.dumps({"version": self._version, **asdict(row)}) + "\n")
        return row

    def _read(self) -> Iterator[Heard]:
        if self._file is None or not self._file.is_file():
            return
        for line in self._file.read_text(encoding="utf-8").splitlines():
            told = json.loads(line)
            if told.pop("version") == self._version:
                yield Heard(**told)


def _version() -> str:
    """A digest of the catalogue's code: other code makes other sounds."""
    files = sorted(Path(catalogue.__path__[0]).rglob("*.py"))
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:16]


def _figures(sound: SoundClass, rows: Sequence[Heard], judges: Judges) -> dict[str, Any]:
    """Of one class: shares heard by both judges, floors, ceilings, speed."""
    own = [row for row in rows if row.sound == sound.name]
    sounds = all_sounds()
    others = [row for row in rows if not set(sounds[row.sound].audioset) & set(sound.audioset)]
    names = set(sound.audioset)

    def yamnet(some: Sequence[Heard]) -> float | None:
        return float(np.mean([bool(set(row.likeliest) & names) for row in some])) if some else None

    def aisfx(some: Sequence[Heard]) -> float | None:
        if not any(sound.name in one.classes for one in judges.recordings):
            return None
        judged = [judges.agrees(sound.name, row.neighbours) for row in some if row.neighbours is not None]
        return float(np.mean(judged)) if judged else None

    return {
        "yamnet": yamnet(own),
        "yamnet_evidence": float(np.median([row.evidence for row in own])),
        "yamnet_floor": yamnet(others),
        "aisfx": aisfx(own),
        "aisfx_floor": aisfx(others),
        "ceiling": judges.ceiling(sound),
        "times_real_time": float(np.median([row.speed for row in own])),
    }


def _summary(table: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Over classes: how many are heard for at least half of their seeds, mean shares, floors, speed."""

    def of(key: str) -> list[float]:
        return [row[key] for row in table.values() if row[key] is not None]

    def over(values: Sequence[float], least: float | None = None) -> float | None:
        return float(np.mean([value if least is None else value >= least for value in values])) if values else None

    speeds = of("times_real_time")
    return {
        "yamnet": {
            "classes_heard": over(of("yamnet"), 0.5),
            "mean_share": over(of("yamnet")),
            "floor": over(of("yamnet_floor")),
        },
        "aisfx": {
            "classes_judged": len(of("aisfx")),
            "classes_heard": over(of("aisfx"), 0.5),
            "mean_share": over(of("aisfx")),
            "floor": over(of("aisfx_floor")),
        },
        "times_real_time": {"slowest": min(speeds), "median": float(np.median(speeds))},
    }
