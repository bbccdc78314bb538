"""Stacked MNIST: three digits as the channels of one image, so ten classes make a thousand modes."""

import functools
from collections.abc import Callable

import numpy as np

from gan_jax.data.digits import digits
from gan_jax.data.source import Source, of_images
from gan_jax.data.tfds import tfds
from gan_jax.images import Resolution

# Held-out images: as many as the protocol of VEEGAN and PacGAN generates to count modes.
HELD_OUT = 26_000


def stacked_mnist(
    *,
    split: str = "train+test",
    size: int = 128_000,
    padding: int = 0,
    resolution: Resolution = 0,
    seed: int = 0,
    data_dir: str | None = None,
) -> Source:
    """Stacked MNIST: triples of MNIST's digits as the channels of colour images.

    Metz et al. 2017, arXiv:1611.02163, section 3.3. The defaults are those of Srivastava et al. 2017,
    arXiv:1705.07761, and Lin et al. 2018, arXiv:1712.04086: 128,000 triples of all 70,000 digits, 28 pixels
    wide. `split="train", size=120_000, padding=2` is that of later papers, 32 pixels wide (Xiao et al. 2022,
    arXiv:2112.07804). Their triples were not published; here each channel has every digit equally often, give
    or take one.

    Args:
        split: Of TFDS's MNIST. Of `train`, triples of the test digits are held out.
        size: Triples.
        padding: Black pixels around each digit.
        resolution: Height and width of the digits, pixels, without padding, or one number for both; 0 for
            28.
        seed: Of the triples.
        data_dir: Folder of prepared TFDS data; None for TFDS's own.

    Returns:
        A Source with the classes 000 to 999, the first channel's digit first.

    Raises:
        UsageError: No such split, or MNIST is not prepared and cannot be.
    """

    def of(split):
        return tfds(name="mnist", split=split, resolution=resolution, data_dir=data_dir)

    return stacked(of(split), size, padding=padding, seed=seed, train=lambda: of("train"))


def stacked_digits(
    *,
    split: str = "train",
    size: int = 20_000,
    padding: int = 0,
    resolution: Resolution = 0,
    seed: int = 0,
) -> Source:
    """Stacked MNIST with the digits that scikit-learn ships instead of MNIST's.

    Args:
        split: Of the digits: `train`, `test`, or `all`. Of `train`, triples of the test digits are held out.
        size: Triples.
        padding: Black pixels around each digit.
        resolution: Height and width of the digits, pixels, without padding, or one number for both; 0 for
            28.
        seed: Of the triples.

    Returns:
        A Source with the classes 000 to 999, the first channel's digit first.

    Raises:
        UsageError: No such split.
    """

    def of(split):
        return digits(split=split, resolution=resolution)

    return stacked(of(split), size, padding=padding, seed=seed, train=lambda: of("train"))


def stacked(source: Source, size: int, *, padding: int, seed: int, train: Callable[[], Source]) -> Source:
    """Triples of a set of digits; each channel has every digit equally often, give or take one.

    Args:
        source: Source of ten classes and one channel.
        size: Triples.
        padding: Black pixels around each digit.
        seed: Of the triples.
        train: Function that returns the Source that a classifier of single digits is trained on.

    Returns:
        The Source; its held-out images are triples of the source's held-out digits, if there are some.
    """
    triples = _triples(source.size, size, seed)

    @functools.cache
    def everything():
        return source.read(np.arange(source.size))

    def read(rows):
        digits = everything()
        planes = np.moveaxis(digits["real"][triples[rows], :, :, 0], 1, -1)
        around = ((0, 0), (padding, padding), (padding, padding), (0, 0))
        labels = digits["label"][triples[rows]] @ np.array([100, 10, 1], np.int32)
        return {"real": np.pad(planes, around), "label": labels}

    def heldout():
        other = source.heldout()
        return other and stacked(other, HELD_OUT, padding=padding, seed=seed, train=train)

    def classifier():
        from gan_jax import features  # Features import data.

        singles = train()
        return features.stacked(features.classifier(singles, singles.heldout()), padding=padding)

    height, width, _ = source.spec["real"].shape
    return of_images(
        name=f"{size} triples of {source.name}, seed {seed}",
        size=size,
        shape=(height + 2 * padding, width + 2 * padding, 3),
        classes=tuple(f"{number:03d}" for number in range(1000)),
        read=read,
        heldout=heldout,
        classifier=classifier,
    )


def _triples(count, size, seed):
    """Row numbers below `count`, int [size, 3]: every column goes through all of them again and again."""
    random = np.random.default_rng(seed)

    def column():
        return np.concatenate([random.permutation(count) for _ in range(-(-size // count))])[:size]

    return np.stack([column() for _ in range(3)], axis=1)
