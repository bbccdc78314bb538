"""Pairs in folders: matched by name, of sizes that fit, as viewers show them."""

import numpy as np
import pytest
from PIL import Image

from gan_jax import data
from gan_jax.errors import UsageError


def _save(path, shape, seed=0, **options):
    """A random image as a file; what was drawn, uint8."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng([seed, *shape]).integers(0, 256, shape, np.uint8)
    Image.fromarray(pixels).save(path, **options)
    return pixels


def test_rows_are_pairs_by_name_and_what_is_alone_is_listed(tmp_path, caplog):
    sources = {name: _save(tmp_path / f"trainA/{name}.png", (8, 8, 3), int(name)) for name in "123"}
    targets = {name: _save(tmp_path / f"trainB/{name}.bmp", (8, 8), int(name)) for name in "234"}
    held = _save(tmp_path / "testA/9.png", (8, 8, 3), 9), _save(tmp_path / "testB/9.png", (8, 8), 9)
    source = data.paired(path=str(tmp_path))
    assert source.size == 2 and source.facts["paired"] == "all"
    read = source.read(np.array([1, 0]))
    np.testing.assert_array_equal(read["source"], [sources["3"], sources["2"]])
    np.testing.assert_array_equal(read["real"][..., 0], [targets["3"], targets["2"]])
    assert source.spec["real"].shape == (8, 8, 1) and source.modality.facts["scale"] == 1
    rest = source.heldout().read(np.array([0]))
    np.testing.assert_array_equal(rest["source"][0], held[0])
    np.testing.assert_array_equal(rest["real"][0, ..., 0], held[1])
    assert (
        "left out 1 sources without a target (trainA/1.png), 1 targets without a source (trainB/4.bmp)"
        in caplog.text
    )
    swapped = data.paired(path=str(tmp_path), swap=True).read(np.array([0]))
    np.testing.assert_array_equal(swapped["real"][0], sources["2"])


def test_two_images_in_one_file(tmp_path):
    both = [_save(tmp_path / f"train/{number}.png", (8, 16, 3), number) for number in range(2)]
    read = data.paired(path=str(tmp_path), heldout=0).read(np.array([1]))
    np.testing.assert_array_equal(read["source"][0], both[1][:, :8])
    np.testing.assert_array_equal(read["real"][0], both[1][:, 8:])
    swapped = data.paired(path=str(tmp_path), heldout=0, swap=True).read(np.array([1]))
    np.testing.assert_array_equal(swapped["source"][0], both[1][:, 8:])
    _save(tmp_path / "train/3.png", (8, 12, 3))
    with pytest.raises(
        UsageError, match="expected two domains, as trainA .*; 3.png has 12 x 8".replace("3.png", ".*3.png")
    ):
        data.paired(path=str(tmp_path))


def test_a_source_may_be_smaller(tmp_path):
    """The target is cut to a multiple of its source, as in sets made of images of any size."""
    small, large = _save(tmp_path / "LR/1x2.png", (4, 6), 1), _save(tmp_path / "HR/1.png", (9, 12), 1)
    source = data.paired(path=str(tmp_path), heldout=0)
    assert source.modality.facts["scale"] == 2
    read = source.read(np.array([0]))
    np.testing.assert_array_equal(read["source"][0, ..., 0], small)
    np.testing.assert_array_equal(read["real"][0, ..., 0], large[:8])
    _save(tmp_path / "LR/2x2.png", (3, 3), 2), _save(tmp_path / "HR/2.png", (12, 12), 2)
    with pytest.raises(
        UsageError, match="2.png has 12 x 12 pixels and .*2x2.png 3 x 3: expected 2 times as many"
    ):
        data.paired(path=str(tmp_path))


def test_patches_of_pairs_of_any_size(tmp_path):
    large = [_save(tmp_path / f"HR/{name}.png", shape, 1) for name, shape in (("a", (8, 12)), ("b", (10, 8)))]
    small = [_save(tmp_path / f"LR/{name}.png", shape, 2) for name, shape in (("a", (4, 6)), ("b", (5, 4)))]
    source = data.paired(path=str(tmp_path), patch=8, stride=4, heldout=0)
    assert source.size == 4  # At 0 and 4 of the first one's width, and at 0 and 2 of the second one's height.
    read = source.read(np.array([3, 1]))
    np.testing.assert_array_equal(read["real"][..., 0], [large[1][2:], large[0][:, 4:]])
    np.testing.assert_array_equal(read["source"][..., 0], [small[1][1:], small[0][:, 2:]])
    with pytest.raises(UsageError, match="data.patch=7, stride=4: expected multiples of the scale 2"):
        data.paired(path=str(tmp_path), patch=7, stride=4)
    with pytest.raises(UsageError, match="no pair of 16 x 16 pixels or more"):
        data.paired(path=str(tmp_path), patch=16, heldout=0)


def test_pairs_are_resized_alike(tmp_path):
    """The central part with the wanted aspect, of both; against Pillow."""
    large, small = _save(tmp_path / "HR/1.png", (16, 24), 1), _save(tmp_path / "LR/1.png", (8, 12), 2)
    read = data.paired(path=str(tmp_path), resolution=8, heldout=0).read(np.array([0]))
    for name, whole, side in (("real", large[:, 4:20], 8), ("source", small[:, 2:10], 4)):
        expected = Image.fromarray(whole).resize((side, side), Image.Resampling.LANCZOS)
        np.testing.assert_array_equal(read[name][0, ..., 0], np.asarray(expected))
    with pytest.raises(
        UsageError, match="data.resolution=9: expected a multiple of 2, by which sources are smaller"
    ):
        data.paired(path=str(tmp_path), resolution=9)


def test_images_are_turned_over_a_background_and_of_8_bits(tmp_path):
    upright = _save(tmp_path / "B/1.png", (4, 6), 1)
    turned = Image.fromarray(np.rot90(upright).copy())  # Six tall and four wide; EXIF 6 turns it clockwise.
    exif = Image.Exif()
    exif[0x0112] = 6
    (tmp_path / "A").mkdir()
    turned.save(tmp_path / "A/1.png", exif=exif)
    sixteen = np.uint16(upright) * 257
    Image.fromarray(sixteen).save(tmp_path / "A/2.png")
    clear = np.concatenate([np.dstack([upright] * 3), np.zeros((4, 6, 1), np.uint8)], axis=-1)
    Image.fromarray(clear).save(tmp_path / "B/2.png")
    read = data.paired(path=str(tmp_path), heldout=0).read(np.arange(2))
    np.testing.assert_array_equal(read["source"][0, ..., 0], upright)
    np.testing.assert_array_equal(read["source"][1, ..., 0], upright)
    assert read["real"].shape == (2, 4, 6, 3) and np.all(read["real"][1] == 255)


def test_mistakes_are_one_line(tmp_path):
    _save(tmp_path / "A/1.png", (4, 4))
    with pytest.raises(UsageError, match="expected two domains, as trainA and trainB"):
        data.paired(path=str(tmp_path))
    _save(tmp_path / "B/2.png", (4, 4))
    with pytest.raises(UsageError, match=r"no source has a target of the same name; 1 sources .*A/1.png"):
        data.paired(path=str(tmp_path))
    _save(tmp_path / "B/1.png", (6, 4)), _save(tmp_path / "A/2.png", (4, 4))
    with pytest.raises(
        UsageError, match="B/1.png has 4 x 6 pixels and .*A/1.png 4 x 4: expected a whole number of times"
    ):
        data.paired(path=str(tmp_path))
    _save(tmp_path / "B/1.png", (4, 4))
    with pytest.raises(UsageError, match="data.split: unknown name 'tset'"):
        data.paired(path=str(tmp_path), split="tset")
    apart = data.paired(path=str(tmp_path / "B"), source_path=str(tmp_path / "A"), heldout=0)
    assert apart.size == 2
