"""Sides, splits and counterparts that paths say."""

import os

import pytest

from gan_jax.data import domains
from gan_jax.errors import UsageError


@pytest.mark.parametrize(
    "source, target, at",
    [
        ("trainA/1.png", "trainB/1.jpg", ("train", "1")),
        ("TestA/x/1.png", "TestB/x/1.png", ("test", "x/1")),
        ("A/val/1.png", "B/val/1.png", ("validation", "1")),
        ("train/a/1.png", "train/b/1.png", ("train", "1")),
        ("A/1.png", "B/1.png", ("", "1")),
        ("LR/0001x4.png", "HR/0001.png", ("", "0001")),
        ("DIV2K_train_LR_bicubic/X2/0801x2.png", "DIV2K_train_HR/0801.png", ("train", "0801")),
        ("input/rain-1.png", "target/rain-1.png", ("", "rain-1")),
        ("Set5/baby_LR.png", "Set5/baby_HR.png", ("", "Set5/baby")),
        ("img_001_SRF_2_LR.png", "img_001_SRF_2_HR.png", ("", "img_001")),
        ("blur/4.png", "sharp/4.png", ("", "4")),
    ],
)
def test_layouts(source, target, at):
    found = domains.found([source.replace("/", os.sep), target.replace("/", os.sep)])
    assert [image.name for image in found.sources] == [source]
    assert [image.name for image in found.targets] == [target]
    assert [(image.split, image.key) for image in (*found.sources, *found.targets)] == [at, at]


def test_other_folders_are_no_domains():
    assert domains.found(["cats/1.png", "dogs/1.png"]) is None
    assert domains.found(["A/1.png", "A/2.png"]) is None
    found = domains.found(["A/1.png", "B/1.png", "notes/1.png"])
    assert found.others == ["notes/1.png"]


def test_folders_given_apart_need_no_words():
    found = domains.apart(["1_LR.png", "2x4.png", "k/3.png"], ["1_HR.png", "2.png", "k/3.jpg"])
    assert (
        [image.key for image in found.sources] == [image.key for image in found.targets] == ["1", "2", "k/3"]
    )


def test_two_files_of_one_name_are_an_error():
    images = domains.found(["A/1.png", "A/1.jpg", "B/1.png"]).sources
    with pytest.raises(
        UsageError, match="photos: A/1.png and A/1.jpg have the same name: rename one of them"
    ):
        domains.by_key(images, "photos")


def test_what_has_no_counterpart_is_one_line():
    assert domains.unmatched([], []) == ""
    said = domains.unmatched(["A/1.png"], [f"B/{number}.png" for number in range(5)])
    assert (
        said
        == "1 sources without a target (A/1.png), 5 targets without a source (B/0.png, B/1.png, B/2.png, ...)"
    )
