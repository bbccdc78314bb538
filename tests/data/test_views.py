"""Crops, mirror images and degradations of rows: joint and random in training, fixed elsewhere."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

from gan_jax import build, degradations
from gan_jax.data import views
from gan_jax.data.source import Source, row
from gan_jax.errors import UsageError
from gan_jax.types import Degradation

COUNT = 40


def _halved(image):
    """Means of 2x2 pixels, uint8 where the image is."""
    height, width, channels = image.shape[-3:]
    return image.reshape(*image.shape[:-3], height // 2, 2, width // 2, 2, channels).mean((-4, -2))


def _pairs(height=12, width=16, scale=1):
    """Rows whose pixels say where they are: row, column, number; a source of each `scale`-th."""
    places = np.stack(np.meshgrid(np.arange(height), np.arange(width), indexing="ij"), -1)

    def read(rows):
        numbers = np.broadcast_to(np.asarray(rows)[:, None, None, None], (len(rows), height, width, 1))
        real = np.concatenate([np.tile(places, (len(rows), 1, 1, 1)), numbers], -1).astype(np.uint8)
        return {"real": real, "source": real[:, ::scale, ::scale], "label": np.zeros(len(rows), np.int32)}

    shapes = {"real": (height, width, 3), "source": (height // scale, width // scale, 3)}
    spec = {name: row(shape, np.uint8) for name, shape in shapes.items()} | {"label": row((), np.int32)}
    facts = {"modality": "images", "class_names": ("0",), "paired": "all"}
    return Source("pairs", COUNT, spec, facts, read)


def _levels(floats):
    return np.round((np.asarray(floats) + 1) * 127.5).astype(int)


def _batch(source, key=0, **options):
    options = {"crop": 0, "flip": False, "degrade": None, **options}
    rows = source.parts[0].read(np.arange(COUNT)) if source.parts else source.read(np.arange(COUNT))
    rows = {name: array.reshape(2, COUNT // 2, *array.shape[1:]) for name, array in rows.items()}
    batch = jax.jit(views.at_random(source.modality, **options))(jax.random.key(key), rows)
    return {name: np.asarray(array).reshape(COUNT, *array.shape[2:]) for name, array in batch.items()}


def test_random_crops_are_joint_lie_on_the_scale_and_reach_every_place():
    source = views.fixed(_pairs(scale=2), (8, 6), None)
    batch = _batch(source, crop=(8, 6))
    real, given = _levels(batch["real"]), _levels(batch["source"])
    assert real.shape[1:] == (8, 6, 3) and given.shape[1:] == (4, 3, 3)
    np.testing.assert_array_equal(given, real[:, ::2, ::2])
    tops, lefts = real[:, 0, 0, 0], real[:, 0, 0, 1]
    assert set(tops) == {0, 2, 4} and set(lefts) == {0, 2, 4, 6, 8, 10}
    # Each is a whole window of its own row.
    np.testing.assert_array_equal(
        real[..., 0] - tops[:, None, None], np.tile(np.arange(8)[:, None], (COUNT, 1, 6))
    )
    np.testing.assert_array_equal(real[:, 0, 0, 2], np.arange(COUNT))
    assert not np.array_equal(_levels(_batch(source, key=1, crop=(8, 6))["real"]), real)


def test_fixed_rows_are_central_crops():
    source = views.fixed(_pairs(scale=2), 8, None)
    read = source.read(np.array([5, 3]))
    assert {name: array.shape for name, array in read.items()} == {
        "real": (2, 8, 8, 3), "source": (2, 4, 4, 3), "label": (2,)
    }  # fmt: skip
    # 12 x 16 less 8 x 8, halved and down to a multiple of the scale: from row 2 and column 4 on.
    np.testing.assert_array_equal(read["real"][:, 0, 0], [[2, 4, 5], [2, 4, 3]])
    np.testing.assert_array_equal(read["source"], read["real"][:, ::2, ::2])
    assert source.spec["real"].shape == (8, 8, 3) and source.parts[0].spec["real"].shape == (12, 16, 3)


def test_flips_are_joint():
    batch = _batch(_pairs(scale=2), flip=True)
    real, given = _levels(batch["real"]), _levels(batch["source"])
    mirrored = real[:, 0, 0, 1] == 15
    assert 0 < mirrored.sum() < COUNT
    # A pixel of the source is the first of two of the target, mirrored the second.
    expected = np.where(mirrored[:, None, None, None], real[:, ::2, 1::2], real[:, ::2, ::2])
    np.testing.assert_array_equal(given, expected)


def test_a_degradation_makes_the_source_of_each_sample_with_a_key_of_its_own():
    plain = _pairs()
    plain = plain._replace(
        spec={name: plain.spec[name] for name in ("real", "label")},
        facts={"modality": "images", "class_names": ("0",)},
        read=lambda rows: {name: array for name, array in _pairs().read(rows).items() if name != "source"},
    )
    degrade = degradations.chain(
        degradations.downscale(factor=2, method="area"), degradations.gaussian_noise()
    )
    source = views.fixed(plain, 0, degrade)
    assert source.spec["source"].shape == (6, 8, 3) and source.facts["paired"] == "all"
    read = source.read(np.arange(COUNT))
    noise = read["source"].astype(float) - _halved(read["real"].astype(float))
    assert 5 < noise[noise > -60].std() < 30  # Clipped at black, where these images are.
    assert len({row.tobytes() for row in noise}) == COUNT
    # Rows alone, in other orders and numbers: a row is a function of its number.
    for rows in ([7], [3, 39, 0] * 8):
        np.testing.assert_array_equal(source.read(np.array(rows))["source"], read["source"][rows])
    first, again, other = (_levels(_batch(source, key, degrade=degrade)["source"]) for key in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other) and not np.array_equal(first, read["source"])
    batch = _batch(source, degrade=degrade)
    np.testing.assert_array_equal(_levels(batch["real"]), read["real"])
    blank = build.blank(source.modality, COUNT)
    assert {name: array.shape for name, array in batch.items()} == {
        name: a.shape for name, a in blank.items()
    }


def _mean_of_neighbours(margin):
    """A link that looks one pixel far, with wrong pixels at the border of what it is given."""

    def apply(key, entries):
        padded = jnp.pad(entries["source"], ((1, 1), (1, 1), (0, 0)), constant_values=99.0)
        size = entries["source"].shape
        parts = [padded[y : y + size[0], x : x + size[1]] for y in range(3) for x in range(3)]
        return {**entries, "source": sum(parts) / 9}

    return Degradation(apply, margin=margin)


def test_what_looks_at_neighbours_is_cropped_with_a_margin():
    degrade = degradations.chain(_mean_of_neighbours(1))
    source = views.fixed(_pairs(), 8, degrade)
    for rows in (source.read(np.arange(COUNT)), _batch(source, crop=8, degrade=degrade)):
        real, given = rows["real"], rows["source"]
        if real.dtype != np.uint8:
            real, given = _levels(real), _levels(given)
        assert real.shape == given.shape == (COUNT, 8, 8, 3)
        # Where images are planes, means of neighbours are the pixels themselves, to the border.
        np.testing.assert_array_equal(given, real)


def test_the_source_of_a_crop_is_the_crop_of_the_source_of_the_whole():
    """Against Pillow: the whole image made smaller, then cropped."""
    image = np.random.default_rng(0).integers(0, 256, (1, 40, 56, 3), np.uint8)
    plain = Source(
        "one", 1, {"real": row((40, 56, 3), np.uint8)}, {"modality": "images"}, lambda rows: {"real": image}
    )
    read = views.fixed(plain, (16, 24), degradations.chain(degradations.downscale(factor=2))).read(
        np.array([0])
    )
    whole = np.asarray(Image.fromarray(image[0]).resize((28, 20), Image.Resampling.BICUBIC))
    np.testing.assert_array_equal(read["real"][0], image[0, 12:28, 16:40])
    assert np.abs(read["source"][0].astype(int) - whole[6:14, 8:20]).max() <= 1


def test_holes_lie_in_the_crop_although_a_margin_was_cut():
    degrade = degradations.chain(_mean_of_neighbours(2), degradations.centre_mask(share=0.5))
    source = views.fixed(_pairs(), 8, degrade)
    mask = source.read(np.array([0]))["mask"]
    assert source.spec["mask"].dtype == np.float32 and mask.shape == (1, 8, 8, 1)
    np.testing.assert_array_equal(mask[0, 2:6, 2:6], 1)
    assert mask.sum() == 16


@pytest.mark.parametrize(
    "crop, degrade, says",
    [
        (20, None, "data.crop=20: expected at most 12 x 16, the size of `real`"),
        (7, None, "data.crop=7: expected a multiple of 2, by which `source` is smaller"),
        ((8, 6), degradations.downscale(factor=2), "data.crop=.*: expected a multiple of 4"),
        (
            0,
            degradations.downscale(factor=4),
            "downscale.factor=4: expected images whose sides are a multiple",
        ),
        (
            0,
            Degradation(lambda key, e: {**e, "source": e["source"][:4]}),
            "`real` has 12 x 16 pixels and `source` 4 x 8",
        ),
    ],
)
def test_sizes_that_do_not_fit_are_one_line(crop, degrade, says):
    with pytest.raises(UsageError, match=says) as caught:
        views.fixed(_pairs(scale=2), crop, degrade and degradations.chain(degrade))
    assert "\n" not in str(caught.value)


def test_points_are_no_images(tiny):
    for option in (dict(crop=1), dict(degrade=dict(gaussian_noise={}))):
        with pytest.raises(UsageError, match="expected images, .* has points"):
            build.source(tiny(data=dict(name="ring", **option)))
