"""Write the files that follow from others: `python scripts/generate.py`. The tests hold that they are up to date.

requirements-web.txt comes from pyproject.toml, the README's table of settings from .env.example.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parent.parent
REQUIREMENTS: Final = ROOT / "requirements-web.txt"
README: Final = ROOT / "README.md"
BEGIN: Final = "<!-- settings: made from .env.example by scripts/generate.py -->"
END: Final = "<!-- end of settings -->"
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


def readme() -> str:
    """The README with its table of settings as it should be."""
    text = README.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN, 1)
    return f"{before}{BEGIN}\n{table()}\n{END}{rest.split(END, 1)[1]}"


def bare(entry: str) -> str:
    """The name of what a requirement asks for."""
    return re.split(r"[\[<>=~!; ]", entry, maxsplit=1)[0].lower().replace("_", "-")


def main() -> None:
    REQUIREMENTS.write_text(requirements(), encoding="utf-8")
    README.write_text(readme(), encoding="utf-8")


if __name__ == "__main__":
    main()
