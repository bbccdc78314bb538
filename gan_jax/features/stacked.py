"""A classifier of single digits, applied to digits that are stacked as the channels of an image."""

import itertools

import jax.numpy as jnp

from gan_jax.features.types import Features


def stacked(digits: Features, channels: int = 3, padding: int = 0) -> Features:
    """Features of every channel by a classifier of single digits.

    Srivastava et al. 2017, arXiv:1705.07761, section 5: a mode is the classes of the three digits by the
    classifier.

    Args:
        digits: Features with `class_logits` [B, K] of images of one channel.
        channels: Digits per image.
        padding: Black pixels around each digit, which are cut off, since the classifier was trained without.

    Returns:
        The Features: `features` of all channels side by side, and `class_logits` [B, K ** channels], sums of
        the digits' logits, whose largest is that of the most probable digits, the first the most significant.
    """

    def apply(params, images):
        count, height, width, _ = images.shape
        inner = images[:, padding : height - padding, padding : width - padding]
        planes = jnp.moveaxis(inner, -1, 0).reshape(-1, *inner.shape[1:3], 1)
        outputs = digits.apply(params, planes)
        features, logits = (
            outputs[name].reshape(channels, count, -1) for name in ("features", "class_logits")
        )
        sums = itertools.accumulate(logits, lambda left, right: _sums(left, right))
        return {"features": jnp.concatenate(features, axis=-1), "class_logits": list(sums)[-1]}

    return digits._replace(name=f"{digits.name}, by channel", apply=apply)


def _sums(left, right):
    """Sums of all pairs, [B, K] and [B, L] to [B, K * L]."""
    return (left[:, :, None] + right[:, None, :]).reshape(left.shape[0], -1)
