"""Fixed networks whose layers perceptual losses compare, by the names that recipes give: `game.features`.

Each name in `__all__` is a function that returns Maps; `source` is the data set trained on.
"""

from collections.abc import Sequence

from gan_jax.data.source import Source
from gan_jax.errors import UsageError
from gan_jax.features.classifier import classifier as data_classifier
from gan_jax.features.classifier import classifier_maps
from gan_jax.features.types import Maps
from gan_jax.features.perceptual.vgg import vgg

__all__ = ["classifier", "vgg"]


def classifier(source: Source, *, layers: Sequence[str] = ()) -> Maps:
    """The convolutions of a classifier of the data's own classes, for images without a VGG.

    No paper: VGG's layers are those of Johnson et al. 2016, arXiv:1603.08155. It is the classifier that
    evaluations use; `load` takes it from the cache or trains it.

    Args:
        source: The labelled Source trained on.
        layers: Names of layers, `conv1`, `conv2`, ..., each behind its ReLU; empty for all.

    Returns:
        The Maps, to be loaded.

    Raises:
        UsageError: The data has no labels, its classifier is no network of convolutions over whole images, or
            there is no such layer.
    """
    if source.classifier is not None:
        raise UsageError(
            f"game.features.name=classifier: the classifier of {source.name} sees parts of an image; give other "
            "features"
        )
    return classifier_maps(data_classifier(source, source.heldout()), layers=layers)
