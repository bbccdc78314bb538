"""How well a linear classifier predicts the class from an encoder's codes."""

from typing import Callable

import jax
import numpy as np

from gan_jax.errors import UsageError
from gan_jax.metrics import checks
from gan_jax.metrics.image_checks import check_images


def linear_probe(
    encode: Callable[..., jax.Array],
    heldout_images: np.ndarray,
    heldout_labels: jax.Array,
    real_images: np.ndarray,
    real_labels: jax.Array,
    seed: int,
    *,
    regularisation: float = 1.0,
    steps: int = 1000,
) -> dict[str, float]:
    """Held-out accuracy of a linear classifier of codes, beside one of as many principal components.

    Alain and Bengio 2016, arXiv:1610.01644; Donahue et al. 2017, arXiv:1605.09782, evaluate a BiGAN's encoder
    in this way on ImageNet, by inner layers. Here it is scikit-learn's LogisticRegression (multinomial, L2,
    L-BFGS) of the codes themselves, scaled to mean 0 and variance 1 over the training images. The second
    value is that of principal components of the pixels, with the same scaling and classifier.

    Args:
        encode: Function from images, uint8 [B, H, W, C], to codes [B, D].
        heldout_images: Images outside the training sets of model and probe, uint8 [N, H, W, C], at least 1.
        heldout_labels: Their classes, int [N]; further labels are ignored.
        real_images: Training images of the probe, uint8 [M, H, W, C].
        real_labels: Their classes, int [M], at least two different ones; further labels are ignored.
        seed: Seed of the PCA, which is randomised for large images; nothing else is random.
        regularisation: scikit-learn's 1 / C, the weight of half the squared norm against the sum of losses.
        steps: Largest number of L-BFGS steps.

    Returns:
        `linear_probe` and `linear_probe_of_pca`, each in [0, 1]. The number of components is the least of D,
        the number of pixels and the number of training images.

    Raises:
        UsageError: There are no images or fewer than two classes, or codes are not finite.
    """
    real_images = check_images("real_images", real_images)
    heldout_images = check_images("heldout_images", heldout_images)
    real, heldout = checks.matrices(real_codes=encode(real_images), heldout_codes=encode(heldout_images))
    labels = (
        checks.labels("real_labels", real_labels[: len(real)], len(real)),
        checks.labels("heldout_labels", heldout_labels[: len(heldout)], len(heldout)),
    )
    if len(np.unique(labels[0])) < 2:
        raise UsageError("real_labels: expected at least two classes, got one")
    real_pca, heldout_pca = _principal_components(real_images, heldout_images, real.shape[1], seed)
    return {
        "linear_probe": _accuracy(real, heldout, *labels, 1.0 / regularisation, steps),
        "linear_probe_of_pca": _accuracy(real_pca, heldout_pca, *labels, 1.0 / regularisation, steps),
    }


def _principal_components(real_images, heldout_images, size, seed):
    """Both sets on the first principal components of the first one's pixels, [M, size] and [N, size]."""
    from sklearn.decomposition import PCA

    real, heldout = (x.reshape(len(x), -1) / np.float32(127.5) for x in (real_images, heldout_images))
    pca = PCA(min(size, *real.shape), random_state=seed).fit(real)
    return pca.transform(real), pca.transform(heldout)


def _accuracy(real, heldout, real_labels, heldout_labels, inverse, steps):
    """Accuracy on held-out samples of a classifier that is fitted to the real ones."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    probe = make_pipeline(StandardScaler(), LogisticRegression(C=inverse, max_iter=steps))
    return float(probe.fit(real, real_labels).score(heldout, heldout_labels))
