"""Digits in print, drawn when they are read; and handwritten digits to turn into them."""

import functools
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from gan_jax.data.digits import digits
from gan_jax.data.source import Source, labels, of_images
from gan_jax.data.tfds import tfds
from gan_jax.data.unpaired import joined
from gan_jax.errors import UsageError, unknown
from gan_jax.images import Resolution, height_and_width

# Rows of the held-out split.
HELD_OUT = 1_000
# Pixels of the drawing for one of the image.
_FINER = 3
# Of the digit's height over the image's, of moves of its centre over it, of turns in degrees, and of the
# width of an outline over the digit's height: the least and the largest.
_HEIGHT, _MOVE, _TURN, _WEIGHT = (0.5, 0.8), 0.08, 12.0, (0.0, 0.05)
# Capitals of the font over its size.
_CAPITAL = 0.72


def printed_digits(
    *, split: str = "train", size: int = 5_000, resolution: Resolution = 0, seed: int = 0
) -> Source:
    """Printed digits of random size, place, turn and weight, white on black.

    No paper has them. They are drawn in the font that Pillow brings along, each row a function of its number.

    Args:
        split: `train` or `test`.
        size: Digits to train on; 1,000 are in the test split.
        resolution: Height and width, pixels, or one number for both; 0 for 28.
        seed: Of the digits.

    Returns:
        A Source with ten classes.

    Raises:
        UsageError: No such split, or a Pillow without fonts.
    """
    splits = {"train": size, "test": HELD_OUT}
    if split not in splits:
        raise unknown("data.split", split, splits)
    random = np.random.default_rng([seed, split == "test"])
    rest = functools.partial(printed_digits, split="test", resolution=resolution, seed=seed)
    return _printed(
        f"printed digits, {split}, seed {seed}", random.integers(10, size=splits[split]), resolution,
        (seed, split == "test"), heldout=rest if split == "train" else lambda: None,
    )  # fmt: skip


def _printed(name, digits_of, resolution, seed, **options):
    """Printed digits of given labels, int [N]."""
    height, width = height_and_width(resolution or 28)
    digits_of = np.asarray(digits_of, np.int32)
    _font(8)  # A mistake of the machine is said at the start.

    def read(rows):
        images = [_drawn(digits_of[row], height, width, (*seed, int(row))) for row in rows]
        return {"real": np.stack(images), "label": digits_of[rows]}

    return of_images(name, len(digits_of), (height, width, 1), tuple("0123456789"), read, **options)


def _drawn(digit: int, height: int, width: int, seed: Sequence[int]) -> np.ndarray:
    """A digit, uint8 [height, width, 1]."""
    random = np.random.default_rng(list(seed))
    share, weight = random.uniform(*_HEIGHT), random.uniform(*_WEIGHT)
    move, turn = random.uniform(-_MOVE, _MOVE, 2), random.uniform(-_TURN, _TURN)
    side = _FINER * min(height, width)
    canvas = Image.new("L", (_FINER * width, _FINER * height))
    place = canvas.width * (0.5 + move[0]), canvas.height * (0.5 + move[1])
    ImageDraw.Draw(canvas).text(
        place, str(digit), fill=255, font=_font(round(share * side / _CAPITAL)), anchor="mm",
        stroke_width=round(weight * side),
    )  # fmt: skip
    canvas = canvas.rotate(turn, Image.Resampling.BILINEAR, center=place)
    return np.asarray(canvas.resize((width, height), Image.Resampling.BOX))[..., None]


@functools.cache
def _font(size):
    """Pillow's own font at a size, pixels."""
    try:
        return ImageFont.load_default(size)
    except (ImportError, OSError) as error:
        raise UsageError(f"printed digits need a Pillow with FreeType: {error}") from None


def digits_to_printed(
    *,
    handwritten: str = "digits",
    split: str = "train",
    size: int = 5_000,
    resolution: Resolution = 0,
    seed: int = 0,
    data_dir: str | None = None,
) -> Source:
    """Handwritten digits to turn into printed ones, without pairs.

    No paper has it. Training draws both in orders of their own. Of a fixed row, `label` is the digit of both
    images, so that it can be counted how often a translation keeps the digit; the images themselves belong to
    no pair.

    Args:
        handwritten: `digits` of scikit-learn, or a set of TFDS with these ten classes, `mnist`.
        split: Of the handwritten ones; of `train`, those of the test split are held out.
        size: Printed digits to train on.
        resolution: Height and width, pixels, or one number for both; 0 for 28.
        seed: Of the printed digits.
        data_dir: Folder of prepared TFDS data; None for TFDS's own.

    Returns:
        A Source with the entries `real`, printed, `source`, handwritten, and `label`.

    Raises:
        UsageError: No such set or split, or one of other classes than ten.
    """
    if handwritten == "digits":
        source = digits(split=split, resolution=resolution)
    else:
        source = tfds(name=handwritten, split=split, resolution=resolution or 28, data_dir=data_dir)
    if len(source.classes) != 10:
        raise UsageError(
            f"data.handwritten={handwritten!r}: expected ten classes, it has {len(source.classes)}"
        )
    printed = printed_digits(size=size, resolution=resolution, seed=seed)
    return _to_printed(source, printed, resolution, seed)


def _to_printed(source, printed, resolution, seed):
    """Handwritten digits, each with a printed one of its label where rows are fixed; and the parts of training."""

    @functools.cache
    def alike():
        return _printed("alike", labels(source, np.arange(source.size)), resolution, (seed, 2))

    def read(rows):
        return {**alike().read(rows), "source": source.read(rows)["real"]}

    def heldout():
        other, rest = source.heldout(), printed.heldout()
        return other and _to_printed(other, rest or printed, resolution, seed + 1)

    name = f"{source.name}, to be printed"
    joint = joined(name, printed, source, source.size, read=read, heldout=heldout)
    return joint._replace(facts={**joint.facts, "label_of": "both"})
