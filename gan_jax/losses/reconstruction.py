"""Reconstruction losses: how far a prediction is from its target. One value per sample, float32 [B].

Distances are means over a sample's entries, so that weights do not depend on the resolution. A game outputs
their parameters under these names: `prediction` and `target`; `source` and `target`, each also after a round
trip (`cycled_`) and after the generator of its own domain (`identity_`); `features`, the function of a fixed
network whose arrays live in a carry; `real_layers` and `fake_layers`, what a discriminator's layers see.
"""

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp

from gan_jax.errors import unknown
from gan_jax.losses.pairs import pair

__all__ = [
    "l1",
    "l2",
    "euclidean",
    "charbonnier",
    "cycle_consistency",
    "identity_mapping",
    "total_variation",
    "kl_to_standard_normal",
    "perceptual",
    "gram_matrix",
    "gram",
    "hole_l1",
    "hole_l2",
    "layer_matching",
]


def _difference(prediction, target):
    """Prediction minus target, float32 [B, ...], of two arrays of one shape."""
    prediction, target = pair(prediction, target)
    return prediction - target


def _mean(each):
    """Mean over all but the first axis, [B]."""
    return jnp.mean(each, axis=tuple(range(1, each.ndim)))


def l1(prediction: jax.Array, target: jax.Array) -> jax.Array:
    """Mean absolute error.

    Isola et al. 2016, arXiv:1611.07004, eq. 3 (pix2pix, weight 100).

    Args:
        prediction: Predicted samples, [B, ...].
        target: Their targets, [B, ...].

    Returns:
        One loss per sample, float32 [B], at least 0, in units of the samples.
    """
    return _mean(jnp.abs(_difference(prediction, target)))


def l2(prediction: jax.Array, target: jax.Array) -> jax.Array:
    """Mean squared error.

    Pathak et al. 2016, arXiv:1604.07379, eq. 1 (context encoder), as a mean over entries.

    Args:
        prediction: Predicted samples, [B, ...].
        target: Their targets, [B, ...].

    Returns:
        One loss per sample, float32 [B], at least 0.
    """
    return _mean(jnp.square(_difference(prediction, target)))


def euclidean(prediction: jax.Array, target: jax.Array, *, epsilon: float = 1e-12) -> jax.Array:
    """Euclidean distance: the root of the summed squares.

    Zhao et al. 2016, arXiv:1609.03126, section 2.3: the energy of EBGAN, whose margins are in these units.

    Args:
        prediction: Predicted samples, [B, ...].
        target: Their targets, [B, ...].
        epsilon: Added to the squared distance, so that it has a derivative where the two are equal.

    Returns:
        One loss per sample, float32 [B], at least 0; unlike the others here it grows with the resolution.
    """
    difference = _difference(prediction, target)
    return jnp.sqrt(jnp.sum(jnp.square(difference), axis=tuple(range(1, difference.ndim))) + epsilon)


def charbonnier(prediction: jax.Array, target: jax.Array, *, epsilon: float = 1e-3) -> jax.Array:
    """Mean absolute error, smooth near zero.

    Lai et al. 2017, arXiv:1704.03915, eq. 3 (LapSRN), as a mean over entries.

    Args:
        prediction: Predicted samples, [B, ...].
        target: Their targets, [B, ...].
        epsilon: Value at a difference of zero, in units of the samples, above 0.

    Returns:
        One loss per sample, float32 [B], at least epsilon.
    """
    return _mean(jnp.sqrt(jnp.square(_difference(prediction, target)) + epsilon**2))


def cycle_consistency(
    source: jax.Array, cycled_source: jax.Array, target: jax.Array, cycled_target: jax.Array
) -> jax.Array:
    """Mean absolute error of samples of two domains after a round trip through the other domain.

    Zhu et al. 2017, arXiv:1703.10593, eq. 2 (CycleGAN, weight 10): the sum over both directions.

    Args:
        source: Samples of the first domain, [B, ...].
        cycled_source: The same, translated to the second domain and back, [B, ...].
        target: Samples of the second domain, [B, ...].
        cycled_target: The same, translated to the first domain and back, [B, ...].

    Returns:
        One loss per pair of samples, float32 [B], at least 0.
    """
    return l1(cycled_source, source) + l1(cycled_target, target)


def identity_mapping(
    source: jax.Array, identity_source: jax.Array, target: jax.Array, identity_target: jax.Array
) -> jax.Array:
    """Mean absolute change of samples that are translated to their own domain.

    Zhu et al. 2017, arXiv:1703.10593, section 5.2 (CycleGAN, weight 5, half of the cycle's).

    Args:
        source: Samples of the first domain, [B, ...].
        identity_source: The same after the generator of the first domain, [B, ...].
        target: Samples of the second domain, [B, ...].
        identity_target: The same after the generator of the second domain, [B, ...].

    Returns:
        One loss per pair of samples, float32 [B], at least 0.
    """
    return l1(identity_source, source) + l1(identity_target, target)


def total_variation(prediction: jax.Array) -> jax.Array:
    """Mean absolute difference between neighbouring pixels, down plus across.

    Rudin et al. 1992, Physica D 60, eq. 2.2b, in the anisotropic form of Mahendran and Vedaldi 2014,
    arXiv:1412.0035, section 3, as means over neighbours.

    Args:
        prediction: Images, [B, H, W, C], H and W at least 2.

    Returns:
        One loss per image, float32 [B], at least 0.
    """
    images = jnp.float32(prediction)
    down, across = jnp.diff(images, axis=1), jnp.diff(images, axis=2)
    return _mean(jnp.abs(down)) + _mean(jnp.abs(across))


def kl_to_standard_normal(mean: jax.Array, log_variance: jax.Array) -> jax.Array:
    """Divergence of a normal distribution with diagonal covariance from the standard normal one.

    Kingma and Welling 2013, arXiv:1312.6114, appendix B (variational autoencoder).

    Args:
        mean: Means, [B, ...].
        log_variance: Natural logarithms of variances, [B, ...].

    Returns:
        One loss per sample, a sum over dimensions in nats, float32 [B], at least 0.
    """
    mean, log_variance = pair(mean, log_variance)
    each = jnp.square(mean) + jnp.expm1(log_variance) - log_variance
    return 0.5 * jnp.sum(each, axis=tuple(range(1, each.ndim)))


def _over_layers(distance, features, prediction, target, weights=None):
    """Weighted sum over the maps of the features of `distance(map of prediction, map of target)`, [B]."""
    each = jax.tree.map(distance, features(prediction), features(target))
    if weights is None:
        return sum(jax.tree.leaves(each))
    for layer in weights:
        if layer not in each:
            raise unknown("weights", layer, each, shown=len(each))
    return sum(weight * each[layer] for layer, weight in weights.items())


def perceptual(
    prediction: jax.Array,
    target: jax.Array,
    features: Callable[[jax.Array], Any],
    *,
    distance: Callable[[jax.Array, jax.Array], jax.Array] = l2,
    weights: Mapping[str, float] | None = None,
) -> jax.Array:
    """Distance of feature maps, summed over layers.

    Johnson et al. 2016, arXiv:1603.08155, eq. 2. SRGAN has `l2` of VGG's relu5_4 (arXiv:1609.04802, eq. 5),
    ESRGAN `l1` of conv5_4, before its ReLU (arXiv:1809.00219, section 3.3), pix2pixHD `l1` of relu1_1 to
    relu5_1 with weights 1/32, 1/16, 1/8, 1/4, 1 (arXiv:1711.11585, section 3.4), Real-ESRGAN `l1` of conv1_2,
    conv2_2, conv3_4, conv4_4 and conv5_4 with weights 0.1, 0.1, 1, 1, 1 (arXiv:2107.10833, section 4.1).

    Args:
        prediction: Predicted images, [B, H, W, C].
        target: Their targets, [B, H, W, C].
        features: Function from images to a pytree of feature maps, each [B, ...]: one leaf per layer.
        distance: Function of two maps that returns [B]: `l2`, `l1`, `charbonnier`, or any other.
        weights: Weight of each layer that counts, by its name in the dict that `features` returns; None for
            all, each with weight 1.

    Returns:
        One loss per image, float32 [B], at least 0.

    Raises:
        UsageError: A weight of a layer that the features do not have.
    """
    return _over_layers(distance, features, prediction, target, weights)


def gram_matrix(features: jax.Array) -> jax.Array:
    """Products of a feature map's channels, averaged over positions and divided by their number.

    Johnson et al. 2016, arXiv:1603.08155, eq. 3.

    Args:
        features: Feature maps, [B, ..., C].

    Returns:
        Symmetric matrices, float32 [B, C, C].
    """
    flat = jnp.float32(features).reshape(features.shape[0], -1, features.shape[-1])
    products = jnp.einsum("bpc,bpd->bcd", flat, flat, precision="highest")
    return products / (flat.shape[1] * flat.shape[2])


def gram(
    prediction: jax.Array,
    target: jax.Array,
    features: Callable[[jax.Array], Any],
    *,
    weights: Mapping[str, float] | None = None,
) -> jax.Array:
    """Squared distance between Gram matrices of feature maps, summed over layers: the style loss.

    Johnson et al. 2016, arXiv:1603.08155, eq. 4, after Gatys et al. 2015, arXiv:1508.06576.

    Args:
        prediction: Predicted images, [B, H, W, C].
        target: Images of the target style, [B, H, W, C].
        features: Function from images to a pytree of feature maps, each [B, ..., C]: one leaf per layer.
        weights: As in `perceptual`.

    Returns:
        One loss per image, float32 [B], at least 0.

    Raises:
        UsageError: A weight of a layer that the features do not have.
    """

    def distance(left, right):
        return jnp.sum(jnp.square(gram_matrix(left) - gram_matrix(right)), axis=(1, 2))

    return _over_layers(distance, features, prediction, target, weights)


def _mean_in_hole(each, mask):
    """Mean over the entries of a hole, [B]; 0 without one."""
    mask = jnp.broadcast_to(jnp.float32(mask), each.shape)
    axes = tuple(range(1, each.ndim))
    return jnp.sum(mask * each, axis=axes) / jnp.maximum(jnp.sum(mask, axis=axes), 1.0)


def hole_l1(prediction: jax.Array, target: jax.Array, mask: jax.Array) -> jax.Array:
    """Mean absolute error inside of a hole, over its area, so that small holes count as much as large ones.

    Liu et al. 2018, arXiv:1804.07723, eq. 1 (partial convolutions, weight 6, and 1 outside), whose mean is
    over the whole image.

    Args:
        prediction: Predicted images, [B, H, W, C].
        target: Their targets, [B, H, W, C].
        mask: 1 in the hole and 0 outside, [B, H, W, 1].

    Returns:
        One loss per image, float32 [B], at least 0; 0 for an image without a hole.
    """
    return _mean_in_hole(jnp.abs(_difference(prediction, target)), mask)


def hole_l2(prediction: jax.Array, target: jax.Array, mask: jax.Array) -> jax.Array:
    """Mean squared error inside of a hole, over its area.

    Pathak et al. 2016, arXiv:1604.07379, eq. 1 (context encoder, weight 0.999).

    Args:
        prediction: Predicted images, [B, H, W, C].
        target: Their targets, [B, H, W, C].
        mask: 1 in the hole and 0 outside, [B, H, W, 1].

    Returns:
        One loss per image, float32 [B], at least 0; 0 for an image without a hole.
    """
    return _mean_in_hole(jnp.square(_difference(prediction, target)), mask)


def layer_matching(real_layers: Any, fake_layers: Any) -> jax.Array:
    """Mean absolute error of features that a discriminator sees in fakes and in their targets, over layers.

    Wang et al. 2017, arXiv:1711.11585, eq. 4 (pix2pixHD, weight 10); for the generator of a game in which
    each fake has a target.

    Args:
        real_layers: Features of real samples, any pytree of arrays [B, ...]: one leaf per layer.
        fake_layers: Features of fakes, of the same structure and shapes.

    Returns:
        One loss per sample, float32 [B], at least 0.
    """
    each = jax.tree.leaves(jax.tree.map(l1, fake_layers, real_layers))
    return jnp.sum(jnp.stack(each), axis=0)
