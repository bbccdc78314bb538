"""Functions of many rows, applied to a fixed number of rows at a time."""

from collections.abc import Callable

import jax
import numpy as np


def in_chunks(function: Callable[[np.ndarray, int], jax.Array], rows: np.ndarray, size: int) -> np.ndarray:
    """Applies a function to rows in chunks of one size, so that it is compiled once.

    Args:
        function: `(chunk, start) -> array [size, ...]`, each row independent; `start` is the first row.
        rows: Array [N, ...], N at least 1.
        size: Rows per call. The last call is filled up with the first rows.

    Returns:
        Results [N, ...].
    """
    places = np.arange(-(-len(rows) // size) * size) % len(rows)
    parts = [function(rows[places[at : at + size]], at) for at in range(0, len(places), size)]
    return np.concatenate(jax.device_get(parts))[: len(rows)]
