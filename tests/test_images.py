import jax
import jax.numpy as jnp
import numpy as np

from gan_jax import images


def test_bytes_survive_the_way_to_floats_and_back():
    every = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1)
    floats = images.to_float(every)
    assert floats.min() == -1.0 and floats.max() == 1.0
    np.testing.assert_array_equal(images.to_uint8(floats), every)


def test_values_outside_are_clipped():
    np.testing.assert_array_equal(images.to_uint8(jnp.array([-7.0, 0.0, 1.5])), [0, 128, 255])


def test_flip_mirrors_about_half_of_the_images_and_leaves_the_rest():
    batch = jnp.arange(400 * 3, dtype=jnp.float32).reshape(400, 1, 3, 1)
    flipped = images.random_flip(jax.random.key(0), batch)
    same = np.all(flipped == batch, axis=(1, 2, 3))
    mirrored = np.all(flipped == batch[:, :, ::-1], axis=(1, 2, 3))
    assert np.all(same ^ mirrored)
    assert 150 < mirrored.sum() < 250


def test_grid_of_so_many_columns():
    tiles = np.arange(1, 7, dtype=np.uint8)[:, None, None, None]
    grid = images.grid(tiles, columns=2, line=0)[..., 0]
    np.testing.assert_array_equal(grid, [[1, 2], [3, 4], [5, 6]])


def test_grid_places_tiles_row_by_row_with_lines_between():
    tiles = np.arange(3, dtype=np.uint8)[:, None, None, None] * np.ones((1, 2, 2, 1), np.uint8) + 1
    np.testing.assert_array_equal(
        images.grid(tiles, line=1, shade=9)[..., 0],
        [
            [9, 9, 9, 9, 9, 9, 9],
            [9, 1, 1, 9, 2, 2, 9],
            [9, 1, 1, 9, 2, 2, 9],
            [9, 9, 9, 9, 9, 9, 9],
            [9, 3, 3, 9, 9, 9, 9],
            [9, 3, 3, 9, 9, 9, 9],
            [9, 9, 9, 9, 9, 9, 9],
        ],
    )
