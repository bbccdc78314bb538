"""Rows go through a function a fixed number at a time and come back in their order."""

import jax
import numpy as np
import pytest

from gan_jax.runtime.chunks import in_chunks


@pytest.mark.parametrize("count, starts", [(3, [0]), (4, [0]), (9, [0, 4, 8])])
def test_every_call_has_one_size(count, starts):
    rows, called = np.arange(2.0 * count).reshape(count, 2), []

    def function(chunk, start):
        assert chunk.shape == (4, 2)
        called.append(start)
        return 10 * chunk[:, :1]

    np.testing.assert_array_equal(in_chunks(function, rows, 4), 10 * rows[:, :1])
    assert called == starts


def test_one_trace():
    traced = []

    @jax.jit
    def function(chunk):
        traced.append(1)
        return chunk + 1

    result = in_chunks(lambda chunk, start: function(chunk), np.arange(10), 4)
    assert isinstance(result, np.ndarray) and len(traced) == 1
    np.testing.assert_array_equal(result, np.arange(1, 11))
