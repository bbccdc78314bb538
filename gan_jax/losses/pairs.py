"""Helpers of losses that compare samples."""

import jax
import jax.numpy as jnp

from gan_jax.errors import UsageError


def pair(left: jax.Array, right: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Both as float32, of one shape: [B] beside [B, 1] would silently become [B, B].

    Args:
        left: Array [B, ...].
        right: Array of the same shape.

    Returns:
        Both as float32.

    Raises:
        ValueError: They have different shapes.
    """
    left, right = jnp.float32(left), jnp.float32(right)
    if left.shape != right.shape:
        raise ValueError(f"expected two arrays of one shape, got {left.shape} and {right.shape}")
    return left, right


def flat_pair(left: jax.Array, right: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Features of both as float32 [B, D], of one shape; see `pair`."""
    left, right = pair(left, right)
    return left.reshape(len(left), -1), right.reshape(len(right), -1)


def mean_of_others(matrix: jax.Array) -> jax.Array:
    """Mean of each row of a square matrix without its diagonal.

    Args:
        matrix: [B, B], B at least 2.

    Returns:
        [B].

    Raises:
        UsageError: Fewer than two samples.
    """
    count = len(matrix)
    if count < 2:
        raise UsageError(f"a loss that compares samples of a batch needs at least 2 of them, not {count}")
    return (jnp.sum(matrix, axis=1) - jnp.diagonal(matrix)) / (count - 1)


def check_labelled(predictions: jax.Array, label: jax.Array) -> None:
    """Makes sure that each prediction is of one sample with one label.

    Args:
        predictions: Class logits or embeddings, [n, ...].
        label: Classes, int32 [B].

    Raises:
        UsageError: n is not B.
    """
    if len(predictions) != len(label):
        raise UsageError(
            f"a loss of classes: expected a prediction for each of {len(label)} labels, got "
            f"{len(predictions)}; a pack of samples has no single label"
        )


def of_labelled(values: jax.Array, label: jax.Array) -> jax.Array:
    """A loss of classes without the samples that have no class: their values are 0.

    Args:
        values: One per sample, [B].
        label: Classes, int32 [B]; below 0 without a class, as data sets mark unlabelled rows.

    Returns:
        [B].
    """
    return jnp.where(label >= 0, values, 0.0)
