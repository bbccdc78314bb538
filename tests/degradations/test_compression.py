"""JPEG on arrays shows what Pillow's decoder shows of Pillow's file."""

import io
import os

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import sklearn
from PIL import Image

from gan_jax.degradations import compression, jpeg
from gan_jax.errors import UsageError

# No multiples of a block.
PHOTO = Image.open(os.path.join(os.path.dirname(sklearn.__file__), "datasets", "images", "china.jpg")).crop(
    (100, 100, 203, 173)
)
COMPRESSED = jax.jit(compression.compressed)


@pytest.mark.parametrize("mode, mean", [("RGB", 1.2), ("L", 0.5)])
def test_pixels_are_those_of_pillow(mode, mean):
    levels = np.asarray(PHOTO.convert(mode), np.float32).reshape(73, 103, -1)
    for quality in (15, 50, 90):
        file = io.BytesIO()
        PHOTO.convert(mode).save(file, "JPEG", quality=quality, subsampling="4:2:0")
        expected = np.asarray(Image.open(file), np.float32).reshape(levels.shape)
        found = (np.asarray(COMPRESSED(levels / 127.5 - 1, quality)) + 1) * 127.5
        assert np.abs(found - expected).mean() < mean
        # Much nearer than the image before it.
        assert np.abs(found - expected).mean() < 0.2 * np.abs(levels - expected).mean()


def test_tables_are_those_of_a_file():
    for quality in (10, 50, 77, 100):
        file = io.BytesIO()
        PHOTO.save(file, "JPEG", quality=quality)
        written = Image.open(file).quantization
        for number, standard in enumerate((compression.LUMINANCE, compression.CHROMINANCE)):
            np.testing.assert_array_equal(compression.table(standard, quality).ravel(), written[number])


def test_it_can_be_differentiated():
    image = jnp.asarray(np.asarray(PHOTO, np.float32)[:16, :16] / 127.5 - 1)
    slope = jax.jit(jax.grad(lambda x: jnp.sum(compression.compressed(0.9 * x, 60) * image)))(image)
    assert np.isfinite(slope).all() and np.mean(np.abs(slope)) > 0.05


def test_qualities_out_of_range_are_refused():
    with pytest.raises(
        UsageError, match=r"data.degrade.jpeg.quality=\(0, 95\): expected numbers from 1 to 100"
    ):
        jpeg(quality=(0, 95))
