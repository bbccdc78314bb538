"""Every mistake in the arrays of a metric is one line that says what was given and expected."""

import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.errors import UsageError
from gan_jax.metrics import checks

GOOD = np.arange(6.0).reshape(3, 2)


def test_matrices_become_float64_in_the_order_given():
    first, second = checks.matrices(b=jnp.asarray(GOOD, jnp.bfloat16), a=np.ones((1, 2), np.uint8))
    assert first.dtype == second.dtype == np.float64
    np.testing.assert_array_equal(first, GOOD)
    np.testing.assert_array_equal(second, [[1.0, 1.0]])


NAN, INFINITE = GOOD.copy(), GOOD.copy()
NAN[1:, 0] = np.nan
INFINITE[2, 1] = -np.inf


@pytest.mark.parametrize(
    "arrays, message",
    [
        (dict(x=np.ones(3)), r"x: expected one row per sample, [N, D], got an array of shape (3,)"),
        (dict(x=GOOD, y=GOOD[:1]), r"y: expected at least 2 samples, got 1"),
        (dict(x=NAN), r"x: 2 of 3 samples are NaN or infinite, the first is sample 1"),
        (dict(x=GOOD, y=INFINITE), r"y: 1 of 3 samples are NaN or infinite, the first is sample 2"),
        (dict(x=GOOD, y=GOOD.T), r"expected sets of equally many features per sample, got x 2, y 3"),
    ],
)
def test_matrices_name_the_mistake(arrays, message):
    with pytest.raises(UsageError) as error:
        checks.matrices(minimum=2, **arrays)
    assert str(error.value) == message


@pytest.mark.parametrize(
    "array, message",
    [
        (GOOD, "x: expected one number per sample, [N], got an array of shape (3, 2)"),
        ([], "x: expected one number per sample, [N], got an array of shape (0,)"),
        ([0.0, np.inf], "x: 1 of 2 samples are NaN or infinite, the first is sample 1"),
    ],
)
def test_vectors_name_the_mistake(array, message):
    with pytest.raises(UsageError) as error:
        checks.vectors(x=array)
    assert str(error.value) == message


def test_vectors_become_float64():
    (vector,) = checks.vectors(x=jnp.asarray([1, 2]))
    assert vector.dtype == np.float64 and vector.tolist() == [1.0, 2.0]


@pytest.mark.parametrize(
    "array, count, message",
    [
        ([0, 1], 3, "x: expected one label per sample, [3], got an array of shape (2,)"),
        ([[0], [1]], 2, "x: expected one label per sample, [2], got an array of shape (2, 1)"),
        ([], None, "x: expected one label per sample, [N], got an array of shape (0,)"),
        ([0, -1], None, "x: expected integers from 0 on, got int64 from -1 on"),
        ([0.0, 1.0], 2, "x: expected integers from 0 on, got float64 from 0.0 on"),
    ],
)
def test_labels_name_the_mistake(array, count, message):
    with pytest.raises(UsageError) as error:
        checks.labels("x", array, count)
    assert str(error.value) == message


def test_labels_become_int64():
    labels = checks.labels("x", jnp.asarray([3, 0], jnp.uint8), 2)
    assert labels.dtype == np.int64 and labels.tolist() == [3, 0]
