"""Classes by name: sets whose classes have other numbers, and names on a command line."""

import numpy as np
import pytest

from gan_jax.data import classes
from gan_jax.data.source import of_arrays
from gan_jax.errors import UsageError

IMAGES = np.arange(6, dtype=np.uint8)[:, None, None, None] * np.ones((1, 4, 4, 1), np.uint8)


def _set(labels, names, heldout=None):
    source = of_arrays("own", IMAGES[: len(labels)], np.asarray(labels), names)
    return source._replace(heldout=lambda: heldout)


def _labels(source):
    return source.read(np.arange(source.size))["label"].tolist()


def test_labels_follow_the_names():
    source = _set([0, 1, 2, 1, -1], ("dog", "bird", "cat"))
    turned = classes.aligned(source, ["bird", "cat", "dog"], "other")
    assert _labels(turned) == [2, 0, 1, 0, -1] and turned.classes == ("bird", "cat", "dog")
    np.testing.assert_array_equal(turned.read(np.array([3]))["real"], IMAGES[3:4])
    assert _labels(classes.aligned(source, source.classes, "other")) == [0, 1, 2, 1, -1]


def test_a_class_may_be_absent_or_a_name_without_rows():
    assert _labels(classes.aligned(_set([1, 0], ("cat", "dog")), ("bird", "cat", "dog"), "other")) == [2, 1]
    assert _labels(classes.aligned(_set([1, 2], ("ant", "cat", "dog")), ("cat", "dog"), "other")) == [0, 1]


def test_held_out_rows_follow_too():
    heldout = _set([0, 0, 1], ("cat", "bird"))
    source = _set([0, 1], ("bird", "cat"), heldout)
    assert _labels(classes.heldout(source)) == [1, 1, 0]
    assert _labels(classes.aligned(source, ("cat", "dog", "bird"), "other").heldout()) == [0, 0, 2]
    assert classes.heldout(_set([0], ("cat",))) is None


@pytest.mark.parametrize(
    "labels, names, message",
    [
        ([0, 1], ("0", "1"), "own and other have no class in common, .* 0, 1 against cat, dog"),
        ([0, 1], ("cat", "ant"), "own has classes that other has not: ant; it has cat, dog"),
    ],
)
def test_rows_of_other_classes_are_refused(labels, names, message):
    with pytest.raises(UsageError, match=message):
        classes.aligned(_set(labels, names), ("cat", "dog"), "other")


def test_missing_names():
    assert classes.lacking(_set([0], ("cat", "ant")), ("cat", "dog", "bird")) == ["dog", "bird"]
    assert classes.lacking(_set([0], ()), ("cat",)) == []


def test_a_string_is_a_name_before_it_is_a_number():
    names = ("1", "2", "10", "cat")
    assert classes.numbers(("1", "10", "cat"), names) == (0, 2, 3)
    assert classes.numbers(("0", "3", 1, np.int32(2)), names) == (0, 3, 1, 2)
    assert classes.numbers((), names) == ()


@pytest.mark.parametrize(
    "asked, message",
    [
        ("dog", "labels: unknown name 'dog'; these exist: 1, 2, 10"),
        ("-1", "labels: unknown name '-1'"),
        ("1.5", "labels: unknown name '1.5'"),
        ("3", "labels=3: expected 0 to 2, or names: 1, 2, 10"),
        (-1, "labels=-1: expected 0 to 2, or names: 1, 2, 10"),
    ],
)
def test_no_such_class(asked, message):
    with pytest.raises(UsageError, match=message.replace("1, 2, 10", "(1, 10, 2|1, 2, 10)")):
        classes.numbers((asked,), ("1", "2", "10"))


def test_many_names_are_cut():
    assert classes.listed([str(number) for number in range(15)]).endswith("10, 11 and 3 more")
