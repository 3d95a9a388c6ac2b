"""The browser libraries that are committed are those that the lock file names, and come from nowhere else."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any
from urllib.parse import urlsplit

from tests.support.paths import ROOT

FRONTEND = ROOT / "web" / "frontend"
VENDOR = ROOT / "web" / "pages" / "static" / "vendor"
STATIC = ROOT / "web" / "pages" / "static"


def lock() -> dict[str, Any]:
    return dict(json.loads((FRONTEND / "package-lock.json").read_text()))


def test_the_committed_build_is_what_the_lock_file_led_to() -> None:
    lines = [line.split("  ") for line in (VENDOR / "SHA256SUMS").read_text().splitlines()]
    sums = {name: digest for digest, name in lines}
    for name, wanted in sums.items():
        folder = FRONTEND if name == "package-lock.json" else VENDOR
        is_now = hashlib.sha256((folder / name).read_bytes()).hexdigest()
        assert is_now == wanted, f"{name} changed; run scripts/build_frontend.sh"
    assert set(sums) - {"package-lock.json"} == {path.name for path in VENDOR.iterdir()} - {"SHA256SUMS"}


def test_versions_are_pinned_and_come_from_the_public_registry() -> None:
    asked = json.loads((FRONTEND / "package.json").read_text())
    wanted = {**asked["dependencies"], **asked["devDependencies"]}
    packages = lock()["packages"]
    assert packages[""]["dependencies"] == asked["dependencies"]
    assert packages[""]["devDependencies"] == asked["devDependencies"]
    for name, version in wanted.items():
        assert re.fullmatch(r"\d+\.\d+\.\d+", version), f"{name} is not pinned"
        assert packages[f"node_modules/{name}"]["version"] == version
    for name, one in packages.items():
        if name:
            assert one["integrity"].startswith("sha512-"), name
            assert urlsplit(one.get("resolved", "https://registry.npmjs.org/")).netloc == "registry.npmjs.org", name


def test_the_licence_of_what_ships_is_kept_and_named() -> None:
    told = (ROOT / "docs" / "LICENCES.md").read_text()
    for name in json.loads((FRONTEND / "package.json").read_text())["dependencies"]:
        entry = lock()["packages"][f"node_modules/{name}"]
        assert f"| {name} | {entry['license']} |" in told
        assert "Redistribution" in (VENDOR / f"{name.removesuffix('.js')}.LICENSE.txt").read_text()


def test_scripts_of_pages_load_nothing_from_elsewhere() -> None:
    for script in [*STATIC.glob("*.js"), *STATIC.glob("studio/*.js")]:
        text = script.read_text()
        for address in re.findall(r"""(?:from|import|import\()\s*["']([^"']+)["']""", text):
            assert address.startswith("."), f"{script.name} imports {address}"
        assert not re.findall(r"https?://(?!www\.w3\.org/)", text), script.name
