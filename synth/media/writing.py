"""One result on its way: written again whenever its sound was limited again, and read back by one child each time.

A child takes 50 ms before it does anything, and a coder of sound more than the copying of a picture: so the picture is
copied along with each try of the sound, and whatever is to be known of source and result is told meanwhile.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from synth.errors import MediaError
from synth.media import complaints, muxing, packets
from synth.media.clock import Clock
from synth.media.ffmpeg import Cancel, Fence, Output, run
from synth.media.files import url
from synth.media.looking import Look
from synth.media.metadata import box_transfer, mp4_boxes
from synth.media.muxing import Muxing
from synth.media.packets import Packets
from synth.media.shown import decoding
from synth.media.sound.delivery import decoded
from synth.media.streams import Stream

Floats = NDArray[np.float32]

COPIED_BYTES: Final = 256 * 1024**2
"""Of a larger source the picture is copied once, after the sound was tried by itself."""
_LINE_BYTES: Final = 512  # more than a packet's line has


@dataclass
class Writer:
    """Writes a result into a file that is there already.

    Attributes:
        what: what goes into it; less its ``kept`` where it turned out that they do not fit.
        left_out: tracks of the source that are not in it.
        seen: the source.
        fence: of a child that writes.
        decodes: whether what is shown of the source is to be listed in :attr:`output` meanwhile.
        output: what the child said that wrote the last time.
        of_source, of_result: the picture's packets in both, as they were then.
    """

    what: Muxing
    left_out: tuple[Stream, ...]
    seen: Look
    part: Path
    metadata: Mapping[str, str]
    fence: Fence
    decodes: bool
    cancelled: Cancel | None
    output: Output = field(init=False)
    of_source: Packets = field(init=False)
    of_result: Packets = field(init=False)
    _written: tuple[Floats, float] | None = None

    @property
    def copies_cheaply(self) -> bool:
        """Whether the result may be written several times: nothing but copying and our own sound is work in it."""
        return not (self.what.recut or self.decodes) and self.seen.info.bytes_ <= COPIED_BYTES

    def heard(self, sound: Floats, ceiling_dbfs: float) -> Floats:
        """Write the result with a sound, and decode it: a :data:`synth.media.sound.delivery.Heard`.

        Raises:
            MediaError: it cannot be written.
            Cancelled: somebody said so.
        """
        return decoded(self.what, self._write(sound, ceiling_dbfs, read=muxing.decoding_sound()))

    def write(self, sound: Floats, ceiling_dbfs: float) -> None:
        """Write the result with a sound, unless that was the last that was written. Raises as :meth:`heard`."""
        if self._written is None or self._written[0] is not sound or self._written[1] != ceiling_dbfs:
            self._write(sound, ceiling_dbfs, read=[])

    def _write(self, sound: Floats, ceiling_dbfs: float, read: list[str]) -> bytes:
        with tempfile.TemporaryDirectory(prefix="sonorize-") as name:
            folder = Path(name)
            self.what = replace(self.what, ceiling_dbfs=ceiling_dbfs)
            try:
                self._mux(sound, folder)
            except MediaError as error:
                if not self.what.kept or str(error) != complaints.NOT_HELD:
                    raise
                self.left_out = (*self.left_out, *self.what.kept)
                self.what = replace(self.what, kept=())
                self._mux(sound, folder)
            self._mend()
            self._written = (sound, ceiling_dbfs)
            return self._read_back(read, folder)

    def _mux(self, sound: Floats, folder: Path) -> None:
        picture, listed = f"0:{self.what.picture.index}", folder / "source.framecrc"
        arguments = [*muxing.muxing(self.what, self.metadata), url(self.part)]
        arguments += packets.telling(picture, listed=url(listed))
        arguments += decoding(picture) if self.decodes else []
        self.output = run(arguments, fence=self.fence, feed=[sound.data], cancelled=self.cancelled)
        self.of_source = packets.packets_in(self.output.stdout, listed.read_bytes(), "")

    def _mend(self) -> None:
        """Write what ffmpeg cannot."""
        what, info = self.what, self.seen.info
        if what.recut:
            return
        if self.seen.hidden_after:
            mp4_boxes.end_first_track_after(self.part, info.duration_s)
        if what.container.muxer in ("mp4", "mov"):
            box_transfer.transfer(what.source, what.description, self.part, stream=what.picture.index)

    def _read_back(self, sound: list[str], folder: Path) -> bytes:
        """Look at the packets of the result, and decode its sound where that is wanted: what the child wrote of it."""
        digest, listed = folder / "result.digest", folder / "result.framecrc"
        frames = self.seen.info.frames
        fence = Fence(cpu_s=3600, wall_s=7200, file_bytes=frames * _LINE_BYTES + 2**20)
        arguments = ["-v", "level+info", "-nostats", *Clock().arguments(), "-i", url(self.part)]
        arguments += [*packets.telling(f"{packets.PICTURES}:0", url(digest), url(listed)), *sound]
        found = run(arguments, fence=fence, cancelled=self.cancelled)
        self.of_result = packets.packets_in(digest.read_bytes(), listed.read_bytes(), found.stderr)
        return found.stdout
