"""HDR pictures (PQ, HLG; bt2020) as the nets and any ordinary screen take them: in the light and colours of bt709.

Read as if they were bt709, HDR frames are grey: their codes spread over a range of light of which a scene uses little.
Light is made linear by the transfer that the file names, with diffuse white at 203 cd/m2 (ITU-R BT.2408), brought to
the primaries of bt709, and bent so that the range above diffuse white stays apart instead of being cut off.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from synth.media.metadata import side_data

WHITE_CD_M2: Final = 203.0
PEAK_CD_M2: Final = 1000.0  # of HLG by definition, and of most masters in PQ; brighter is cut off
_KNEE: Final = 0.3  # of diffuse white: what is darker keeps its light
_TRANSFERS: Final = ("smpte2084", "arib-std-b67")
_COLOURS: Final = re.compile(r"\((?:tv|pc)?,? ?([\w-]+)/([\w-]+)/([\w-]+)[,)]")
_MATRICES: Final = {"bt2020nc": "bt2020", "bt2020c": "bt2020", "bt709": "bt709", "ictcp": "bt2020"}
_PRIMARIES: Final = {"bt2020": "2020", "smpte432": "smpte432", "smpte431": "smpte431", "bt709": "709"}


@dataclass(frozen=True)
class Colours:
    """How the numbers of a picture are meant, in ffmpeg's names; ``unknown`` where the file does not say."""

    matrix: str = "unknown"
    primaries: str = "unknown"
    transfer: str = "unknown"

    @property
    def hdr(self) -> bool:
        """Whether the picture needs tone mapping before an ordinary screen can show it."""
        return self.transfer in _TRANSFERS


def of_picture(description: str, stream: int | None = None) -> Colours:
    """What a file says of its picture's colours.

    Args:
        description: ffmpeg's, of an input.
        stream: number of the picture stream; the first that is no cover by default.
    """
    lines = side_data.picture_lines(description, stream)
    said = _COLOURS.search(lines[0]) if lines else None
    colours = Colours(*said.groups()) if said else Colours()
    if side_data.dolby_vision_profile(side_data.of_picture(description, stream)) == 5:
        return Colours("ictcp", "bt2020", "smpte2084")  # which such a file leaves unsaid, to be safe from plain players
    return colours


def filters(colours: Colours, width: int, height: int) -> str | None:
    """Filters that scale a picture and bring it to bt709, full range, RGB; ``None`` where it is no HDR.

    A picture of Dolby Vision's profile 5 comes out in grey: its colours need a decoder for Dolby Vision.
    """
    if not colours.hdr:
        return None
    grey = "" if colours.matrix != "ictcp" else "format=yuv420p10le,lutyuv=u=512:v=512,"
    matrix = _MATRICES.get(colours.matrix, "bt2020")
    primaries = _PRIMARIES.get(colours.primaries, "2020")
    scaling = f"scale={width}:{height}:flags=area+accurate_rnd+full_chroma_int+bitexact:in_color_matrix={matrix}"
    # zscale takes what a frame says of itself for granted, which need not be what the file says; so all is named.
    linear = f"zscale=min=gbr:rin=full:tin={colours.transfer}:pin={primaries}:t=linear:p=709:m=gbr:r=full"
    bent = f"tonemap=mobius:param={_KNEE}:peak={PEAK_CD_M2 / WHITE_CD_M2:.4f}:desat=0"
    coded = "zscale=min=gbr:rin=full:tin=linear:pin=709:t=709:p=709:m=gbr:r=full"
    return f"{grey}{scaling},format=gbrp16le,{linear}:npl={WHITE_CD_M2:g},format=gbrpf32le,{bent},{coded}"
