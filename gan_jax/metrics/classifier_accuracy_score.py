"""How useful generated images are: the accuracy on real ones of a classifier that saw only generated ones."""

import numpy as np

from gan_jax.data.source import of_arrays
from gan_jax.errors import UsageError
from gan_jax.features.classifier import accuracy, fit


def classifier_accuracy_score(
    fake_images, fake_labels, heldout_images, heldout_labels, real_images, real_labels, seed
):
    """Accuracy on held-out real images of a classifier that is trained on generated ones.

    Ravuri and Vinyals 2019, arXiv:1905.10887, section 3; their ResNet-50 is here the small classifier of
    `gan_jax.features`. Beside it stands that of a classifier trained on as many real images.

    Args:
        fake_images: uint8 [N, H, W, C].
        fake_labels: The classes they were asked for, int [N].
        heldout_images: Real images to test on, uint8 [M, H, W, C].
        heldout_labels: int [M].
        real_images: uint8 [L, H, W, C]; the first N of them are trained on.
        real_labels: int [L].
        seed: Of the classifiers.

    Returns:
        `classifier_accuracy_score` and `classifier_accuracy_score_real`, each in [0, 1].

    Raises:
        UsageError: No images.
    """
    if not len(fake_images) or not len(heldout_images):
        raise UsageError("classifier_accuracy_score: expected at least one generated and one held-out image")
    largest = int(max(np.max(fake_labels), np.max(heldout_labels), np.max(real_labels)))
    classes = tuple(map(str, range(largest + 1)))
    tested = of_arrays("held-out images", heldout_images, heldout_labels, classes)

    def score(images, labels):
        return accuracy(fit(of_arrays("images", images, labels, classes), seed), tested)

    count = len(fake_images)
    return {
        "classifier_accuracy_score": score(fake_images, fake_labels),
        "classifier_accuracy_score_real": score(real_images[:count], real_labels[:count]),
    }
