import io

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

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
    grid = images.grid(tiles, columns=2, scale=1, line=0)[..., 0]
    np.testing.assert_array_equal(grid, [[1, 2], [3, 4], [5, 6]])


def test_grid_places_tiles_row_by_row_with_lines_between():
    tiles = np.arange(3, dtype=np.uint8)[:, None, None, None] * np.ones((1, 2, 2, 1), np.uint8) + 1
    np.testing.assert_array_equal(
        images.grid(tiles, scale=1, line=1, shade=9)[..., 0],
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


def test_grid_shows_a_pixel_as_a_square():
    tiles = np.array([[[[1], [2]]], [[[3], [4]]]], np.uint8)  # Two images of one row.
    np.testing.assert_array_equal(
        images.grid(tiles, columns=1, scale=2, line=1, shade=9)[..., 0],
        [
            [9, 9, 9, 9, 9, 9],
            [9, 1, 1, 2, 2, 9],
            [9, 1, 1, 2, 2, 9],
            [9, 9, 9, 9, 9, 9],
            [9, 3, 3, 4, 4, 9],
            [9, 3, 3, 4, 4, 9],
            [9, 9, 9, 9, 9, 9],
        ],
    )


@pytest.mark.parametrize(
    "height, width, rows, columns, expected",
    [
        (64, 64, 8, 8, 1),
        (65, 100, 1, 1, 1),
        (63, 64, 1, 1, 2),
        (28, 28, 8, 8, 3),  # 84 pixels.
        (32, 32, 8, 8, 2),
        (16, 24, 2, 2, 4),  # The shorter side counts.
        (1, 1, 2, 2, 64),
        (28, 28, 32, 32, 2),  # 3 * 28 * 32 are more than 2,048.
        (28, 28, 100, 100, 1),  # Larger than a screen as it is.
        (4, 1000, 16, 1, 2),  # 3 * 1,000 are more than 2,048.
    ],
)
def test_small_tiles_are_enlarged_until_they_can_be_seen(height, width, rows, columns, expected):
    assert images.visible_scale(height, width, rows, columns) == expected
    if rows * columns < 65:
        shape = images.grid(
            np.zeros((rows * columns, height, width, 1), np.uint8), columns=columns, line=0
        ).shape
        assert shape == (rows * height * expected, columns * width * expected, 1)


def test_an_animation_has_the_pictures_in_order():
    pictures = [
        np.full((4, 6, channels), shade, np.uint8) for channels, shade in ((1, 10), (3, 200), (1, 90))
    ]
    file = io.BytesIO()
    images.save_animation(file, pictures, [30, 40, 50], lossless=True)
    film = Image.open(file)
    assert film.size == (6, 4) and film.n_frames == 3 and film.info["loop"] == 0
    for number, (shade, duration) in enumerate(((10, 30), (200, 40), (90, 50))):
        film.seek(number)
        assert np.all(np.asarray(film.convert("RGB")) == shade) and film.info["duration"] == duration


def test_a_picture_is_written_completely_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "grids" / "step_0000010.png"
    images.save(path, np.zeros((4, 6, 1), np.uint8))
    before = path.read_bytes()

    def full(self, file, **options):
        file.write(b"\x89PNG")
        raise OSError("no space left on device")

    monkeypatch.setattr(Image.Image, "save", full)
    with pytest.raises(OSError, match="no space"):
        images.save(path, np.ones((4, 6, 3), np.uint8))
    assert path.read_bytes() == before and list(path.parent.iterdir()) == [path]
