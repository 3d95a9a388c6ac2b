"""Several views of one picture out of one decoding: what one reader leaves behind for those that come after it.

Decoding is most of what a job costs besides its nets, and a voice, the description, the heat maps and the proof that
the same film is shown all want the picture: at other rates, in other sizes. The first reader's child writes the others
beside its own, as files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Final

from synth.media.looking import VideoInfo
from synth.media.shown import Shown, shown_in

_LINE_BYTES: Final = 128
"""More than a line of a listing of shown frames has."""
MOST_BYTES: Final = 256 * 1024**2
"""Of all views that are kept of one clip; what does not fit is decoded again when it is asked for."""


@dataclass(frozen=True)
class View:
    """A picture at a rate and a size.

    Attributes:
        rate: frames a second.
        width, height: in pixels.
    """

    rate: Fraction
    width: int
    height: int

    @classmethod
    def of(cls, rate_hz: float, width: int, height: int) -> View:
        """The view, its rate as exact as ffmpeg is told it."""
        return cls(Fraction(rate_hz).limit_denominator(10**6), width, height)

    @property
    def frame_bytes(self) -> int:
        """Of one frame in RGB."""
        return self.width * self.height * 3

    def frames(self, duration_s: float) -> int:
        """How many it has of a picture of that length."""
        return max(1, round(duration_s * self.rate))


@dataclass
class Views:
    """The views that are kept of one clip, in a folder of the caller's, which takes them away.

    Attributes:
        folder: where the files lie.
        names: view -> its file, once it is whole.
        shown: what is shown of the source, once it is known; see :mod:`synth.media.shown`.
        begun: whether a reader has taken it upon itself to write them.
    """

    folder: Path
    names: dict[View, Path] = field(default_factory=dict)
    shown: Shown | None = None
    begun: bool = False
    _ended: list[Callable[[], object]] = field(default_factory=list)
    _wanted: list[Callable[[VideoInfo], Iterable[View]]] = field(default_factory=list)

    def want(self, views_of: Callable[[VideoInfo], Iterable[View]]) -> None:
        """Have further views of the video kept; what somebody has begun to write by then is not changed any more."""
        self._wanted.append(views_of)

    def when_ended(self, call: Callable[[], object]) -> None:
        """Have something called once the views are whole, in the thread of the reader that left them."""
        self._ended.append(call)

    def begin(self, info: VideoInfo) -> Sequence[View]:
        """The views that the caller's child is to write into :meth:`file`; none for whoever comes later.

        Of a long clip those are left out that would take too much of the disk.
        """
        if self.begun:
            return ()
        self.begun = True
        views, room = [], MOST_BYTES
        for view in dict.fromkeys(view for views_of in self._wanted for view in views_of(info)):
            room -= view.frames(info.duration_s) * view.frame_bytes
            if room < 0:
                break
            views.append(view)
        return views

    def file(self, view: View) -> Path:
        """Where a view is to be written."""
        return self.folder / f"view-{float(view.rate):.6f}-{view.width}x{view.height}.rgb"

    @property
    def listing(self) -> Path:
        """Where the frames that are shown are to be listed."""
        return self.folder / "shown.framecrc"

    def end(self, views: Iterable[View]) -> None:
        """Take what a child has written to its end; called only once that child ended well."""
        self.names = {view: self.file(view) for view in views}
        self.shown = shown_in(self.listing.read_bytes())
        for call in self._ended:
            call()


def largest_file_bytes(views: Iterable[View], info: VideoInfo) -> int:
    """More than the largest of the files takes."""
    sizes = [(one.frames(info.duration_s) + 4) * one.frame_bytes for one in views]
    return 2 * max(info.frames * _LINE_BYTES + 2**16, *sizes, 0)
