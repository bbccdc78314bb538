"""Networks that metrics look at images through."""

import os

from gan_jax.features.classifier import classifier
from gan_jax.features.standard import standard
from gan_jax.features.user import exported, of_function

__all__ = ["classifier", "exported", "named", "of_function", "standard"]


def named(name, real, heldout, *, download=False):
    """Features by name.

    Args:
        name: `classifier` for one of the data's classes; `inception`, `inception_768` or `inception_192` for
            that of FID; a `.pth` file with its weights; another file that `jax.export` has written; or the
            dotted path of a function.
        real: Source that a classifier is trained on.
        heldout: Source that its accuracy is measured on, or None.
        download: Fetch the Inception weights if they are absent.

    Returns:
        The Features.

    Raises:
        UsageError: There are none of this name.
    """
    if name == "classifier":
        return classifier(real, heldout)
    layers = {"inception": 2048, "inception_768": 768, "inception_192": 192}
    if name in layers:
        return standard(layer=layers[name], download=download)
    if name.endswith(".pth"):
        return standard(name)
    return exported(name) if os.path.exists(name) else of_function(name)
