"""The model card and the licence ledger, made from the manifest so that they cannot drift from it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from synth.weights import Entry, Figure

CARD: Final = "MODEL_CARD.md"
LEDGER: Final = "LICENCES.md"
_MADE: Final = (
    "<!-- Made from synth/checkpoints/manifest.toml by `sonorize weights card --write`; edit that instead. -->"
)
_BROWSER_LIBRARIES: Final = (("wavesurfer.js", "BSD-3-Clause", "waveforms on the page of a result"),)
"""Name, licence and use of what ``scripts/build_frontend.sh`` builds."""


def documents(known: Mapping[str, Entry]) -> dict[str, str]:
    """File name in ``docs/`` -> its whole text, for all entries of a manifest."""
    return {CARD: _card(known), LEDGER: _ledger(known)}


def _card(known: Mapping[str, Entry]) -> str:
    parts = [
        "# Model card",
        _MADE,
        "Every file is checked against its sha256 before it is loaded; nothing is downloaded at run time. "
        "Each figure stands beside its floor, which needs no skill, and its ceiling, which nothing can pass; "
        "a dash means that it was not measured.",
    ]
    parts += [_chapter(entry) for entry in known.values()]
    return "\n\n".join(parts) + "\n"


def _chapter(entry: Entry) -> str:
    facts = [
        f"- file: `{entry.file}`, {entry.bytes_:,} bytes",
        f"- sha256: `{entry.sha256}`",
        f"- kind: {entry.kind}",
        f"- licence: {entry.licence}",
    ]
    if entry.recipe:
        facts.append(f"- recipe: `{entry.recipe}`")
    parts = [f"## {entry.name}", entry.summary, "\n".join(facts)]
    if entry.data:
        parts += [
            "### Made from",
            _table(("data", "licence", "used for"), [_row(s.name, s.licence, s.use) for s in entry.data]),
        ]
    for part, names in entry.split.items():
        parts += [f"### Split: {part}, {len(names)} source videos", ", ".join(f"`{name}`" for name in names)]
    if entry.figures:
        parts += [
            "### Measured",
            _table(("figure", "value", "floor", "ceiling"), [_measured(f) for f in entry.figures]),
        ]
    return "\n\n".join(parts)


def _ledger(known: Mapping[str, Entry]) -> str:
    files = [_row(f"`{entry.file}`", entry.kind, entry.licence) for entry in known.values()]
    sources = {(s.name, s.licence, s.use): entry.name for entry in known.values() for s in entry.data}
    rows = [_row(name, licence, use, f"`{user}`") for (name, licence, use), user in sorted(sources.items())]
    parts = [
        "# Licences of weights, banks and data",
        _MADE,
        "The code is under the MIT licence (see LICENSE). What it ships trained:",
        _table(("file", "kind", "licence"), files),
        "What that was made from; none of these data are part of this repository:",
        _table(("data", "licence", "used for", "in"), rows),
        "What the pages bring to the browser beside our own scripts; the licences' texts lie next to the files in "
        "`web/pages/static/vendor`, versions are pinned in `web/frontend/package-lock.json`:",
        _table(("library", "licence", "used for"), [_row(*one) for one in _BROWSER_LIBRARIES]),
    ]
    return "\n\n".join(parts) + "\n"


def _measured(figure: Figure) -> str:
    floor = _beside(figure.floor, figure.floor_name)
    return _row(figure.name, f"{figure.value:.3g}", floor, _beside(figure.ceiling, figure.ceiling_name))


def _beside(value: float | None, name: str) -> str:
    return "–" if value is None else f"{value:.3g}{f' ({name})' if name else ''}"


def _table(head: tuple[str, ...], rows: list[str]) -> str:
    return "\n".join([_row(*head), "|" + " --- |" * len(head), *rows])


def _row(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"
