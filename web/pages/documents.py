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
from markdown_it.common.utils import escapeHtml
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token

from web.api.operations import routes
from web.api.problems import KINDS
from web.context import owner, site

NAMES: Final = (
    "FIRST_SOUND",
    "MODES",
    "COMMAND_LINE",
    "FILES",
    "SOUNDS",
    "API",
    "UPLOADS",
    "STUDIO",
    "SCORE",
    "SERVER",
    "OPERATIONS",
    "TRAINING",
    "FIGURES",
    "LIMITS",
    "SECURITY",
    "MODEL_CARD",
    "LICENCES",
)
"""Files of `docs/`, in the order in which they are offered."""

KEY_VARIABLE: Final = "SONORIZE_API_KEY"
"""Where examples and the command line find a key."""
_EXAMPLE_SERVER: Final = "http://127.0.0.1:8080"
_COMMENT: Final = re.compile(r"<!--.*?-->\n?", re.DOTALL)
_CURL: Final = re.compile(r"^curl (?!.*Authorization)", re.MULTILINE)
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


@dataclass(frozen=True)
class Reader:
    """Whoever reads: examples name their server, and show their key where it wants one.

    Attributes:
        base: the server's address.
        keyed: whether calls need a key.
    """

    base: str
    keyed: bool

    def example(self, text: str) -> str:
        """An example of the documents as this reader would type it."""
        text = text.replace(_EXAMPLE_SERVER, self.base)
        if not self.keyed:
            return text
        text = _CURL.sub(f'curl -H "Authorization: Bearer ${KEY_VARIABLE}" ', text)
        if f'Client("{self.base}")' not in text:
            return text
        key = f'Client("{self.base}", os.environ["{KEY_VARIABLE}"])'
        return "import os\n" + text.replace(f'Client("{self.base}")', key)


@blueprint.get("/docs")
def index() -> str:
    """What there is to read, and all calls and problems of the API of this very server, with examples to copy."""
    reader = _reader()
    return render_template(
        "documents.html",
        documents=[document(name, reader) for name in NAMES],
        operations=list(routes(current_app)),
        kinds=KINDS,
        base=reader.base,
        key_name=owner() if reader.keyed else "",
        limits=site().submitter.limits,
    )


@blueprint.get("/docs/<name>")
def page(name: str) -> str:
    """One document."""
    file = name.upper().replace("-", "_")
    if file not in NAMES or name != address(file):
        abort(404)
    reader = _reader()
    key_name = owner() if reader.keyed else ""
    return render_template("document.html", document=document(file, reader), base=reader.base, key_name=key_name)


def address(name: str) -> str:
    """The last part of a document's address."""
    return name.lower().replace("_", "-")


def _reader() -> Reader:
    return Reader((site().settings.public_url or request.host_url).rstrip("/"), site().keys.required)


@functools.lru_cache(maxsize=256)
def document(name: str, reader: Reader | None = None) -> Document:
    """A document of :data:`NAMES`, with examples that its reader can copy."""
    folder = _INSTALLED if _INSTALLED.is_dir() else _CHECKOUT
    text = _COMMENT.sub("", (folder / f"{name}.md").read_text(encoding="utf-8"))  # comments are for who edits it
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    markdown.add_render_rule("fence", _example)
    markdown.add_render_rule("code_block", _example)
    tokens = markdown.parse(text)
    for number, token in enumerate(one for one in tokens if one.type in ("fence", "code_block")):
        token.meta = {"id": f"example-{number}"}
        token.content = token.content if reader is None else reader.example(token.content)
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


def _example(_renderer: RendererHTML, tokens: Sequence[Token], number: int, *_: object) -> str:
    """A listing with its kind and a button that copies it; scripts show the button."""
    token = tokens[number]
    kind = {"python": "Python", "json": "JSON"}.get(token.info.strip(), "Shell")
    head = f'{kind}<button type="button" class="quiet" data-copy="{token.meta["id"]}" hidden>Copy</button>'
    listing = f'<pre id="{token.meta["id"]}" tabindex="0" aria-label="{kind} example" role="region">'
    return f'<figure class="code"><figcaption>{head}</figcaption>{listing}{escapeHtml(token.content)}</pre></figure>\n'


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
