"""Patches of photographs, of which held-out ones share no pixel with the others."""

import numpy as np
import pytest
from PIL import Image

from gan_jax import data
from gan_jax.data import patches
from gan_jax.errors import UsageError


def test_a_grid_covers_an_area_to_its_end():
    places = patches.on_grid([(0, 0, 8, 10), (0, 0, 3, 9), (2, 1, 4, 4)], 4, 4)
    # By hand: rows at 0 and 4, columns at 0, 4 and 6; nothing in an image 3 pixels high; one patch in the last one.
    expected = [(0, y, x) for y in (0, 4) for x in (0, 4, 6)] + [(2, 2, 1)]
    np.testing.assert_array_equal(places, expected)


@pytest.mark.parametrize("room, decoded", [(100, [0, 1, 2]), (30, [0, 1, 2, 0])])
def test_decoded_images_are_kept_while_there_is_room(monkeypatch, room, decoded):
    """Three images of 20 bytes: all of them, or the last two."""
    monkeypatch.setattr(patches, "KEPT", room)
    seen = []

    def images_of(number):
        seen.append(number)
        return {"real": np.full((4, 5, 1), number, np.uint8)}

    places = np.array([[number, 0, 1] for number in range(3)], np.int32)
    read = patches.reader(images_of, places, 4, [20] * 3)
    for rows in ([0], [1, 1], [2], [0]):
        assert read(np.array(rows))["real"][:, 0, 0, 0].tolist() == rows
    assert seen == decoded


def test_memory_for_all_rows_is_taken_once(monkeypatch):
    """Once a row, a data set of some thousand patches took minutes to read."""
    taken = []
    monkeypatch.setattr(patches.np, "empty", lambda *args: taken.append(args[0]) or np.zeros(*args))
    places = patches.on_grid([(0, 0, 8, 8)], 4, 2)
    read = patches.reader(lambda number: {"real": np.ones((8, 8, 1), np.uint8)}, places, 4, [64])
    assert read(np.arange(9))["real"].all() and taken == [(9, 4, 4, 1)]


def test_the_shipped_photographs_need_no_download():
    source = data.photographs(patch=64, stride=32)
    rest = source.heldout()
    assert source.spec["real"].shape == (64, 64, 3) and "2 photographs" not in source.name
    # 427 x 640 pixels: 13 rows of patches in the height; 15 columns in the 512 pixels that are not held out.
    assert source.size == 2 * 13 * 15 and rest.size == 2 * 7 * 2
    assert source.read(np.array([0, 389]))["real"].std() > 10


def _stripes(path, *widths):
    """Each pixel has the number of its column, so a patch says where it comes from."""
    path.mkdir()
    for number, width in enumerate(widths):
        image = np.tile(np.arange(width, dtype=np.uint8), (8, 1))
        Image.fromarray(image).save(path / f"{number}.png")
    return str(path)


def test_few_photographs_hold_out_a_part_of_each(tmp_path, caplog):
    path = _stripes(tmp_path / "few", 20)
    with caplog.at_level("INFO", "gan_jax"):
        source = data.photographs(path=path, patch=4, stride=2, heldout=0.3)
    assert "the right-hand part of each is held out" in caplog.text
    assert source.read(np.arange(source.size))["real"].max() == 13
    assert source.heldout().read(np.arange(source.heldout().size))["real"].min() == 14
    everything = data.photographs(path=path, patch=4, split="all")
    assert everything.read(np.arange(everything.size))["real"].max() == 19 and everything.heldout() is None


def test_many_hold_out_whole_ones(tmp_path):
    for shade in range(10):
        Image.fromarray(np.full((8, 12), shade, np.uint8)).save(tmp_path / f"{shade}.png")
    source = data.photographs(path=str(tmp_path), patch=8, stride=2, heldout=0.2)
    shades = [set(part.read(np.arange(part.size))["real"].ravel()) for part in (source, source.heldout())]
    assert list(map(len, shades)) == [8, 2] and not shades[0] & shades[1]
    assert (source.size, source.heldout().size) == (8 * 3, 2 * 2)


def test_shrinking_takes_means_of_squares(tmp_path):
    (tmp_path / "p").mkdir()
    pixels = np.random.default_rng(0).integers(0, 256, (9, 12), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "p" / "1.png")
    source = data.photographs(path=str(tmp_path / "p"), patch=4, shrink=2, heldout=0)
    means = pixels[:8].reshape(4, 2, 6, 2).mean((1, 3))
    np.testing.assert_allclose(source.read(np.array([0]))["real"][0, ..., 0], means[:, :4], atol=0.51)


def test_mistakes_are_one_line(tmp_path):
    path = _stripes(tmp_path / "few", 8)
    with pytest.raises(UsageError, match="no photograph of 96 x 96 pixels or more, the size of data.patch"):
        data.photographs(path=path)
    with pytest.raises(UsageError, match="leaves no patch of 6 x 6 pixels in train"):
        data.photographs(path=path, patch=6)
    with pytest.raises(UsageError, match="data.split: unknown name 'val2'"):
        data.photographs(path=path, patch=2, split="val2")
