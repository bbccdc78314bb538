"""Every channel of a stacked image is the digit that the label says."""

import importlib

import numpy as np
import pytest
import sources

from gan_jax import build, data
from gan_jax.data.source import of_arrays
from gan_jax.data.stacked import stacked
from gan_jax.errors import UsageError

MODULE = importlib.import_module("gan_jax.data.stacked")


def _tagged(count):
    """Images of one grey each, their number plus one, and of the class of its last digit."""
    numbers = np.arange(count)
    grey = np.uint8(numbers + 1)[:, None, None, None] * np.ones((1, 2, 2, 1), np.uint8)
    return of_arrays("tagged", grey, numbers % 10, map(str, range(10)))


def _stacked(count=30, size=100, **options):
    return stacked(_tagged(count), size, **{**dict(padding=0, seed=0, train=None), **options})


def test_channels_labels_and_padding():
    source = _stacked(padding=1)
    assert sources.described(source) == ("images", (4, 4, 3), 1000)
    assert source.classes[7] == "007" and source.size == 100
    read = source.read(np.array([5, 99, 0]))
    assert read["real"].shape == (3, 4, 4, 3) and read["real"].dtype == np.uint8
    inner = read["real"][:, 1:3, 1:3]
    assert np.ptp(inner, axis=(1, 2)).max() == 0 and inner.min() > 0
    # All that is not inside is black.
    assert read["real"].sum() == inner.sum()
    digits = (inner[:, 0, 0].astype(int) - 1) % 10
    np.testing.assert_array_equal(read["label"], digits[:, 0] * 100 + digits[:, 1] * 10 + digits[:, 2])
    assert read["label"].dtype == np.int32


def test_every_digit_in_every_channel_as_often_as_any_other():
    read = _stacked(count=30, size=100).read(np.arange(100))["real"][:, 0, 0]
    for channel in range(3):
        counts = np.bincount(read[:, channel] - 1, minlength=30)
        assert counts.sum() == 100 and set(counts) == {3, 4}
    # Three orders, not one.
    assert len({tuple(read[:, channel]) for channel in range(3)}) == 3


def test_seeds_decide():
    first, again, other = (_stacked(seed=seed).read(np.arange(100))["real"] for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_digits_are_scikit_learns(tiny):
    source = build.source(tiny(data=dict(name="stacked_digits", resolution=8, size=2000)))
    single = data.digits(resolution=8).read(np.arange(1297))
    digit_of = {image.tobytes(): label for image, label in zip(single["real"], single["label"])}
    read = source.read(np.arange(50))
    for image, label in zip(read["real"], read["label"]):
        digits = [digit_of[image[..., [channel]].tobytes()] for channel in range(3)]
        assert label == digits[0] * 100 + digits[1] * 10 + digits[2]
    heldout = source.heldout()
    assert (heldout.size, heldout.spec["real"].shape, heldout.heldout()) == (26_000, (8, 8, 3), None)
    unseen = heldout.read(np.arange(50))["real"]
    assert not any(image[..., [channel]].tobytes() in digit_of for image in unseen for channel in range(3))
    assert data.opened("stacked_digits:test", 8).name.startswith(
        "20000 triples of digits of scikit-learn, test"
    )
    assert data.stacked_digits(split="all", resolution=8, size=3).heldout() is None
    with pytest.raises(UsageError, match="data.split: unknown name 'tset'"):
        data.stacked_digits(split="tset")


def test_data_dir_reaches_mnist(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(UsageError, match=f"'mnist' is not prepared in {tmp_path}"):
        build.source(tiny(data=dict(name="stacked_mnist")), str(tmp_path))
    with pytest.raises(UsageError, match="data: unknown name 'data_dir'"):
        build.source(tiny(data=dict(name="stacked_mnist", data_dir="elsewhere")), str(tmp_path))


def test_both_protocols_of_mnist(monkeypatch):
    """MNIST's splits in small, as TFDS has them."""
    sizes = {"train+test": 70, "train": 60, "test": 10}

    def tfds(*, name, split, resolution, data_dir):
        assert (name, data_dir) == ("mnist", "there")
        source = _tagged(sizes[split])._replace(spec=sources.modality(28, classes=10).spec, name=split)
        return source._replace(heldout=lambda: tfds(name=name, split="test", resolution=0, data_dir=data_dir))

    monkeypatch.setattr(MODULE, "tfds", tfds)
    monkeypatch.setattr(MODULE, "HELD_OUT", 20)
    whole = data.stacked_mnist(data_dir="there")
    assert (whole.size, whole.spec["real"].shape) == (128_000, (28, 28, 3))
    assert whole.name == "128000 triples of train+test, seed 0"
    padded = data.stacked_mnist(split="train", size=120_000, padding=2, data_dir="there")
    assert (padded.size, padded.spec["real"].shape, padded.heldout().size) == (120_000, (32, 32, 3), 20)
    assert padded.heldout().name == "20 triples of test, seed 0"
