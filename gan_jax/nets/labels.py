"""Labels as one-hot vectors beside a network's input: Mirza and Osindero 2014, arXiv:1411.1784."""

import jax
import jax.numpy as jnp

from gan_jax.errors import UsageError


def one_hot(labels: jax.Array, classes: int) -> jax.Array:
    """Labels as vectors with a single one.

    Args:
        labels: int32 [B].
        classes: Number of classes.

    Returns:
        float32 [B, classes].

    Raises:
        UsageError: The number of classes is below 1.
    """
    if classes < 1:
        raise UsageError(f"classes={classes}: a network with labels needs the number of classes")
    return jax.nn.one_hot(labels, classes)


def append_labels(x: jax.Array, labels: jax.Array | None, classes: int) -> jax.Array:
    """Appends one-hot labels to vectors, as in section 3.2 of the paper.

    Args:
        x: [B, F].
        labels: int32 [B], or None: x stays as it is.
        classes: Number of classes.

    Returns:
        [B, F + classes], or x.
    """
    if labels is None:
        return x
    return jnp.concatenate([x, one_hot(labels, classes).astype(x.dtype)], axis=-1)


def append_label_planes(images: jax.Array, labels: jax.Array | None, classes: int) -> jax.Array:
    """Appends one-hot labels to images as channels, the same at every pixel.

    The paper's networks are fully connected; this is the form for convolutions.

    Args:
        images: [B, H, W, C].
        labels: int32 [B], or None: the images stay as they are.
        classes: Number of classes.

    Returns:
        [B, H, W, C + classes], or the images.
    """
    if labels is None:
        return images
    planes = one_hot(labels, classes).astype(images.dtype)[:, None, None, :]
    planes = jnp.broadcast_to(planes, (*images.shape[:3], classes))
    return jnp.concatenate([images, planes], axis=-1)
