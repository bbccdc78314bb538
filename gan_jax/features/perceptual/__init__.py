"""Fixed networks whose layers perceptual losses compare, by the names that recipes give: `game.features`.

Each name in `__all__` is a function that returns Maps; `source` is the data set trained on.
"""

from collections.abc import Sequence

from gan_jax.data.source import Source
from gan_jax.errors import UsageError
from gan_jax.features import shipped
from gan_jax.features.classifier import classifier as data_classifier
from gan_jax.features.classifier import classifier_maps
from gan_jax.features.types import Maps
from gan_jax.features.perceptual.vgg import vgg

__all__ = ["classifier", "vgg"]


def classifier(source: Source, *, of: str = "", layers: Sequence[str] = ()) -> Maps:
    """The convolutions of a classifier of the data's own classes or of a well-known set, without a VGG.

    No paper: VGG's layers are those of Johnson et al. 2016, arXiv:1603.08155. It is the classifier that
    evaluations use; `load` takes it from the cache or trains it.

    Args:
        source: The Source trained on, labelled unless the classifier is one of another set.
        of: Name of a set whose classifier ships with the package, such as `cifar10`, for images without
            classes; empty for the data's own.
        layers: Names of layers, `conv1`, `conv2`, ..., each behind its ReLU; empty for all.

    Returns:
        The Maps, to be loaded unless they ship.

    Raises:
        UsageError: The data has no labels, its classifier is no network of convolutions over whole images, or
            there is no such layer, or no such set, or one of grey images for coloured ones.
    """
    if of:
        return shipped.maps(of, source, layers=layers, field="game.features.of")
    if source.classifier is not None:
        raise UsageError(
            f"game.features.name=classifier: the classifier of {source.name} sees parts of an image; give other "
            "features"
        )
    return classifier_maps(data_classifier(source, source.heldout()), layers=layers)
