"""What the texture of a sound says of it: which kind it is, how usual for its kind, and whether the picture expects it.

Owens et al. (ECCV 2016), see :mod:`synth.models.sound_texture`; weights by the recipe ``texture``.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from numpy.typing import NDArray

from synth import weights
from synth.description.description import Texture
from synth.errors import WeightsError
from synth.models import sound_texture
from synth.models.sound_texture import Clusters, TextureNet

NETWORK: Final = "texture-small"


class TextureReader:
    """Reads textures.

    Attributes:
        net: expects a cluster from a picture's maps.
        clusters: their centres, plain names and mean levels a band.
    """

    def __init__(self, net: TextureNet, clusters: Clusters) -> None:
        self.net, self.clusters = net, clusters

    @property
    def names(self) -> tuple[str, ...]:
        """A plain name a cluster: what most of its sounds are of. Several clusters may share one."""
        return self.clusters.names

    def read(self, sound: NDArray[Any], rate_hz: int, maps: NDArray[Any] | None = None) -> Texture:
        """The texture of a sound [N], the mean over its windows of 3.75 s.

        Args:
            maps: of the packaged ImageNet net, [K, 432, 14, 14], of pictures of the same clip.
        """
        mean = sound_texture.textures(sound, rate_hz).mean(0)
        distances = self.clusters.distances(mean[None])[0]
        cluster = int(distances.argmin())
        distance = float(distances[cluster])
        typicality = self.clusters.typicality(distance)
        if maps is None or not len(maps):
            return Texture(cluster, distance, typicality)
        chances = self.net.expect(maps)
        expected = int(chances.argmax())
        return Texture(cluster, distance, typicality, expected, float(chances[expected]))


@lru_cache(maxsize=2)
def load(folder: Path = weights.CHECKPOINTS) -> TextureReader:
    """The reader that ships, or that of a training run.

    Raises:
        WeightsError: its weights are missing or damaged.
    """
    loaded = weights.load(NETWORK, folder)
    try:
        return TextureReader(*sound_texture.unpack(loaded.tensors, loaded.metadata))
    except ValueError as error:
        raise WeightsError(f"weights {NETWORK!r}: {error}") from error
