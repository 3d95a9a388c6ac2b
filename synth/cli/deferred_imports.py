"""Modules that a package imports at its start and none of our commands needs, loaded when somebody does.

``scipy.signal`` imports all of ``scipy.stats`` for one function of its wavelet peaks: a third of its time, and of all
that a command imports in a new process a seventh. (``torch`` has such modules too, but they import each other in a
circle that holds only in the order in which it begins.)

While such a package is being imported, a :class:`_Deferred` stands for the module. Whatever is asked of it later, by
whomever, makes the module itself take its place; so nothing can be missed but the time. Who imports one of the modules
first, or imports them beside a package that is not as it is known here, gets the module itself.
"""

from __future__ import annotations

import importlib
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any, Final

_LOADING: Final = threading.RLock()
_WANTED: Final[set[str]] = set()
"""Modules that somebody has asked for: nothing stands for them any more."""

DEFERRED: Final[Mapping[str, tuple[str, frozenset[str]]]] = {
    "scipy.stats": ("scipy.signal", frozenset({"scoreatpercentile"})),
}
"""Module -> the package that imports it, and the functions that it takes from it and does not call meanwhile."""


def install() -> None:
    """Defer the modules of :data:`DEFERRED` in this process, from now on."""
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())


class _Finder(MetaPathFinder):
    """Finds a stand-in for a deferred module while the package that imports it is being imported."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname not in DEFERRED or fullname in _WANTED or not _begins(DEFERRED[fullname][0]):
            return None
        return ModuleSpec(fullname, _Loader())


class _Loader(Loader):
    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return _Deferred(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """There is nothing to do yet."""


class _Deferred(ModuleType):
    """Stands for a module that nobody has needed yet."""

    def __getattr__(self, name: str) -> Any:
        package, functions = DEFERRED[self.__name__]
        if _begins(package):
            if name in functions:
                return _calling(self.__name__, name)
            if name.startswith("__"):  # the machinery of imports asks whether it is a package
                raise AttributeError(name)
        elif name.startswith("__") and name not in ("__path__", "__all__"):
            raise AttributeError(name)  # asked of every module there is, by who looks for something else
        return getattr(_real(self.__name__), name)


def _begins(package: str) -> bool:
    """Whether a package is being imported; False where this Python does not say so."""
    spec = getattr(sys.modules.get(package), "__spec__", None)
    return bool(getattr(spec, "_initializing", False))


def _calling(module: str, function: str) -> Callable[..., Any]:
    def call(*arguments: Any, **named: Any) -> Any:
        return getattr(_real(module), function)(*arguments, **named)

    call.__name__ = call.__qualname__ = function
    return call


def _real(name: str) -> ModuleType:
    """The module itself, in the place of what stood for it."""
    with _LOADING:
        _WANTED.add(name)
        if isinstance(sys.modules.get(name), _Deferred):
            del sys.modules[name]
        return importlib.import_module(name)
