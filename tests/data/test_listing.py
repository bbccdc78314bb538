import os

import numpy as np
import pytest

from gan_jax.data import listing
from gan_jax.errors import UsageError


def _put(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def _layout(names, classes=True, share=0.0):
    return listing.layout(sorted(names, key=lambda name: name.split(os.sep)), classes, share)


def _by_split(found):
    return {split: [found.names[row] for row in rows] for split, rows in found.splits.items()}


def test_what_is_no_image_or_hidden_is_said(tmp_path):
    _put(
        tmp_path,
        "a/1.png",
        "a/.2.png",
        "__MACOSX/a/1.png",
        ".cache/1.png",
        "b.HEIC",
        "labels.csv",
        "c/3.JPG",
        "d/4.Tiff",
    )
    names, left = listing.images(str(tmp_path))
    assert names == ["a/1.png", "c/3.JPG", "d/4.Tiff"]
    assert left == {
        "hidden or of the system": [".cache", "__MACOSX", "a/.2.png"],
        "not images": ["b.HEIC", "labels.csv"],
    }


def test_each_folder_is_read_once(tmp_path):
    """Links to a folder above, to one beside, and to the folder above all; a link out is followed."""
    _put(tmp_path / "data", "a/1.png", "z/2.png")
    _put(tmp_path / "elsewhere", "3.png")
    (tmp_path / "data" / "a" / "up").symlink_to(tmp_path / "data")
    (tmp_path / "data" / "above").symlink_to(tmp_path)
    (tmp_path / "data" / "b").symlink_to(tmp_path / "data" / "z")
    (tmp_path / "data" / "more").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "data" / "z" / "again").symlink_to(tmp_path / "elsewhere")
    names, left = listing.images(str(tmp_path / "data"))
    assert names == ["a/1.png", "more/3.png", "z/2.png"]
    assert left == {"links to folders read before": ["above", "b", "a/up", "z/again"]}


def test_a_folder_that_cannot_be_listed_is_an_error(tmp_path, monkeypatch):
    _put(tmp_path, "cat/1.png", "dog/1.png")
    scan = os.scandir

    def denied(place):
        if str(place).endswith("cat"):
            raise PermissionError(13, "Permission denied")
        return scan(place)

    monkeypatch.setattr(os, "scandir", denied)
    with pytest.raises(UsageError, match=r"cat: this folder cannot be listed \(Permission denied\)"):
        listing.images(str(tmp_path))


@pytest.mark.parametrize("train, other, split", [
    ("train", "val", "validation"), ("Train", "Valid", "validation"), ("training", "validation", "validation"),
    ("train", "test", "test"),
])  # fmt: skip
def test_known_names_are_splits_with_classes_below(train, other, split):
    names = [f"{train}/{kind}/{n}.png" for kind in ("cat", "dog") for n in range(2)] + [f"{other}/dog/9.png"]
    found = _layout(names)
    assert found.classes == ("cat", "dog") and found.heldout == split and not found.left_out
    rows = _by_split(found)
    assert rows["train"] == sorted(names[:4]) and rows[split] == rows["heldout"] == names[4:]
    np.testing.assert_array_equal(found.labels[found.splits["heldout"]], [1])


def test_validation_comes_before_test_and_unknown_classes_are_left_out():
    found = _layout(
        ["train/a/1.png", "train/b/1.png", "test/2.png", "val/b/3.png", "val/c/4.png", "extra/5.png"]
    )
    assert _by_split(found)["heldout"] == ["val/b/3.png"] and "test" not in found.splits
    assert found.left_out == {
        "outside the splits": ["extra/5.png"],
        "in no class folder": ["test/2.png"],
        "of classes that train has not": ["val/c/4.png"],
    }


def test_a_test_split_without_classes_is_not_held_out():
    names = [f"train/{kind}/{n}.png" for kind in "ab" for n in range(10)] + ["test/1.png"]
    found = _layout(names, share=0.1)
    assert (
        found.heldout == "heldout" and len(found.splits["heldout"]) == 2 and len(found.splits["train"]) == 18
    )


def test_train_among_other_kinds_is_a_class():
    assert _layout(["train/1.png", "bus/1.png"]).classes == ("bus", "train")
    assert _layout(["train/a/1.png", "train/b/1.png"]).classes == ("a", "b")
    assert _layout(["train/1.png", "train/2.png"]).classes == ()
    assert _layout(["val/1.png", "test/1.png"]).classes == ("test", "val")


def test_few_pictures_beside_class_folders_are_left_out_and_many_are_not():
    kinds = [f"{kind}/{n}.png" for kind in ("cat", "dog") for n in range(3)]
    found = _layout([*kinds, "preview.png"])
    assert found.classes == ("cat", "dog") and len(found.splits["train"]) == 6
    assert found.left_out == {"in no class folder": ["preview.png"]}
    many = _layout([*kinds, "0.png", "1.png"])
    assert many.classes == () and len(many.splits["train"]) == 8 and not many.left_out
    assert "8 images (train 8), no classes (2 of 8 images lie in no folder)" in listing.line(
        "photos", many, {}
    )
    assert not _layout([*kinds, "preview.png"], classes=False).left_out


def test_held_out_images_are_chosen_by_name():
    names = [f"{kind}/{n:03}.png" for kind in "abc" for n in range(100)]
    held = set(_by_split(_layout(names, share=0.1))["heldout"])
    assert len(held) == 30
    # Of names without order or place: another order of the same names, and fewer of them.
    assert set(_by_split(_layout(names[::-1], share=0.1))["heldout"]) == held
    more = set(_by_split(_layout([*names, *(f"a/x{n}.png" for n in range(9))], share=0.1))["heldout"])
    assert len(more) == 30 and len(more & held) >= 30 - 9
    assert {name[0] for name in held} == {"a", "b", "c"}
    assert "heldout" not in _layout(names, share=0.0).splits


def test_every_class_keeps_an_image_to_train_on():
    names = [f"{n}/only.png" for n in range(20)] + [f"20/{n}.png" for n in range(20)]
    found = _layout(names, share=0.45)
    assert set(found.labels[found.splits["train"]]) == set(range(21))
    assert len(found.splits["heldout"]) == 18


def test_the_line_and_the_digest():
    names = [f"{n}/{m}.png" for n in range(12) for m in range(3)]
    found = _layout(names, share=0.1)
    assert listing.line("photos", found, {"not images": ["a.csv", "b.csv", "c.csv", "d.csv"]}) == (
        "photos: 36 images (train 33, heldout 3), 12 classes (0, 1, 2, ...); "
        "left out: 4 not images (a.csv, b.csv, c.csv, ...)"
    )
    same = listing.digest(found)
    assert same == listing.digest(_layout(names, share=0.1))
    others = [names[:-1], [*names[:-1], "11/x.png"], [*names[:-1], "10/x.png"]]
    assert len({same, *(listing.digest(_layout(each, share=0.1)) for each in others)}) == 4
    assert listing.digest(_layout(["\udcff.png"]))  # A name that is no text.
