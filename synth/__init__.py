"""Sonorize's library: silent pictures in, sound out. Tensors and media files only.

``synth.sonorize`` and ``synth.Options`` are loaded when they are first asked for; nothing else may stand here.
"""

from importlib import import_module as _import_module

_LAZY = {
    "sonorize": "synth.pipeline.sonorize",
    "render_hits": "synth.pipeline.sonorize",
    "Options": "synth.options",
    "Mode": "synth.options",
}
__all__ = tuple(_LAZY)


def __getattr__(name: str) -> object:
    if name not in _LAZY:
        raise AttributeError(f"module 'synth' has no attribute {name!r}; it has {', '.join(__all__)}")
    return getattr(_import_module(_LAZY[name]), name)


def __dir__() -> list[str]:
    return sorted((*globals(), *__all__))
