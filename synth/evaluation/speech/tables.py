"""Figures of the speech report: means with intervals, paired comparisons, and the same as Markdown. Pure functions."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import fmean, median
from typing import Any, Final

from synth.metrics.hits import bootstrap_interval
from synth.metrics.speech import LONGEST_LAG_S

Values = Sequence[float | None]

LOWER_IS_BETTER: Final = frozenset(
    {"mcd_db", "mcd_dtw_db", "log_mel_l1_db", "voicing_error", "pitch_rms_cents", "wer", "wer_pocketsphinx"}
)
UNRANKED: Final = frozenset({"lag_s"})

LITERATURE: Final[dict[str, dict[str, float]]] = {
    "Ephrat et al. 2017, GRID S3, arXiv 1708.01204": {"stoi": 0.68, "estoi": 0.398, "pesq": 1.974},
    "Ephrat et al. 2017 as measured by Prajwal et al. 2020, GRID, arXiv 2005.08209": {
        "stoi": 0.659,
        "estoi": 0.376,
        "pesq": 1.825,
    },
    "Ephrat and Peleg 2017 (LSF) as measured by Prajwal et al. 2020": {"stoi": 0.491, "estoi": 0.335, "pesq": 1.734},
    "Lip2Wav, Prajwal et al. 2020, GRID": {"stoi": 0.731, "estoi": 0.535, "pesq": 1.772},
}
"""What others published, to stand beside ours."""

LITERATURE_NOTE: Final = "Other speakers and held-out sentences of GRID than ours; the band of their PESQ is not known."


def figure(values: Values) -> dict[str, float | int | None]:
    """Mean of what was measured, its 95 % bootstrap interval over sentences, and of how many sentences.

    The mean is ``None`` where nothing was measured, the interval also where one sentence was.
    """
    known = [value for value in values if value is not None]
    between = bootstrap_interval(known, fmean)
    return {
        "mean": fmean(known) if known else None,
        "low_95": between.low if between else None,
        "high_95": between.high if between else None,
        "sentences": len(known),
    }


def lag_figure(lags_s: Values) -> dict[str, float | int | None]:
    """:func:`figure` of lags with their median, and the share that lies at the longest lag that is looked for."""
    known = [lag for lag in lags_s if lag is not None]
    at_limit = [abs(lag) > LONGEST_LAG_S - 0.003 for lag in known]
    return {
        **figure(lags_s),
        "median": median(known) if known else None,
        "share_at_the_limit": fmean(at_limit) if known else None,
    }


def paired(name: str, ours: Values, other: Values) -> dict[str, float | int | None]:
    """Ours less the other's, sentence by sentence, where both were measured, and how often ours is the better.

    Returns:
        ``difference`` with its interval as in :func:`figure`, ``better``, ``worse`` (ties are neither), and
        ``p_sign_test``, two-sided.

    Raises:
        ValueError: the numbers of sentences differ.
    """
    pairs = [(a, b) for a, b in zip(ours, other, strict=True) if a is not None and b is not None]
    differences = [a - b for a, b in pairs]
    sign = -1 if name in LOWER_IS_BETTER else 1
    better = sum(sign * difference > 0 for difference in differences)
    worse = sum(sign * difference < 0 for difference in differences)
    found = figure(differences)
    return {
        "difference": found["mean"],
        "low_95": found["low_95"],
        "high_95": found["high_95"],
        "better": better,
        "worse": worse,
        "p_sign_test": sign_test(better, worse),
    }


def sign_test(better: int, worse: int) -> float | None:
    """Two-sided exact p of so uneven a split or a more uneven one, were both equally likely; ``None`` without any.

    Raises:
        ValueError: a count is negative.
    """
    if better < 0 or worse < 0:
        raise ValueError(f"counts are {better} and {worse}; neither may be negative")
    trials = better + worse
    if trials == 0:
        return None
    tail = sum(math.comb(trials, k) for k in range(min(better, worse) + 1))
    return min(1.0, 2 * tail / (1 << trials))


# --- Markdown -----------------------------------------------------------------------------------------------------


def markdown(result: Mapping[str, Any]) -> str:
    """The report of :func:`synth.evaluation.speech.report.evaluate_speech` as text with tables."""
    systems: Mapping[str, Any] = result["systems"]
    names = list(dict.fromkeys(metric for row in systems.values() for metric in row["measures"]))
    parts = [
        "# Speech from silent lips",
        f"{result['held_out_sentences']} held-out sentences; means with 95 % bootstrap intervals over sentences.",
        _table(
            ["system", *names], [[name, *(_cell(row["measures"][m]) for m in names)] for name, row in systems.items()]
        ),
    ]
    for rate, recogniser in result["recognisers"].items():
        parts += _heard(result, rate, recogniser)
    if result.get("words_read_off_the_lips"):
        parts += _read(result["words_read_off_the_lips"])
    for other, row in result["ours_against"].items():
        cells = [[m, *(_number(v) for v in found.values())] for m, found in row.items()]
        header = ["measure", *next(iter(row.values()))]
        parts += [f"## Ours against {other}, sentence by sentence", _table(header, cells)]
    parts += ["## Published", result["literature_note"]]
    parts.append(_list({name: _plain(row) for name, row in result["literature"].items()}))
    if result["left_out"]:
        parts += ["## Not measured", _list(result["left_out"])]
    return "\n\n".join(parts) + "\n"


def _heard(result: Mapping[str, Any], rate: str, recogniser: str) -> list[str]:
    """The words that one recogniser heard, by place."""
    suffix = rate.removeprefix("wer")
    systems: Mapping[str, Any] = result["systems"]
    table = {name: row[f"word_accuracy{suffix}"] for name, row in systems.items()}
    table |= {name: row["word_accuracy"] for name, row in result["word_floors"].items()}
    places = list(next(iter(table.values())))
    rows = [[name, *(_number(row[place]) for place in places)] for name, row in table.items()]
    parts = [f"## Words heard, by place: {rate}", f"Recogniser: {recogniser}.", _table(["system", *places], rows)]
    floors = [f"{name}: {_number(row['wer'])}" for name, row in result["word_floors"].items()]
    parts.append("WER of " + "; ".join(floors) + ".")
    if suffix:
        empty = [f"{name}: {_number(row['empty_answers'])}" for name, row in systems.items()]
        parts.append("Share of sentences without an answer, whose six words count as wrong: " + "; ".join(empty) + ".")
    return parts


def _read(found: Mapping[str, Any]) -> list[str]:
    """The words that were named without any sound."""
    accuracy, onset = found["word_accuracy"], found["onset_offset_s"]
    return [
        "## Words read off the lips, without sound",
        _table(["WER", *accuracy], [[_cell(found["wer"]), *map(_number, accuracy.values())]]),
        f"WER of a random sentence {_number(found['wer_floor'])}; whole sentences right "
        f"{_number(found['whole_sentences_right'])}. Words begin {_number(onset['median'])} s late (median of "
        f"{onset['words']} words; {_number(onset['median_absolute'])} s either way).",
    ]


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _list(lines: Mapping[str, str]) -> str:
    return "\n".join(f"* {name}: {text}" for name, text in lines.items())


def _cell(found: Mapping[str, Any]) -> str:
    if found["mean"] is None:
        return "not measured"
    return f"{_number(found['mean'])} ({_number(found['low_95'])} to {_number(found['high_95'])})"


def _number(value: float | int | None) -> str:
    if value is None:
        return "-"
    return str(value) if isinstance(value, int) else f"{value:.3g}"


def _plain(row: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in row.items())
