"""Values that carry arrays say their shapes, and check them where they are made: a wrong one fails there, not later.

A shape is written in letters, one an axis: ``"N"``, ``"N 2"``, ``"T D"``. The same letter means the same length within
one value; a number is that length. No torch: anything with ``shape`` and ``dtype`` will do.
"""

from __future__ import annotations

from dataclasses import fields
from typing import Any


class Arrays:
    """A frozen dataclass with arrays: prints shapes instead of numbers, and checks them in ``__post_init__``."""

    def require(self, **shapes: str | tuple[str, ...]) -> None:
        """Check fields by name; one that is ``None`` is left out. Several shapes are alternatives.

        Raises:
            ValueError: a field has none of its shapes; the message says which field, what it is and what is allowed.
        """
        lengths: dict[str, int] = {}
        for name, allowed in shapes.items():
            value = getattr(self, name)
            if value is None:
                continue
            choices = (allowed,) if isinstance(allowed, str) else allowed
            if not any(_fits(value.shape, choice.split(), lengths) for choice in choices):
                wanted = " or ".join(f"[{', '.join(choice.split())}]" for choice in choices)
                known = ", ".join(f"{letter} = {length}" for letter, length in lengths.items())
                raise ValueError(
                    f"{name} of {type(self).__name__} has the shape {list(value.shape)}; allowed is {wanted}"
                    + (f" with {known}" if known else "")
                )

    def __repr__(self) -> str:
        told = ", ".join(f"{one.name}={_told(getattr(self, one.name))}" for one in fields(self))  # type: ignore[arg-type]
        return f"{type(self).__name__}({told})"


def _fits(shape: tuple[int, ...], letters: list[str], lengths: dict[str, int]) -> bool:
    """Whether a shape fits; remembers the lengths of its letters if it does."""
    if len(shape) != len(letters):
        return False
    found = dict(lengths)
    for length, letter in zip(shape, letters, strict=True):
        wanted = int(letter) if letter.isdigit() else found.setdefault(letter, length)
        if length != wanted:
            return False
    lengths.update(found)
    return True


def _told(value: Any) -> str:
    shape = getattr(value, "shape", None)
    return repr(value) if shape is None else f"{value.dtype}{list(shape)}"
