"""Import modules where nothing but named distributions can be imported: ``python -m tests.support.requirements_only``.

Reads ``{"distributions": [...], "modules": [...], "program": "..."}`` from its input, and prints ``{module: error}``
for the modules that cannot be imported. The program runs after them.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import json
import re
import sys
import warnings
from collections.abc import Iterator, Sequence
from importlib.machinery import ModuleSpec, PathFinder
from importlib.metadata import Distribution, DistributionFinder, MetadataPathFinder
from types import ModuleType
from typing import Any


def normal(name: str) -> str:
    """A distribution's name as its index spells it."""
    return re.sub(r"[-_.]+", "-", name).lower()


class Allowed:
    """Finds what belongs to the allowed distributions, to Python or to no distribution, as this project itself."""

    def __init__(self, distributions: Sequence[str]) -> None:
        owners = importlib.metadata.packages_distributions()
        self._allowed = allowed = {normal(name) for name in distributions}
        self._hidden = {top for top, names in owners.items() if not allowed & {normal(name) for name in names}}

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """As of any finder: ``None`` where there is no such module."""
        return None if name.partition(".")[0] in self._hidden else PathFinder.find_spec(name, path, target)

    def find_distributions(self, context: DistributionFinder.Context) -> Iterator[Distribution]:
        """For who asks what version of a package there is."""
        found = MetadataPathFinder.find_distributions(context)
        return (one for one in found if normal(str(one.metadata["Name"])) in self._allowed)


def main() -> None:
    asked: dict[str, Any] = json.load(sys.stdin)
    warnings.simplefilter("ignore")
    sys.meta_path[sys.meta_path.index(PathFinder)] = Allowed([*asked["distributions"], "sonorize"])
    failed = {}
    for name in asked["modules"]:
        try:
            importlib.import_module(name)
        except ImportError as error:
            failed[name] = error.name or str(error)
    exec(compile(asked["program"], "program", "exec"), {})
    print(json.dumps(failed))


if __name__ == "__main__":
    main()
