"""Give a video another sound without touching its picture, and prove that the same film is shown.

Both proofs stand in :class:`Remuxed`: the packets of the picture are the same bytes, and what a decoder shows of the
result is what it shows of the source.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from synth.errors import MediaError
from synth.media import audio, complaints, containers, packets
from synth.media.clock import OWN_CLOCK
from synth.media.containers import Container
from synth.media.ffmpeg import Cancel, Fence
from synth.media.files import arriving
from synth.media.looking import Look, VideoInfo, look
from synth.media.metadata.losses import losses
from synth.media.muxing import Muxing
from synth.media.picture import animated_pictures
from synth.media.shown import Shown, shown, shown_in
from synth.media.sound import delivery
from synth.media.sound.delivery import Delivery
from synth.media.streams import UNKNOWN, Stream
from synth.media.writing import Writer
from synth.options import LIMITS, ExistingSound

PIXELS_PER_CPU_S: Final = 4_000_000  # slower than the slowest decoder and machine that are meant to work
_CODING_PIXELS_PER_CPU_S: Final = 1_000_000
DECODED_S: Final = 60.0  # longer sounds are read again by who wants them, rather than held in memory
_OFFER: Final = "with the option recut the picture is coded again as it is shown"


@dataclass(frozen=True)
class Digests:
    """SHA-256 (hex) of the picture in source and result.

    Attributes:
        packets_source, packets_result: over the bytes of the packets, see :func:`synth.media.packets.packet_digest`.
        shown_source, shown_result: over the frames shown and their times, see :class:`synth.media.shown.Shown`.
        frames_shown: how many these are.
    """

    packets_source: str
    packets_result: str
    shown_source: str
    shown_result: str
    frames_shown: int

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "packets": {"source": self.packets_source, "result": self.packets_result},
            "shown": {"source": self.shown_source, "result": self.shown_result, "frames": self.frames_shown},
        }


@dataclass(frozen=True)
class Verified:
    """What a copy of a picture was found to be when it was decoded and compared: another copy that holds the same
    packets, shown at the same times, shows the same film.

    Attributes:
        digests: of that copy.
        signature: of its packets, see :func:`signature`.
    """

    digests: Digests
    signature: str

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values; :meth:`from_json` reads them back."""
        return {"digests": self.digests.as_json(), "signature": self.signature}

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Verified:
        """What :meth:`as_json` gave."""
        packets_, shown_ = told["digests"]["packets"], told["digests"]["shown"]
        digests = Digests(
            packets_["source"], packets_["result"], shown_["source"], shown_["result"], int(shown_["frames"])
        )
        return cls(digests, str(told["signature"]))


@dataclass(frozen=True)
class Remuxed:
    """What became of a clip.

    Attributes:
        picture: copied bit by bit, or coded again.
        digests: of the picture.
        warnings: sentences for a person.
        delivery: how the sound comes back after decoding; ``None`` where that was not asked for.
        verified: what another copy can be held against; ``None`` where that was not asked for, or nothing was copied.
        decoded: the sound as :func:`synth.media.audio.read` reads it from the result, and its rate in Hz, where
            ``delivery`` is known and it is no longer than :data:`DECODED_S`.
    """

    picture: Literal["copied", "encoded"]
    digests: Digests
    warnings: tuple[str, ...]
    delivery: Delivery | None = None
    verified: Verified | None = None
    decoded: tuple[NDArray[np.float32], int] | None = field(default=None, compare=False, repr=False)


def remux(
    source: Path,
    sound: NDArray[np.float32],
    rate_hz: int,
    target: Path,
    *,
    existing: ExistingSound,
    metadata: Mapping[str, str] | None = None,
    true_peak_dbtp: float | None = None,
    salvage: bool = False,
    recut: bool = False,
    existing_gain_db: float = 0.0,
    to_verify: bool = False,
    verified: Verified | None = None,
    source_shown: Shown | None = None,
    cancelled: Cancel | None = None,
) -> Remuxed:
    """Write the picture of ``source``, bit for bit, with ``sound`` under it.

    The suffix of ``target`` names the container.
    The sound starts with the picture and is cut or filled with silence to its length. Sound that the source has is
    left out, kept as further tracks copied bit for bit, or mixed in at its own loudness. Subtitles, covers and data
    that the container can hold are copied too; what it cannot is named in the warnings. ``target`` appears whole and
    checked, or not at all.

    Args:
        sound: float32 [N] or [N, 2] in [-1, 1].
        metadata: tags to add to those of the source.
        true_peak_dbtp: which the sound shall keep after decoding too; not looked at by default.
        salvage: whether a recording that breaks off is taken as far as it goes.
        recut: whether the picture may be coded again, where a copy would show another film.
        existing_gain_db: on the sound that is mixed in.
        to_verify: whether :attr:`Remuxed.verified` is wanted.
        verified: of an earlier copy of the same source in the same container: then nothing is decoded to verify this
            one, unless it differs from that.
        source_shown: what is shown of the source, where that is known; it is decoded otherwise.

    Raises:
        MediaError: what :func:`synth.media.looking.probe` raises; ``target`` exists or cannot be written; its container
            cannot hold the picture, or not so that the same film is shown.
        Cancelled: ``cancelled``, polled while ffmpeg works, said so.
    """
    seen = look(source, LIMITS, salvage=salvage, recut=recut)
    if seen.found.clock.own:  # where it begins depends on which tracks are read
        source_shown = None
    container = containers.for_target(target, seen.info.video_codec, transparent=seen.info.transparent, recut=recut)
    again = _must_be_coded(seen, container)
    if again is not None and not (recut or animated_pictures.is_one(seen.info.video_codec)):
        raise MediaError(f"{again}; {_OFFER}")
    what, left_out = _planned(source, seen, rate_hz, container, existing, recut=again is not None)
    fitted = audio.fit(sound, rate_hz, seen.info.duration_s)
    what = replace(what, channels=fitted.ndim, mixed_gain_db=existing_gain_db)
    earlier = None if what.recut else verified
    settled = None
    with arriving(target, replace=False) as part:
        listed = source_shown is None and earlier is None
        fence = _fence(seen.info, 4 * fitted.nbytes, recut=what.recut)
        writer = Writer(what, left_out, seen, part, metadata or {}, fence, listed, cancelled)
        if true_peak_dbtp is None:
            writer.write(fitted, what.ceiling_dbfs)
        else:
            heard = writer.heard if writer.copies_cheaply else None
            settled = delivery.deliver(what, fitted, true_peak_dbtp, cancelled, heard)
            writer.write(settled.sound, settled.ceiling_dbtp)
        what, left_out, output, of_result = writer.what, writer.left_out, writer.output, writer.of_result
        digests = None if earlier is None else _as_earlier(writer, earlier)
        if digests is None:
            before = source_shown or (shown_in(output.stdout) if listed else _shown_of(what, cancelled))
            digests = _checked(writer, before, cancelled)
        description = of_result.description
        verified = Verified(digests, signature(of_result)) if to_verify and not what.recut else None
        lost = losses(seen.found.description, description, container.name, stream=what.picture.index)
    left_out = tuple(one for one in left_out if one not in seen.found.others)  # which the look has named already
    left_out_note = containers.left_out_warning(left_out, container)
    remarks = (*seen.info.warnings, *complaints.heard(output.stderr), left_out_note, *lost)
    notes = (*remarks, again, settled.warning if settled else None)
    told = tuple(dict.fromkeys(note for note in notes if note and note != complaints.DISORDERED))
    delivered = settled.delivery if settled else None
    decoded = None
    if settled is not None and seen.info.duration_s <= DECODED_S:
        decoded = settled.decoded.mean(axis=1, dtype=np.float32), settled.decoded_hz
    return Remuxed("encoded" if what.recut else "copied", digests, told, delivered, verified, decoded)


def signature(found: packets.Packets) -> str:
    """SHA-256 (hex) of all that a decoder gets of a picture beside its bytes: set-up data, times, flags."""
    return hashlib.sha256(repr((found.head, found.times_s, found.rest)).encode()).hexdigest()


def _as_earlier(writer: Writer, earlier: Verified) -> Digests | None:
    """The digests of an earlier copy of the same source, where a decoder gets the same of this one."""
    digests, of_result = earlier.digests, writer.of_result
    same = (writer.of_source.digest, of_result.digest) == (digests.packets_source, digests.packets_result)
    return digests if same and signature(of_result) == earlier.signature else None


def _shown_of(what: Muxing, cancelled: Cancel | None) -> Shown:
    """What is shown of the source."""
    return shown(what.source, clock=what.clock, picture=f"0:{what.picture.index}", cancelled=cancelled)


def _must_be_coded(seen: Look, container: Container) -> str | None:
    """Why a copy of the picture would show another film; None where it would not."""
    if animated_pictures.is_one(seen.info.video_codec):
        return animated_pictures.WHY
    if seen.info.video_codec not in container.video_codecs:
        return f"a {container.name} file cannot hold a picture coded as {seen.info.video_codec}"
    if seen.joined:
        return "the edit list joins parts that do not follow each other in the file"
    if seen.hides_frames and not container.hides_frames:
        where = "before its start" if seen.hidden_before or seen.info.start_s < 0 else "after its end"
        return f"the video hides frames {where}, which a {container.name} file cannot do, as .mp4 and .mov can"
    return None


def _planned(
    source: Path, seen: Look, rate_hz: int, container: Container, existing: ExistingSound, *, recut: bool
) -> tuple[Muxing, tuple[Stream, ...]]:
    """What goes into the result, and what is left out without having been asked for."""
    sounds = [one for one in seen.found.sounds if one.coding != UNKNOWN]
    mixed = sounds[0] if sounds and existing is ExistingSound.MIX else None
    kept, left_out = containers.beside_picture(seen.found.streams, seen.found.stream, container, existing)
    if existing is ExistingSound.KEEP:
        containers.refuse_lost_sound(
            left_out,
            container,
            seen.info.video_codec,
            transparent=seen.info.transparent,
            hides_frames=seen.hides_frames,
        )
    start_s = seen.info.start_s
    beside = [*kept, *([mixed] if mixed else [])]
    if seen.info.container in OWN_CLOCK and beside:  # whose start depends on all that is read
        maps = [f"0:{one.index}" for one in beside]
        found = packets.listing(source, LIMITS, beside=maps, clock=seen.found.clock)
        start_s = float(int(found.shown()[0][0]) * found.tick_s)
    fast_clock = seen.info.container == "dv"
    what = Muxing(
        source,
        seen.found.clock,
        seen.found.stream,
        start_s,
        rate_hz,
        container,
        kept=kept,
        mixed=mixed,
        recut=recut,
        description=seen.found.description,
        size=(seen.found.picture.width, seen.found.picture.height),
        constant_fps=Fraction(seen.info.rate_fps).limit_denominator(1001) if fast_clock else None,
    )
    return what, left_out


def _fence(info: VideoInfo, sound_bytes: int, *, recut: bool) -> Fence:
    """Copying, and decoding the picture once to see what is shown of it; or coding it, which is more work by far."""
    pixels_per_s = _CODING_PIXELS_PER_CPU_S if recut else PIXELS_PER_CPU_S
    work_s = 600 + info.frames * info.width * info.height / pixels_per_s
    return Fence(
        cpu_s=math.ceil(work_s),
        wall_s=2 * work_s + info.bytes_ / 2_000_000,
        file_bytes=(20 if recut else 2) * info.bytes_ + sound_bytes + 64 * 1024**2,
    )


def _checked(writer: Writer, before: Shown, cancelled: Cancel | None) -> Digests:
    """The digests of source and result.

    Args:
        before: what is shown of the source.

    Raises:
        MediaError: the result does not hold the same picture, or does not show the same film.
    """
    info, recut, of_source, of_result = writer.seen.info, writer.what.recut, writer.of_source, writer.of_result
    same_bytes = info.container in containers.SAME_BYTES and not recut
    if same_bytes and of_source.digest != of_result.digest:
        raise MediaError("the picture could not be carried over unchanged, so no result was written")
    if of_source.same_as(of_result):
        shown_result = before.digest  # a decoder gets the same, so it need not be asked what it shows
    else:
        after = shown(writer.part, fence=_fence(info, 0, recut=False), cancelled=cancelled)
        # What decoders make of missing data may differ from one run to the next; its times and number do not.
        whole = not writer.seen.found.picture.corrupt
        if difference := before.differs_from(after, pixels=whole and not recut):
            refusal = f"a copy of the picture would show another film ({difference}), so none was written; {_OFFER}"
            raise MediaError(refusal)
        shown_result = after.digest
    return Digests(of_source.digest, of_result.digest, before.digest, shown_result, len(before.times_s))
