"""ffmpeg's complaints in plain words: those that ended a child become a MediaError, all others a warning."""

from __future__ import annotations

import errno
import os
import re
import signal
from typing import Final

NOT_HELD: Final = "the container of the result cannot hold a stream of the source"

# The first pattern that is found wins, so causes stand before their consequences.
_SENTENCES: Final = (
    (r"No space left on device", "the disk is full"),
    (r"File too large", "the result is larger than a file may be here"),
    (r"Disk quota exceeded", "the disk quota is used up"),
    (r"Permission denied|Operation not permitted", "the file or its folder may not be read or written"),
    (r"Read-only file system", "the folder of the result is on a disk that is read-only"),
    (r"Is a directory", "a folder was named where a file is needed"),
    (r"No such file or directory", "the file does not exist"),
    (r"exceeds max_streams", "the file has more streams than are allowed"),
    (r"exceeds specified max pixel count|Picture size \S+ is invalid", "the picture is larger than is allowed"),
    (r"Cannot allocate memory|Out of memory", "the file needs more memory than is allowed for it"),
    (
        r"not find tag for codec|not currently supported in container|[Oo]nly .*supported|incorrect codec parameters",
        NOT_HELD,
    ),
    (
        r"[Ff]ormat not on whitelist",
        "the file is not of a kind that is read: allowed are mp4, mov, mkv, webm, avi, mpg, ts, mxf, dv, gif, webp "
        "and apng",
    ),
    (r"[Pp]rotocol '?\S+ not on whitelist", "the file points to other files or hosts, which are never opened"),
    (r"not on whitelist", "the file is in a coding that is not read"),
    (r"moov atom not found|End of file|Truncat", "the file is cut short, damaged, or not a video at all"),
    (r"matches no streams|does not contain any stream", "the file holds no stream of the kind that is needed"),
    (r"Decoder .* not found|Unsupported codec|no decoder", "the file is in a coding that is not read"),
    (r"Invalid data found", "the file is damaged, or not a video at all"),
)

_NO_ROOM: Final = {errno.ENOSPC: "No space left on device", errno.EDQUOT: "Disk quota exceeded"}


def cause_of(stderr: str) -> OSError | None:
    """The system's error behind a complaint, where it is one that passes when somebody makes room."""
    number = next((number for number, text in _NO_ROOM.items() if text in stderr), None)
    return None if number is None else OSError(number, os.strerror(number))


def explain(stderr: str, returncode: int) -> str:
    """One plain sentence for a child that ended with ``returncode`` (negative: killed by that signal)."""
    if returncode in (-signal.SIGXCPU, -signal.SIGKILL):
        return "the file needs more work than is allowed for it"
    if returncode == -signal.SIGXFSZ:
        return "the result is larger than a file may be here"
    if returncode < 0:
        return f"ffmpeg broke down over the file (signal {-returncode})"
    for pattern, sentence in _SENTENCES:
        if re.search(pattern, stderr):
            return sentence
    lines = [re.sub(r"\[(?:info|warning|error|fatal)\] ", "", line).strip() for line in stderr.splitlines()]
    lines = [line for line in lines if line]
    return f"ffmpeg could not do it: {lines[-1][:200] if lines else f'it ended with {returncode}'}"


MOST_HEARD: Final = 3
"""Sentences about complaints that nothing here explains; more than these only bury them."""
LONGEST_HEARD: Final = 160

_COMPLAINT: Final = re.compile(
    r"^(?:\[[^\]\n]* @ 0x[0-9a-f]+\] )*\[(?:warning|error|fatal|panic)\] (.+)$", re.MULTILINE
)
_CUT_SHORT: Final = re.compile(r"partial file|ended prematurely|Truncat|error reading header", re.IGNORECASE)

DISORDERED: Final = "some packets come in an order that their times do not allow"

# What a complaint means for the film, in words; the same sentence is said once.
_MEANINGS: Final = (
    (r"timestamp discontinuity", "the clock of the recording begins again on the way; its parts were joined"),
    (r"Non-monotonic DTS|incorrect timestamps in the output", DISORDERED),
    (
        r"[Ee]rror while decoding|concealing|decode_slice|corrupt decoded frame|Invalid NAL|non-existing [PS]PS"
        r"|ac-tex damaged|invalid cbp|Error submitting packet to decoder|no frame!|Missing reference picture"
        r"|left block unavailable|top block unavailable|out of range intra|mmco|slice mismatch"
        r"|reference picture missing|co located POCs|illegal short term|Reference \d+ >= \d+|cabac decode"
        r"|skipped MB|mb incr damaged|00 motion|warning: first frame is no keyframe|Could not find ref with POC"
        r"|Frame num (?:change|gap)|Ignoring NAL|slice below image|end mismatch|dc-tex|matrix damaged"
        r"|MVs not available",
        "parts of the picture are damaged and do not decode as they were recorded",
    ),
)

# What is no news: it does not touch what is shown or heard, or is said elsewhere in better words.
_NO_NEWS: Final = re.compile(
    r"not on whitelist|Failed to open codec in|Could not find codec parameters|Consider increasing"  # other tracks
    r"|timescale not set|set to be discarded by default|start time for stream \d+ is not set|stream \d+, offset"
    r"|Too many bits|original timecode track"
    r"|deprecated pixel format|Guessed Channel Layout"
    r"|has not been used for any stream"
    r"|tags at index \d+ refer|Starting new cluster|duration is set|codec frame size is not set"
    r"|(?:Packet|input packet) corrupt|corrupt input packet|Continuity check failed|PES packet size mismatch"  # counted
    r"|exceeds max_streams|DTS .* out of order|Missing key frame while searching|Found duplicated MOOV"
    r"|Estimating duration from bitrate|Bitrate .* is extremely|max_analyze_duration|probesize|Unknown cover type"
    r"|Multiple -\S+ options specified"
    r"|Stream HEVC is not hvc1|Multiple frames in a packet|Skipping unhandled metadata|key frame .* not found"
    r"|Error submitting a packet to the muxer: Broken pipe|Could not update timestamps|Late SEI|rfbps"
    r"|Invalid return value 0 for stream protocol|overread|moov atom .* already"
)


def cut_short(stderr: str) -> bool:
    """Whether ffmpeg found that the file ends before it should."""
    return _CUT_SHORT.search(stderr) is not None


def heard(stderr: str) -> tuple[str, ...]:
    """Sentences about what ffmpeg found odd but could do with; each once, the unexplained ones at most three.

    Args:
        stderr: of a child that was asked to say how grave each complaint is (``-v level+...``).
    """
    sentences: dict[str, str] = {}
    strange = 0
    for complaint in _COMPLAINT.findall(stderr):
        if _NO_NEWS.search(complaint) or _CUT_SHORT.search(complaint):
            continue
        meant = next((sentence for pattern, sentence in _MEANINGS if re.search(pattern, complaint)), None)
        key = meant or re.sub(r"(?:0x)?[\da-f]*\d[\da-f]*", "#", complaint)
        if key in sentences:
            continue
        strange += meant is None
        if meant is not None or strange <= MOST_HEARD:
            sentences[key] = meant or f"ffmpeg found something odd: {complaint.strip()[:LONGEST_HEARD]}"
    return tuple(sentences.values())
