"""What metrics ask of their arrays: shape, finite values and number of samples, or one clear line."""

import numpy as np

from gan_jax.errors import UsageError


def _finite(name, array):
    """The array as float64, or a UsageError that says where it is not finite."""
    array = np.asarray(array, np.float64)
    broken = ~np.isfinite(array).reshape(len(array), -1).all(axis=1)
    if broken.any():
        first = f"the first is sample {broken.argmax()}"
        raise UsageError(f"{name}: {broken.sum()} of {len(array)} samples are NaN or infinite, {first}")
    return array


def matrices(*, minimum=1, **arrays):
    """Features or class logits as float64 matrices of one width.

    Args:
        minimum: Samples that each must have at least.
        **arrays: [N, D] by the name that a message calls it; N may differ, D may not.

    Returns:
        List of float64 NumPy arrays [N, D], in the order given.

    Raises:
        UsageError: An array is not a matrix, is too short, is not finite, or has another width.
    """
    widths = {}
    for name, array in arrays.items():
        shape = np.shape(array)
        if len(shape) != 2:
            raise UsageError(f"{name}: expected one row per sample, [N, D], got an array of shape {shape}")
        if shape[0] < minimum:
            raise UsageError(f"{name}: expected at least {minimum} samples, got {shape[0]}")
        widths[name] = shape[1]
    if len(set(widths.values())) > 1:
        given = ", ".join(f"{name} {width}" for name, width in widths.items())
        raise UsageError(f"expected sets of equally many features per sample, got {given}")
    return [_finite(name, array) for name, array in arrays.items()]


def vectors(**arrays):
    """One number per sample as float64 vectors.

    Args:
        **arrays: [N], N at least 1, by the name that a message calls it; N may differ.

    Returns:
        List of float64 NumPy arrays [N], in the order given.

    Raises:
        UsageError: An array is not a vector, is empty, or is not finite.
    """
    for name, array in arrays.items():
        shape = np.shape(array)
        if len(shape) != 1 or shape[0] == 0:
            raise UsageError(f"{name}: expected one number per sample, [N], got an array of shape {shape}")
    return [_finite(name, array) for name, array in arrays.items()]


def labels(name, array, count=None, classes=None):
    """Class labels as an integer vector.

    Args:
        name: What a message calls them.
        array: Integers [N], at least 0.
        count: The N expected; None takes any from 1 on.
        classes: Number of class logits that they must fit; None for any.

    Returns:
        int64 NumPy array [N].

    Raises:
        UsageError: Another shape or number than expected, no integers, a negative label, or one that no
            logit is for.
    """
    array = np.asarray(array)
    if array.ndim != 1 or len(array) == 0 or count not in (None, len(array)):
        wanted = "[N]" if count is None else f"[{count}]"
        raise UsageError(
            f"{name}: expected one label per sample, {wanted}, got an array of shape {array.shape}"
        )
    if not np.issubdtype(array.dtype, np.integer) or array.min() < 0:
        raise UsageError(f"{name}: expected integers from 0 on, got {array.dtype} from {array.min()} on")
    if classes is not None and array.max() >= classes:
        raise UsageError(f"{name}: expected classes below the {classes} logits, got {array.max()}")
    return array.astype(np.int64)
