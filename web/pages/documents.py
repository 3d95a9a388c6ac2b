"""The documents of the project as pages, so that a server without a network explains itself.

Markdown of `docs/`, which an installation holds beside this file. Only names in :data:`NAMES` are served.
"""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from flask import Blueprint, abort, current_app, render_template, request
from markdown_it import MarkdownIt
from markdown_it.token import Token

from web.api.operations import routes
from web.api.problems import KINDS
from web.context import site

NAMES: Final = (
    "COMMAND_LINE",
    "FILES",
    "SOUNDS",
    "API",
    "UPLOADS",
    "SCORE",
    "SERVER",
    "TRAINING",
    "FIGURES",
    "LIMITS",
    "SECURITY",
    "MODEL_CARD",
    "LICENCES",
)
"""Files of `docs/`, in the order in which they are offered."""

_INSTALLED: Final = Path(__file__).parent / "docs"
_CHECKOUT: Final = Path(__file__).parents[2] / "docs"

blueprint = Blueprint("documents", __name__)


@dataclass(frozen=True)
class Document:
    """One document.

    Attributes:
        name: as in its address, lower case with hyphens.
        title: its first heading.
        html: the whole, without scripts and without raw HTML of the source.
    """

    name: str
    title: str
    html: str


@blueprint.get("/docs")
def index() -> str:
    """What there is to read, and all calls and problems of the API of this very server, with examples to copy."""
    base = (site().settings.public_url or request.host_url).rstrip("/")
    return render_template(
        "documents.html",
        documents=[document(name) for name in NAMES],
        operations=list(routes(current_app)),
        kinds=KINDS,
        base=base,
        limits=site().submitter.limits,
    )


@blueprint.get("/docs/<name>")
def page(name: str) -> str:
    """One document."""
    file = name.upper().replace("-", "_")
    if file not in NAMES or name != address(file):
        abort(404)
    return render_template("document.html", document=document(file))


def address(name: str) -> str:
    """The last part of a document's address."""
    return name.lower().replace("_", "-")


@functools.cache
def document(name: str) -> Document:
    """A document of :data:`NAMES`, rendered once a process."""
    folder = _INSTALLED if _INSTALLED.is_dir() else _CHECKOUT
    text = (folder / f"{name}.md").read_text(encoding="utf-8")
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = markdown.parse(text)
    _anchor_headings(tokens)
    _rewrite_links(tokens)
    title = next(line[2:] for line in text.splitlines() if line.startswith("# "))
    html = markdown.renderer.render(tokens, markdown.options, {})
    # A table may be wider than a telephone: it scrolls by itself, and the page does not.
    html = html.replace("<table>", '<div class="scroll" tabindex="0" role="region" aria-label="Table"><table>')
    return Document(address(name), title, html.replace("</table>", "</table></div>"))


def slug(heading: str) -> str:
    """The anchor of a heading, as code hosting sites make it: so tables of contents work in both places."""
    return re.sub(r"[^a-z0-9 _-]", "", heading.lower()).strip().replace(" ", "-")


def _anchor_headings(tokens: Sequence[Token]) -> None:
    for opening, inline in itertools.pairwise(tokens):
        if opening.type == "heading_open":
            opening.attrSet("id", slug(inline.content))


def _rewrite_links(tokens: Sequence[Token]) -> None:
    """Links between documents stay inside the app; those to other files of the repository lead nowhere here."""
    for token in tokens:
        children = token.children or []
        for number, child in enumerate(children):
            target = str(child.attrGet("href") or "")
            file, hash_mark, anchor = target.partition("#")
            if child.type != "link_open" or not file or "://" in file:
                continue
            if file.removesuffix(".md") in NAMES:
                child.attrSet("href", f"/docs/{address(file.removesuffix('.md'))}{hash_mark}{anchor}")
            else:
                closing = next(later for later in children[number:] if later.type == "link_close")
                child.type = closing.type = "text"
                child.attrs, child.tag, closing.tag = {}, "", ""
