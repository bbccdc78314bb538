"""Functions of many rows, so many at a time."""

import jax
import numpy as np


def in_chunks(function, rows, size):
    """What a function makes of rows, a fixed number at a time, so that one compiled program does for all.

    Args:
        function: `(chunk, start) -> array [size, ...]`, each row on its own; `start` is the first row.
        rows: Array [N, ...], N at least 1.
        size: Rows a call. The last call is filled up with the first rows.

    Returns:
        NumPy array [N, ...].
    """
    places = np.arange(-(-len(rows) // size) * size) % len(rows)
    parts = [function(rows[places[at : at + size]], at) for at in range(0, len(places), size)]
    return np.concatenate(jax.device_get(parts))[: len(rows)]
