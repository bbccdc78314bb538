"""How rows of images and points are decoded, encoded, described and shown."""

import json
import os

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import sources
from PIL import Image

from gan_jax import build, images, modalities
from gan_jax.data.source import row
from gan_jax.errors import UsageError
from gan_jax.modalities.points import scatter
from gan_jax.types import Modality

RED, SILVER = (214, 39, 40), (192, 192, 192)
POINT = row((1, 1, 2), np.float32)
# A translation: two images of different sizes, a mask of pixels that are known, a time and a class.
MIXED = {
    "real": row((4, 6, 3), np.uint8),
    "source": row((8, 12, 1), np.uint8),
    "mask": row((4, 6, 1), np.float32),
    "grey": row((4, 6), np.uint8),
    "time": row((), np.uint8),
    "label": row((), np.int32),
}


def _of(spec, **facts):
    return modalities.bound(spec, {"modality": "images", **facts})


def _rows(spec, *shape, seed=0):
    """Random stored rows."""
    random = np.random.default_rng(seed)
    return {
        name: random.integers(0, 256 if entry.dtype == np.uint8 else 10, (*shape, *entry.shape)).astype(
            entry.dtype
        )
        for name, entry in spec.items()
    }


def _as_rows(points):
    return np.float32(points)[:, None, None, :]


def _points(spec=None):
    return modalities.bound(spec or {"real": POINT}, {"modality": "points"})


def _middle(picture, colour):
    """The centre of all pixels of a colour, from 0 to 1 to the right and up, and their number."""
    at = np.argwhere(np.all(picture == np.uint8(colour), axis=-1))
    rows, columns = at.mean(axis=0) if len(at) else (np.nan, np.nan)
    return (columns / picture.shape[1], 1 - rows / picture.shape[0]), len(at)


def test_images_are_rounded_and_tiled():
    samples = jax.random.uniform(jax.random.key(0), (5, 4, 4, 1), minval=-1.2, maxval=1.2)
    modality = sources.modality(4)
    stored = np.asarray(jax.jit(modality.encode)(samples))
    expected = np.clip(np.round((np.float64(samples) + 1) * 127.5), 0, 255)
    assert stored.dtype == np.uint8 and np.abs(stored - expected).max() <= 1
    np.testing.assert_array_equal(modality.preview(stored, pytest.fail), images.grid(stored))
    np.testing.assert_array_equal(
        modality.preview(stored, pytest.fail, columns=5), images.grid(stored, columns=5)
    )


def test_every_image_is_decoded_and_nothing_else():
    rows = _rows(MIXED, 5)
    decoded = jax.jit(_of(MIXED).decode)(rows)
    assert set(decoded) == set(rows)
    for name in ("real", "source"):
        assert decoded[name].dtype == jnp.float32
        np.testing.assert_allclose(decoded[name], np.float64(rows[name]) / 127.5 - 1, atol=1e-6)
    # Masks, bytes that are no image, and labels stay as they are.
    for name in ("mask", "grey", "time", "label"):
        assert decoded[name].dtype == rows[name].dtype, name
        np.testing.assert_array_equal(decoded[name], rows[name])


def test_a_part_of_a_row_is_decoded_in_batches_of_any_shape():
    """Features decode `real` alone, samplers the conditions alone; a step has many batches."""
    modality, rows = _of(MIXED), _rows(MIXED, 2, 3)
    whole = modality.decode(rows)
    for names in (["real"], ["source", "label"], []):
        part = modality.decode({name: rows[name] for name in names})
        assert list(part) == names
        jax.tree.map(np.testing.assert_array_equal, part, {name: whole[name] for name in names})


def test_decoding_undoes_encoding():
    levels = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1)
    modality = sources.modality(16)
    np.testing.assert_array_equal(modality.encode(modality.decode({"real": levels})["real"]), levels)


@pytest.mark.parametrize("dtype", [np.int16, np.int32, np.uint16, np.int8, bool])
def test_other_integers_are_no_pixels(dtype):
    """Audio of 16 bits divided by 127.5 would be noise that nobody notices."""
    with pytest.raises(TypeError, match=f"expected uint8 pixels or floats, got {np.dtype(dtype).name}"):
        images.to_float(np.zeros((2, 8, 1), dtype))
    with pytest.raises(TypeError):
        jax.eval_shape(images.to_float, jax.ShapeDtypeStruct((2, 8, 1), dtype))


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_floats_are_not_scaled(dtype):
    floats = np.array([[[-1.0], [0.5]]], dtype)
    found = images.to_float(floats)
    assert found.dtype == jnp.float32
    np.testing.assert_array_equal(found, floats)


def test_all_images_of_a_row_are_mirrored_alike():
    modality = _of(MIXED)
    batch = modality.decode(_rows(MIXED, 2, 40))
    flipped = jax.jit(modality.flip)(jax.random.key(3), batch)
    mirrored = {
        name: np.all(flipped[name] == batch[name][..., ::-1, :], axis=(-3, -2, -1))
        for name in ("real", "source")
    }
    same = {name: np.all(flipped[name] == batch[name], axis=(-3, -2, -1)) for name in mirrored}
    assert mirrored["real"].shape == (2, 40)
    # Each row is mirrored or not, both images alike, and about one half is.
    np.testing.assert_array_equal(mirrored["real"], mirrored["source"])
    np.testing.assert_array_equal(mirrored["real"], ~same["real"])
    np.testing.assert_array_equal(mirrored["source"], ~same["source"])
    assert 20 < mirrored["real"].sum() < 60
    for name in ("grey", "time", "label"):
        np.testing.assert_array_equal(flipped[name], batch[name])


def test_facts_are_those_of_the_data_and_of_its_shape():
    modality = _of(MIXED, class_names=("cat", "dog"), licence="CC0")
    assert modality.facts == {
        "modality": "images",
        "class_names": ("cat", "dog"),
        "licence": "CC0",
        "resolution": (4, 6),
        "channels": 3,
        "classes": 2,
    }
    assert modality.unit == "images" and modality.spec == MIXED
    assert _of({"real": MIXED["real"]}).facts["classes"] == 0


def test_a_description_survives_json():
    facts = {"modality": "images", "class_names": ("cat", "dog"), "rate": 0.5}
    plain = modalities.to_plain(MIXED, facts)
    restored = modalities.from_plain(json.loads(json.dumps(plain)))
    assert restored.spec == MIXED and restored.facts == modalities.bound(MIXED, facts).facts
    assert json.loads(json.dumps(plain)) == {
        "spec": {
            "real": [[4, 6, 3], "uint8"],
            "source": [[8, 12, 1], "uint8"],
            "mask": [[4, 6, 1], "float32"],
            "grey": [[4, 6], "uint8"],
            "time": [[], "uint8"],
            "label": [[], "int32"],
        },
        "facts": {"modality": "images", "class_names": ["cat", "dog"], "rate": 0.5},
    }
    # A Modality that is restored works as the first one.
    rows = _rows(MIXED, 3)
    jax.tree.map(np.testing.assert_array_equal, restored.decode(rows), _of(MIXED).decode(rows))


@pytest.mark.parametrize("shape, dtype", [((8, 8, 2), np.uint8), ((8, 8), np.uint8), ((8, 8, 1), np.int16)])
def test_no_images(shape, dtype):
    message = rf"^images are uint8 \[height, width, 1 or 3\], got {np.dtype(dtype).name} \{list(shape)}$"
    with pytest.raises(UsageError, match=message):
        _of({"real": row(shape, dtype)})


def test_images_are_saved_as_one_picture(tmp_path):
    stored = _rows({"real": row((8, 8, 3), np.uint8)}, 5)["real"]
    endings = sources.modality(8, channels=3).save(str(tmp_path / "some"), stored)
    assert endings == (".png",) and os.listdir(tmp_path) == ["some.png"]
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "some.png")), images.grid(stored))


def test_points_stay_as_they_are_and_come_back_as_they_were():
    samples = jax.random.normal(jax.random.key(0), (5, 1, 1, 2))
    modality = _points({"real": POINT, "label": row((), np.int32)})
    stored = np.asarray(jax.jit(modality.encode)(samples))
    np.testing.assert_array_equal(stored, samples)
    decoded = jax.jit(modality.decode)({"real": stored, "label": np.arange(5, dtype=np.int32)})
    np.testing.assert_array_equal(decoded["real"], samples)
    np.testing.assert_array_equal(decoded["label"], np.arange(5))
    assert modality.unit == "points" and modality.flip is None
    assert (modality.facts["resolution"], modality.facts["channels"]) == ((1, 1), 2)


@pytest.mark.parametrize("shape, dtype", [((1, 1, 3), np.float32), ((2,), np.float32), ((1, 1, 2), np.uint8)])
def test_no_points(shape, dtype):
    message = rf"^points are float32 \[1, 1, 2\], got {np.dtype(dtype).name} \{list(shape)}$"
    with pytest.raises(UsageError, match=message):
        _points({"real": row(shape, dtype)})


def test_points_stand_where_they_belong():
    behind = _as_rows([(-1, -1), (1, 1), (-1, 1)])
    picture = _points().preview(_as_rows([(1, -1)]), lambda: behind)
    assert picture.shape == (500, 500, 3) and picture.dtype == np.uint8
    (right, up), count = _middle(picture, RED)
    assert count and right > 0.8 and up < 0.25
    assert _middle(picture, SILVER)[1] > 2 * count


def test_points_are_saved_as_one_picture(tmp_path):
    rows = _as_rows([(0, 0), (1, 1)])
    assert _points().save(str(tmp_path / "some"), rows) == (".png",)
    picture = np.asarray(Image.open(tmp_path / "some.png"))
    assert picture.shape == (500, 500, 3) and _middle(picture, RED)[1]


def test_the_window_is_that_of_the_real_points():
    behind = _as_rows([(2, 2), (4, 4)])
    inside, outside = (scatter(_as_rows([point]), behind) for point in ((3, 3), (9, 3)))
    (right, up), count = _middle(inside, RED)
    assert count and abs(right - 0.5) < 0.1 and abs(up - 0.5) < 0.1
    assert not _middle(outside, RED)[1]
    # The title counts it.
    assert (inside[:30] != outside[:30]).any()
    scatter(_as_rows([(0, 0)]), _as_rows([(0, 0)]))


def thirds(spec, facts):
    """A modality of one's own: numbers that are kept as thirds."""
    return Modality(spec, {"length": 7}, "numbers", dict, lambda samples: samples / 3, None, None)


def test_a_modality_of_ones_own():
    spec = {"real": row((), np.float32)}
    modality = modalities.bound(spec, {"modality": f"{__name__}.thirds", "rate": 2})
    assert modality.encode(3.0) == 1.0 and modality.spec == spec
    assert modality.facts == {"modality": f"{__name__}.thirds", "rate": 2, "length": 7, "classes": 0}
    blank = build.blank(modality, 4)
    assert blank["real"].shape == (4,) and blank["real"].dtype == jnp.float32


@pytest.mark.parametrize("name, hint", [("image", "; did you mean images?"), ("sounds", "")])
def test_an_unknown_modality_is_one_line(name, hint):
    with pytest.raises(UsageError) as caught:
        modalities.bound(MIXED, {"modality": name})
    message = f"modality: unknown name {name!r}{hint}"
    assert str(caught.value).startswith(message) and "these exist: images, points" in str(caught.value)
    assert "\n" not in str(caught.value)
