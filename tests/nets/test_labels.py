import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.errors import UsageError
from gan_jax.nets import labels


def test_beside_vectors_and_images():
    classes = jnp.array([2, 0])
    rows = labels.append_labels(jnp.array([[5.0], [6.0]]), classes, 3)
    np.testing.assert_array_equal(rows, [[5, 0, 0, 1], [6, 1, 0, 0]])
    planes = labels.append_label_planes(jnp.full((2, 2, 3, 1), 7.0), classes, 3)
    assert planes.shape == (2, 2, 3, 4)
    np.testing.assert_array_equal(planes[0], np.tile([7.0, 0, 0, 1], (2, 3, 1)))
    np.testing.assert_array_equal(planes[1], np.tile([7.0, 1, 0, 0], (2, 3, 1)))


def test_no_labels_change_nothing():
    x = jnp.ones((2, 2, 2, 1))
    assert labels.append_label_planes(x, None, 3) is x and labels.append_labels(x, None, 3) is x


def test_type_is_kept():
    classes = jnp.array([2, 0])
    assert labels.append_labels(jnp.ones((2, 1), jnp.bfloat16), classes, 3).dtype == jnp.bfloat16
    assert labels.append_label_planes(jnp.ones((2, 1, 1, 1), jnp.bfloat16), classes, 3).dtype == jnp.bfloat16


def test_labels_of_no_classes():
    with pytest.raises(UsageError, match="classes=0: a network with labels needs the number of classes"):
        labels.append_labels(jnp.ones((2, 1)), jnp.array([0, 1]), 0)
