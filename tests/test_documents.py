"""The documents: figures that are kept, examples that run, verbs and options that exist, links that lead somewhere."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path
from typing import Any

import pytest
import typer

from scripts import figures, generate
from tests.support.paths import ROOT
from tests.support.serving import KEY, Serving
from tests.support.voices import FlashVoice
from web.pages import documents

FILES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(language: str) -> list[tuple[str, str]]:
    """(file and line, text) of all fenced blocks of a language."""
    found = []
    for file in FILES:
        text = file.read_text(encoding="utf-8")
        for match in _FENCE.finditer(text):
            if match[1] == language:
                found.append((f"{file.name}:{text[: match.start()].count(chr(10)) + 1}", match[2]))
    return found


PYTHON = blocks("python")
COMMANDS = [
    (where, line.split("#")[0].strip())
    for where, text in blocks("")
    for line in text.splitlines()
    if re.match(r"(\.venv/bin/)?sonorize ", line.strip())
]


def test_there_are_examples() -> None:
    assert len(PYTHON) >= 2
    assert len(COMMANDS) >= 10


@pytest.mark.parametrize("example", [text for _, text in PYTHON if "Client(" not in text])
def test_python_examples_run(
    example: str, flash_voice: FlashVoice, flash_clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(flash_clip, tmp_path / "clip.mp4")
    monkeypatch.chdir(tmp_path)
    exec(compile(example, "example", "exec"), {})
    assert (tmp_path / "out.mp4").stat().st_size > 0


# That of asyncio has a test of its own, tests/web/client/test_client.py.
@pytest.mark.parametrize("example", [text for _, text in PYTHON if "Client(" in text and "AsyncClient(" not in text])
def test_client_examples_run(
    example: str, keyed: Serving, flash_clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(flash_clip, tmp_path / "clip.mp4")
    monkeypatch.chdir(tmp_path)
    here = example.replace('Client("http://127.0.0.1:8080")', f"Client({keyed.address!r}, {KEY!r})")
    assert here != example
    exec(compile(here, "example", "exec"), {})
    assert (tmp_path / "out.mp4").stat().st_size > 0


@pytest.mark.parametrize(("where", "line"), COMMANDS, ids=[f"{where} {line[:40]}" for where, line in COMMANDS])
def test_commands_and_their_options_exist(where: str, line: str) -> None:
    from web.cli import app

    words = shlex.split(line)[1:]
    command: Any = typer.main.get_command(app)  # typer has a copy of click of its own
    while hasattr(command, "commands") and words:
        name = words.pop(0)
        assert name in command.commands, f"{where}: there is no verb {name}"
        command = command.commands[name]
    known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
    used = {word.split("=")[0] for word in words if word.startswith("-")}
    assert used <= known, where


@pytest.mark.parametrize("name", documents.NAMES)
def test_no_mark_of_the_source_is_left_as_text(name: str) -> None:
    html = documents.document(name).html
    text = re.sub(r"<[^>]+>", "", re.sub(r"<(pre|code)\b.*?</\1>", "", html, flags=re.DOTALL))
    assert re.findall(r"&lt;!--|\*\*|`|\]\(|^#+ |^\|", text, re.MULTILINE) == []


def test_every_document_is_offered() -> None:
    assert {file.stem for file in (ROOT / "docs").glob("*.md")} == set(documents.NAMES)


def test_variables_have_one_spelling() -> None:
    """What documents and pages name of the environment is a setting that there is."""
    known = {one.name for one in generate.settings()}
    pages = sorted((ROOT / "web").rglob("*.html"))
    for file in (*FILES, *pages):
        named = set(re.findall(r"\bSONORIZE_[A-Z0-9_]+\b", file.read_text(encoding="utf-8")))
        assert named - {"SONORIZE_X", "SONORIZE_X_FILE"} <= known, file.name  # X stands for any


def test_examples_are_the_readers_own() -> None:
    reader = documents.Reader("https://sound.example", keyed=True)
    html = documents.document("API", reader).html
    assert "127.0.0.1" not in html
    with_key = "curl -H &quot;Authorization: Bearer $SONORIZE_API_KEY&quot; "
    assert html.count("curl ") - html.count(with_key) <= html.count("with curl and")
    assert "Client(&quot;https://sound.example&quot;, os.environ[&quot;SONORIZE_API_KEY&quot;])" in html
    open_to_all = documents.document("API", documents.Reader("https://sound.example", keyed=False)).html
    assert "SONORIZE_API_KEY" not in open_to_all


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_links_lead_somewhere(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    anchors = {documents.slug(heading) for heading in re.findall(r"^#+ (.+)$", text, re.MULTILINE)}
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        path, _, anchor = target.partition("#")
        if "://" in target:
            continue
        assert (file.parent / path).exists(), target
        if not path:
            assert anchor in anchors, target


def test_a_figure_that_no_command_printed_is_refused() -> None:
    with pytest.raises(KeyError, match=r"eval-hits: onsets / nobody has no .*nobody"):
        figures.figure("eval-hits", "onsets", "nobody")
    with pytest.raises(KeyError, match="no result of eval-nothing is kept"):
        figures.figure("eval-nothing", "f1")


def test_the_newest_result_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for date, value in (("2026-11-22", 0.1), ("2026-11-23", 0.25), ("2025-12-31", 0.9)):
        (tmp_path / f"eval-x-{date}.json").write_text(f'{{"f1": {value}}}')
    (tmp_path / "eval-x-variants-2026-12-01.json").write_text('{"f1": 1}')
    monkeypatch.setattr(figures, "RESULTS", tmp_path)
    assert figures.figure("eval-x", "f1") == ".25"
