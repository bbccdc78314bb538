"""Checks of the arrays that metrics read: shape, finite values and number of samples."""

import numpy as np
from jax.typing import ArrayLike

from gan_jax.errors import UsageError


def _finite(name, array):
    """The array as float64, or a UsageError that names the first sample that is not finite."""
    array = np.asarray(array, np.float64)
    broken = ~np.isfinite(array).reshape(len(array), -1).all(axis=1)
    if broken.any():
        first = f"the first is sample {broken.argmax()}"
        raise UsageError(f"{name}: {broken.sum()} of {len(array)} samples are NaN or infinite, {first}")
    return array


def matrices(*, minimum: int = 1, **arrays: ArrayLike) -> list[np.ndarray]:
    """Features or class logits as float64 matrices of one width.

    Args:
        minimum: Least number of samples of each array.
        **arrays: [N, D] by the name for messages; N may differ, D may not.

    Returns:
        List of float64 NumPy arrays [N, D], in the order of the arguments.

    Raises:
        UsageError: An array is not a matrix, has too few samples, is not finite, or has another width.
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
        listed = ", ".join(f"{name} {width}" for name, width in widths.items())
        raise UsageError(f"expected sets of equally many features per sample, got {listed}")
    return [_finite(name, array) for name, array in arrays.items()]


def vectors(**arrays: ArrayLike) -> list[np.ndarray]:
    """One number per sample as float64 vectors.

    Args:
        **arrays: [N], N at least 1, by the name for messages; N may differ.

    Returns:
        List of float64 NumPy arrays [N], in the order of the arguments.

    Raises:
        UsageError: An array is not a vector, is empty, or is not finite.
    """
    for name, array in arrays.items():
        shape = np.shape(array)
        if len(shape) != 1 or shape[0] == 0:
            raise UsageError(f"{name}: expected one number per sample, [N], got an array of shape {shape}")
    return [_finite(name, array) for name, array in arrays.items()]


def labels(name: str, array: ArrayLike, count: int | None = None, classes: int | None = None) -> np.ndarray:
    """Class labels as an integer vector.

    Args:
        name: Their name for messages.
        array: Integers [N], at least 0.
        count: The expected N; None accepts any N of at least 1.
        classes: Number of class logits; labels must be below it. None accepts any label.

    Returns:
        int64 NumPy array [N].

    Raises:
        UsageError: The shape or number differs from the expected one, or a label is not an integer, is
            negative, or has no logit.
    """
    values = np.asarray(array)
    if values.ndim != 1 or len(values) == 0 or count not in (None, len(values)):
        shape = "[N]" if count is None else f"[{count}]"
        raise UsageError(
            f"{name}: expected one label per sample, {shape}, got an array of shape {values.shape}"
        )
    if not np.issubdtype(values.dtype, np.integer) or values.min() < 0:
        raise UsageError(f"{name}: expected integers from 0 on, got {values.dtype} from {values.min()} on")
    if classes is not None and values.max() >= classes:
        raise UsageError(f"{name}: expected labels below {classes}, the number of logits, got {values.max()}")
    return values.astype(np.int64)
