"""The words by which finished jobs are found: made when a job ends, matched in the database, no worker needed.

A word has a weight, 0..1, by what says it:

====================================  ===========================================
the sound's class                     its probability; 1 where a person chose it
a tag of what is heard                its probability
a material                            square root of its share of the hits
the title                             0.8
the voice                             0.5
words that mean such a class or       half of that (``ocean`` for sea waves)
material
====================================  ===========================================

A take's score for a query is the mean over the query's words of the greatest weight that each finds, a mere beginning
(``drum`` of ``drumstick``) counting 0.7 of a whole word, times the share of the words that find anything; 0..1. Words
are compared without their endings. Importable without torch.
"""

from __future__ import annotations

import functools
import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

import sqlalchemy as sa
from rapidfuzz import fuzz, process

from synth.ambient_classes import AMBIENT_CLASSES
from synth.materials import MATERIALS
from synth.sound_names import SOUND_NAMES, display_name
from synth.voices.library import vocabulary
from workers.database import Database
from workers.records import JOBS, QUESTIONS, WORDS, State

SHARED: Final = -1  # the take of words that belong to all takes of a job
MAX_QUERY_WORDS: Final = 12
BEGINNING: Final = 0.7
LEAST: Final = 0.05  # what weighs less is not kept
TITLE: Final = 0.8
VOICE: Final = 0.5
MEANT: Final = 0.5
LONGEST: Final = 64
ALIKE: Final = 72.0  # of 100, by rapidfuzz's ratio: one slip in a word of five letters
KNOWN_AT_MOST: Final = 20_000
_LITTLE: Final = frozenset(("a", "an", "and", "at", "by", "for", "from", "in", "is", "of", "on", "or", "the", "to"))

Row = tuple[int, str, float]
"""Take, word, weight."""


@dataclass(frozen=True)
class WordHit:
    """A take that words found: its score, 0..1, and the query's words that found it."""

    job_id: str
    take: int
    score: float
    found_by: tuple[str, ...]


def tokens(text: str) -> dict[str, str]:
    """Words of a text without accents and endings, each once -> as they stand there, in small letters.

    ``Door_slams-02`` -> ``{"door": "door", "slam": "slams", "02": "02"}``.
    """
    flat = unicodedata.normalize("NFKD", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text)).casefold()
    plain = "".join(char for char in flat if not unicodedata.combining(char))
    found: dict[str, str] = {}
    for word in re.findall(r"[^\W_]+", plain):
        if word not in _LITTLE:
            found.setdefault(vocabulary.stem(word)[:LONGEST], word)
    return found


def rows_of(title: str, mode: str, result: Mapping[str, Any]) -> list[Row]:
    """The words of a job with a result, as :meth:`synth.result.Result.as_json` and the worker left it."""
    found: dict[tuple[int, str], float] = {}

    def add(take: int, text: str, weight: float) -> None:
        for word in tokens(text) if weight >= LEAST else ():
            found[take, word] = max(found.get((take, word), 0.0), min(1.0, weight))

    add(SHARED, title.rpartition(".")[0] or title, TITLE)
    add(SHARED, mode, VOICE)
    for number, output in enumerate(result.get("outputs", ())):
        take = int(output.get("take", number))
        add(take, str(output.get("mode", "")), VOICE)
        for tag in (output.get("description") or {}).get("tags") or ():
            add(take, str(tag["name"]), float(tag["probability"]))
        classes, materials = _classes(output.get("sound_class") or {}), _materials(output.get("hits") or ())
        for name, chance in classes.items():
            add(take, f"{name} {display_name(name)}", chance)
        for name, chance in materials.items():
            add(take, name, chance)
        known = {name: chance for name, chance in classes.items() if name in AMBIENT_CLASSES}
        meant = vocabulary.of_classes(known) | vocabulary.of_materials(materials)
        for word, chance in meant.items():
            add(take, word, MEANT * chance)
    return [(take, word, weight) for (take, word), weight in found.items()]


def write(connection: sa.Connection, job_id: str, rows: Iterable[Row]) -> None:
    """Keep a job's words in place of those before, in a transaction of the caller's."""
    connection.execute(sa.delete(WORDS).where(WORDS.c.job_id == job_id))
    values = [{"job_id": job_id, "take": take, "word": word, "weight": weight} for take, word, weight in rows]
    if values:
        connection.execute(sa.insert(WORDS), values)


def write_missing(database: Database, limit: int = 500) -> int:
    """Write the words of finished jobs that have none, as those of older releases; how many jobs.

    Raises DatabaseError.
    """
    has = sa.select(WORDS.c.job_id).where(WORDS.c.job_id == JOBS.c.id).exists()
    there = sa.and_(JOBS.c.state.in_((State.SUCCEEDED, State.CANCELED)), JOBS.c.result.is_not(None))
    wanted = sa.select(JOBS.c.id, JOBS.c.title, JOBS.c.mode, JOBS.c.result)
    wanted = wanted.where(there, JOBS.c.mode.not_in(QUESTIONS), ~has).limit(limit)
    with database.writing() as connection:
        rows = connection.execute(wanted.with_for_update(skip_locked=True)).all()
        for row in rows:
            write(connection, row.id, rows_of(row.title, row.mode, row.result))
    return len(rows)


def find(database: Database, text: str, owner: str | None, limit: int) -> list[WordHit]:
    """The best take of each job that words find, the best first; of equals the newest job's.

    Args:
        owner: whose jobs; everybody's for ``None``.

    Raises:
        DatabaseError: the database cannot be reached.
    """
    wanted = dict(islice(tokens(text).items(), MAX_QUERY_WORDS))
    if not wanted:
        return []
    matches = [_match(database, word) for word in wanted]
    each = [
        sa.select(WORDS.c.job_id, sa.func.max(weight).label("weight")).where(found).group_by(WORDS.c.job_id)
        for found, weight in matches
    ]
    of_all = sa.union_all(*each).subquery()
    total = sa.func.sum(of_all.c.weight) * sa.func.count()
    best = sa.select(of_all.c.job_id).join(JOBS, JOBS.c.id == of_all.c.job_id).group_by(of_all.c.job_id)
    best = best.where(JOBS.c.state.in_((State.SUCCEEDED, State.CANCELED)))
    if owner is not None:
        best = best.where(JOBS.c.owner == owner)
    best = best.order_by(total.desc(), of_all.c.job_id.desc()).limit(limit)
    with database.reading() as connection:
        ids = list(connection.scalars(best))
        of_these = sa.select(WORDS).where(WORDS.c.job_id.in_(ids), sa.or_(*(found for found, _ in matches)))
        rows = connection.execute(of_these).all() if ids else ()
    of_job: dict[str, list[Row]] = {job_id: [] for job_id in ids}
    for row in rows:
        of_job[row.job_id].append((row.take, row.word, row.weight))
    hits = [_best_take(job_id, of_job[job_id], wanted) for job_id in ids if of_job[job_id]]
    return sorted(hits, key=lambda hit: (hit.score, hit.job_id), reverse=True)


def suggest(database: Database, text: str, owner: str | None) -> str | None:
    """The query with the words that find nothing replaced by the nearest that find something; ``None`` without any.

    Args:
        owner: whose jobs; everybody's for ``None``.

    Raises:
        DatabaseError: the database cannot be reached.
    """
    wanted = dict(islice(tokens(text).items(), MAX_QUERY_WORDS))
    known = sa.select(WORDS.c.word).distinct().limit(KNOWN_AT_MOST)
    if owner is not None:
        known = known.join(JOBS, JOBS.c.id == WORDS.c.job_id).where(JOBS.c.owner == owner)
    with database.reading() as connection:
        words = [word for word in connection.scalars(known) if not word.isdigit()]
    said, changed = [], False
    for stem, word in wanted.items():
        if any(one.startswith(stem) for one in words):
            said.append(word)
            continue
        near = process.extractOne(stem, words, scorer=fuzz.ratio, score_cutoff=ALIKE)
        if near is not None:
            said.append(_spelling().get(near[0], near[0]))
            changed = True
    return " ".join(said) if changed else None


@functools.cache
def _spelling() -> dict[str, str]:
    """Stem -> the word as it is written, of all that sounds, materials and voices are called."""
    names = (*map(display_name, SOUND_NAMES), *MATERIALS)
    return {stem: word for name in names for stem, word in tokens(name).items()}


def _match(database: Database, word: str) -> tuple[sa.ColumnElement[bool], sa.ColumnElement[float]]:
    """What a word of a query finds, and with which weight."""
    if database.is_postgresql:
        found: sa.ColumnElement[bool] = WORDS.c.word.startswith(word, autoescape=True)
    else:  # LIKE would look at every row there
        found = sa.and_(WORDS.c.word >= word, WORDS.c.word < word + "\U0010ffff")
    return found, sa.case((WORDS.c.word == word, WORDS.c.weight), else_=BEGINNING * WORDS.c.weight)


def _best_take(job_id: str, rows: Sequence[Row], wanted: Mapping[str, str]) -> WordHit:
    hits = []
    for take in sorted({take for take, _, _ in rows if take != SHARED} or {0}):
        weights = {}
        for word in wanted:
            own = [
                weight if found == word else BEGINNING * weight
                for of_take, found, weight in rows
                if of_take in (take, SHARED) and found.startswith(word)
            ]
            if own:
                weights[wanted[word]] = max(own)
        score = sum(weights.values()) / len(wanted) * len(weights) / len(wanted)
        hits.append(WordHit(job_id, take, score, tuple(weights)))
    return max(hits, key=lambda hit: hit.score)  # of equals the first


def _classes(choice: Mapping[str, Any]) -> dict[str, float]:
    """Ambient class -> how likely it is what is heard."""
    if not choice:
        return {}
    return {**(choice.get("probabilities") or {}), str(choice["name"]): float(choice.get("probability") or 1.0)}


def _materials(hits: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    counts = Counter(str(hit["material"]) for hit in hits)
    return {name: math.sqrt(count / len(hits)) for name, count in counts.items()}
