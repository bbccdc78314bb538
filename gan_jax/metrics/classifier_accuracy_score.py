"""How useful generated images are: the accuracy on real images of a classifier that trains on them."""

import jax
import numpy as np

from gan_jax.data.source import of_arrays
from gan_jax.errors import UsageError
from gan_jax.features.classifier import accuracy, fit


def classifier_accuracy_score(
    fake_images: np.ndarray,
    fake_labels: jax.Array,
    heldout_images: np.ndarray,
    heldout_labels: jax.Array,
    real_images: np.ndarray,
    real_labels: jax.Array,
    seed: int,
) -> dict[str, float]:
    """Accuracy on held-out real images of a classifier that trains on generated ones.

    Ravuri and Vinyals 2019, arXiv:1905.10887, section 3; here the small classifier of `gan_jax.features`
    replaces their ResNet-50. The second value is the accuracy after training on as many real images.

    Args:
        fake_images: uint8 [N, H, W, C].
        fake_labels: The classes that the generator was conditioned on, int [N].
        heldout_images: Real images to test on, uint8 [M, H, W, C].
        heldout_labels: int [M].
        real_images: uint8 [L, H, W, C]; a classifier trains on the first N of them.
        real_labels: int [L].
        seed: Seed of the classifiers.

    Returns:
        `classifier_accuracy_score` and `classifier_accuracy_score_real`, each in [0, 1].

    Raises:
        UsageError: There are no generated or no held-out images.
    """
    if not len(fake_images) or not len(heldout_images):
        raise UsageError("classifier_accuracy_score: expected at least one generated and one held-out image")
    largest = int(max(np.max(fake_labels), np.max(heldout_labels), np.max(real_labels)))
    classes = tuple(map(str, range(largest + 1)))
    heldout = of_arrays("held-out images", np.asarray(heldout_images), np.asarray(heldout_labels), classes)

    def score(images, labels):
        return accuracy(
            fit(of_arrays("images", np.asarray(images), np.asarray(labels), classes), seed), heldout
        )

    count = len(fake_images)
    return {
        "classifier_accuracy_score": score(fake_images, fake_labels),
        "classifier_accuracy_score_real": score(real_images[:count], real_labels[:count]),
    }
