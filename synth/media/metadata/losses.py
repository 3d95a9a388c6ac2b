"""What a result lacks of what its source says of the picture and of itself."""

from __future__ import annotations

from synth.media.metadata import side_data
from synth.media.metadata import tags as metadata


def losses(before: str, after: str, container: str, *, stream: int | None = None) -> tuple[str, ...]:
    """One sentence for each kind of side data, and one for all tags, that a result lacks or says otherwise.

    Args:
        before, after: ffmpeg's descriptions of source and result.
        container: name of the result's.
        stream: number of the picture in the source, where it is not the first.

    Raises:
        MediaError: without what is lost the picture would be shown wrongly.
    """
    said = side_data.losses(side_data.of_picture(before, stream), side_data.of_picture(after), container)
    picture = metadata.losses(
        metadata.of_picture(before, stream), metadata.of_picture(after), container, of="the picture"
    )
    return (*said, *metadata.losses(metadata.of_file(before), metadata.of_file(after), container), *picture)
