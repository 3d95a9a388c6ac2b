"""Write the files that follow from others: `python -m scripts.generate`. The tests hold that they are up to date.

- requirements-web.txt comes from pyproject.toml;
- the table of settings of docs/SERVER.md from .env.example;
- the table of promises of docs/OPERATIONS.md from bench/results/*.json;
- docs/FIGURES.md and the README's table of voices from bench/results/*.json;
- the tree of ARCHITECTURE.md from the docstrings of the packages.
"""

from __future__ import annotations

import ast
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from scripts import figures, promises

ROOT: Final = Path(__file__).parent.parent
REQUIREMENTS: Final = ROOT / "requirements-web.txt"
FIGURES: Final = ROOT / "docs" / "FIGURES.md"
_BEGIN: Final = "<!-- {name}: made by scripts/generate.py -->\n"
_END: Final = "<!-- end of {name} -->"
_SETTING: Final = re.compile(r"(# )?(?P<name>[A-Z][A-Z0-9_]+)=(?P<value>.*)")


@dataclass(frozen=True)
class Setting:
    name: str
    value: str
    meaning: str


def requirements() -> str:
    """What the web image installs: everything but what only workers and trainings need."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    left_out = set(project["tool"]["sonorize"]["not-in-web"])
    wanted = [entry for entry in project["project"]["dependencies"] if bare(entry) not in left_out]
    head = "# Made from pyproject.toml by scripts/generate.py: what the web needs, without torch.\n"
    return head + "".join(f"{entry}\n" for entry in sorted(wanted, key=str.lower))


def settings() -> list[Setting]:
    """The settings of .env.example, with what stands above each."""
    found, comment = [], ""
    for line in (ROOT / ".env.example").read_text(encoding="utf-8").splitlines():
        match = _SETTING.fullmatch(line)
        if match:
            found.append(Setting(match["name"], match["value"], comment))
            comment = ""
        elif line.startswith("# ") and not line.startswith("# ---"):
            comment = f"{comment} {line[2:]}".strip()
        else:
            comment = ""
    return found


def table() -> str:
    """The settings of server and client as a table."""
    rows = [one for one in settings() if one.name.startswith("SONORIZE_")]
    lines = ["| setting | default | meaning |", "| --- | --- | --- |"]
    lines += [f"| `{one.name}` | {f'`{one.value}`' if one.value else ''} | {one.meaning} |" for one in rows]
    return "\n".join(lines)


def tree() -> str:
    """The packages, top down, each with the first line of its docstring."""
    lines = []
    for top in ("synth", "workers", "web"):
        for file in sorted((ROOT / top).rglob("__init__.py")):
            package = file.parent.relative_to(ROOT)
            told = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
            name = "  " * (len(package.parts) - 1) + package.name + "/"
            lines.append(f"{name:26}{told.splitlines()[0]}")
    return "```\n" + "\n".join(lines) + "\n```"


def voices() -> str:
    """The README's table of voices, one figure each."""
    return figures.rendered("voices.md.j2").rstrip()


def documents() -> dict[Path, str]:
    """Every file that is made, with the text that it should have."""
    return {
        REQUIREMENTS: requirements(),
        FIGURES: figures.rendered("FIGURES.md.j2"),
        ROOT / "docs" / "SERVER.md": _with_block(ROOT / "docs" / "SERVER.md", "settings", table()),
        ROOT / "docs" / "OPERATIONS.md": _with_block(ROOT / "docs" / "OPERATIONS.md", "promises", promises.markdown()),
        ROOT / "README.md": _with_block(ROOT / "README.md", "voices", voices()),
        ROOT / "ARCHITECTURE.md": _with_block(ROOT / "ARCHITECTURE.md", "tree", tree()),
    }


def _with_block(file: Path, name: str, text: str) -> str:
    """The file with one made block in it replaced."""
    whole = file.read_text(encoding="utf-8")
    begin, end = _BEGIN.format(name=name), _END.format(name=name)
    before, rest = whole.split(begin, 1)
    return f"{before}{begin}{text}\n{end}{rest.split(end, 1)[1]}"


def bare(entry: str) -> str:
    """The name of what a requirement asks for."""
    return re.split(r"[\[<>=~!; ]", entry, maxsplit=1)[0].lower().replace("_", "-")


def main() -> None:
    for file, text in documents().items():
        file.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
