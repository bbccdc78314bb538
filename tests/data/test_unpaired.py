"""Two domains without pairs, each drawn in an order of its own."""

import numpy as np
import pytest
from PIL import Image

from gan_jax import data
from gan_jax.errors import UsageError


def _folder(path, **names):
    """Images of one shade each, by folder; the shade is the number in the name."""
    for folder, numbers in names.items():
        (path / folder).mkdir(parents=True, exist_ok=True)
        for number in numbers:
            Image.fromarray(np.full((4, 4), number, np.uint8)).save(path / folder / f"{number}.png")
    return str(path)


def _shades(source, name, count=None):
    return source.read(np.arange(source.size if count is None else count))[name][:, 0, 0, 0].tolist()


def test_domains_are_parts_with_sizes_of_their_own(tmp_path):
    path = _folder(tmp_path, trainA=range(1, 4), trainB=range(101, 106), testA=[7], testB=[108, 109])
    source = data.unpaired(path=path)
    real, given = source.parts
    assert _shades(real, "real") == [101, 102, 103, 104, 105] and list(given.spec) == ["source"]
    assert _shades(given, "source") == [1, 2, 3]
    assert _shades(source, "real") == _shades(real, "real") and _shades(source, "source") == [1, 2, 3, 1, 2]
    rest = source.heldout()
    assert (
        rest.size == 1
        and not rest.parts
        and _shades(rest, "source") == [7]
        and _shades(rest, "real") == [108]
    )
    assert source.facts["paired"] == rest.facts["paired"] == ""
    assert _shades(data.unpaired(path=path, swap=True), "real") == [1, 2, 3]


def test_hidden_pairs_are_held_out_together(tmp_path):
    path = _folder(tmp_path, A=range(1, 41), B=range(11, 51))
    source = data.unpaired(path=path, heldout_pairs=True)
    rest = source.heldout()
    assert rest.facts["paired"] == "heldout" and _shades(rest, "real") == _shades(rest, "source") != []
    seen = {*_shades(source.parts[0], "real"), *_shades(source.parts[1], "source")}
    assert not seen & set(_shades(rest, "real"))
    with pytest.raises(UsageError, match="no two held-out images have one name"):
        data.unpaired(path=_folder(tmp_path / "other", A=[1, 2], B=[3, 4]), heldout_pairs=True)


def test_mistakes_are_one_line(tmp_path):
    with pytest.raises(UsageError, match="expected two domains, as trainA and trainB"):
        data.unpaired(path=_folder(tmp_path / "a", cats=[1, 2]))
    path = _folder(tmp_path / "b", trainA=[1, 2], trainB=[3, 4], testA=[5])
    with pytest.raises(
        UsageError, match="expected images of both domains in heldout, found 1 sources, 0 targets"
    ):
        data.unpaired(path=path)
    Image.new("L", (5, 4)).save(tmp_path / "b" / "trainA" / "9.png")
    with pytest.raises(UsageError, match="differ in size, .*: give a resolution"):
        data.unpaired(path=path)
    both = data.unpaired(
        path=str(tmp_path / "b" / "trainB"), source_path=str(tmp_path / "b" / "testA"), heldout=0
    )
    assert [part.size for part in both.parts] == [2, 1] and both.heldout() is None
