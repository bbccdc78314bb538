"""What an encoder's codes tell of classes, to a classifier that can only draw straight lines."""

import numpy as np

from gan_jax.errors import UsageError
from gan_jax.metrics import checks
from gan_jax.metrics.image_checks import check_images


def linear_probe(
    encode, heldout_images, heldout_labels, real_images, real_labels, seed, *, regularisation=1.0, steps=1000
):
    """Held-out accuracy of a linear classifier of codes, beside one of as many principal components.

    Alain and Bengio 2016, arXiv:1610.01644; Donahue et al. 2017, arXiv:1605.09782, judge a BiGAN's encoder so
    on ImageNet, by inner layers. Here it is scikit-learn's LogisticRegression (multinomial, L2, L-BFGS) of
    the codes themselves, each of mean 0 and variance 1 over the training images; the same classifier sees
    the principal components of the training images' pixels, treated in the same way.

    Args:
        encode: Function from images, uint8 [B, H, W, C], to codes [B, D].
        heldout_images: Images that neither the model nor the probe saw, uint8 [N, H, W, C], N at least 1.
        heldout_labels: Their classes, int [N]; further ones are left over.
        real_images: Images that the probe is trained on, uint8 [M, H, W, C].
        real_labels: Their classes, int [M], at least two of them; further ones are left over.
        seed: Of the PCA, which is randomised where images are large; nothing else is random.
        regularisation: scikit-learn's 1 / C, the weight of half the squared norm beside the sum of losses.
        steps: Steps of L-BFGS, at most.

    Returns:
        `linear_probe` and `linear_probe_of_pca`, each in [0, 1]. There are D components, or as many as
        there are pixels or training images if these are fewer.

    Raises:
        UsageError: No images, fewer than two classes, or codes that are not finite.
    """
    real_images = check_images("real_images", real_images)
    heldout_images = check_images("heldout_images", heldout_images)
    trained, tested = checks.matrices(real_codes=encode(real_images), heldout_codes=encode(heldout_images))
    labels = (
        checks.labels("real_labels", real_labels[: len(trained)], len(trained)),
        checks.labels("heldout_labels", heldout_labels[: len(tested)], len(tested)),
    )
    if len(np.unique(labels[0])) < 2:
        raise UsageError("real_labels: expected at least two classes, got one")
    components = _principal_components(real_images, heldout_images, trained.shape[1], seed)
    return {
        "linear_probe": _accuracy(trained, tested, *labels, 1.0 / regularisation, steps),
        "linear_probe_of_pca": _accuracy(*components, *labels, 1.0 / regularisation, steps),
    }


def _principal_components(real_images, heldout_images, size, seed):
    """Both sets on the first principal components of the first one's pixels, [M, size] and [N, size]."""
    from sklearn.decomposition import PCA

    real, heldout = (x.reshape(len(x), -1) / np.float32(127.5) for x in (real_images, heldout_images))
    pca = PCA(min(size, *real.shape), random_state=seed).fit(real)
    return pca.transform(real), pca.transform(heldout)


def _accuracy(trained, tested, trained_labels, tested_labels, inverse, steps):
    """Share of the tested samples that a classifier fitted to the others gets right."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    probe = make_pipeline(StandardScaler(), LogisticRegression(C=inverse, max_iter=steps))
    return float(probe.fit(trained, trained_labels).score(tested, tested_labels))
