"""Fetch axe-core, which the tests hold the pages against: `python -m scripts.vendor_axe`. Needs npm and a network.

It is under the Mozilla Public License 2.0, used unchanged by the tests only, and no part of what is installed; its
licence lies beside it, its source is at https://github.com/dequelabs/axe-core.
"""

from __future__ import annotations

import base64
import hashlib
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import Final

VERSION: Final = "4.11.0"
SHA512: Final = "ilYanEU8vxxBexpJd8cWM4ElSQq4QctCLKih0TSfjIfCQTeyH/6zVrmIJfLPrKTKJRbiG+cfnZbQIjAlJmF1jQ=="
"""Of the package's archive, as the registry states it."""
FOLDER: Final = Path(__file__).parent.parent / "tests" / "support" / "axe"
KEPT: Final = ("axe.min.js", "LICENSE")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["npm", "pack", "--silent", f"axe-core@{VERSION}"], cwd=folder, check=True)
        archive = Path(folder) / f"axe-core-{VERSION}.tgz"
        found = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
        if found != SHA512:
            raise SystemExit(f"axe-core {VERSION} has the digest {found}; expected was {SHA512}")
        FOLDER.mkdir(parents=True, exist_ok=True)
        with tarfile.open(archive) as packed:
            for name in KEPT:
                member = packed.extractfile(f"package/{name}")
                assert member is not None
                (FOLDER / name).write_bytes(member.read())


if __name__ == "__main__":
    main()
