"""Printed digits: functions of a row's number; handwritten ones beside them without pairs."""

import numpy as np
import pytest

from gan_jax import data
from gan_jax.data.source import per_class
from gan_jax.errors import UsageError


def test_rows_are_functions_of_their_numbers_and_centred_on_the_image():
    source = data.printed_digits(size=200, resolution=16)
    read = source.read(np.arange(200))
    np.testing.assert_array_equal(source.read(np.array([7, 7, 150]))["real"], read["real"][[7, 7, 150]])
    assert len({image.tobytes() for image in read["real"]}) == 200
    assert np.bincount(read["label"], minlength=10).min() > 5
    # Black outside, white inside, at most a tenth off the centre and a digit's own asymmetry.
    assert read["real"].min() == 0 and read["real"].max() == 255
    ink = read["real"][..., 0].astype(float)
    centres = [(ink.sum(3 - axis) @ (np.arange(16) + 0.5)) / ink.sum((1, 2)) / 16 for axis in (1, 2)]
    for centre in centres:
        assert abs(centre.mean() - 0.5) < 0.04 and np.all(abs(centre - 0.5) < 0.25)
    rest = source.heldout()
    assert rest.size == 1000 and rest.heldout() is None
    assert not np.array_equal(rest.read(np.arange(9))["real"], read["real"][:9])


def test_every_digit_looks_like_itself():
    """Most digits are nearest to one of their class; one in ten would be by chance."""
    read = data.printed_digits(size=400, resolution=16).read(np.arange(400))
    images, labels = read["real"].reshape(400, -1).astype(float), read["label"]
    nearest = np.argmin(((images[300:, None] - images[:300]) ** 2).sum(-1), axis=1)
    assert np.mean(labels[nearest] == labels[300:]) > 0.7


def test_handwritten_digits_keep_their_labels_where_rows_are_fixed():
    source = data.digits_to_printed(size=50, resolution=8)
    handwritten = data.digits(resolution=8)
    rows = np.array([0, 3, 1296])
    read, expected = source.read(rows), handwritten.read(rows)
    np.testing.assert_array_equal(read["source"], expected["real"])
    np.testing.assert_array_equal(read["label"], expected["label"])
    assert source.size == 1297 and source.facts["paired"] == ""
    assert source.label_of == ("real", "source")
    printed, given = source.parts
    assert printed.size == 50 and given.size == 1297 and list(given.spec) == ["source"]
    rest = source.heldout()
    tests = handwritten.heldout().read(np.arange(5))
    np.testing.assert_array_equal(rest.read(np.arange(5))["label"], tests["label"])
    assert rest.size == 500 and rest.heldout() is None


def test_mistakes_are_one_line():
    with pytest.raises(UsageError, match="its domains are drawn in orders of their own"):
        per_class(data.digits_to_printed(size=50, resolution=8), 2)
    with pytest.raises(UsageError, match="data.split: unknown name 'all'"):
        data.printed_digits(split="all")
