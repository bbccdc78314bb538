"""Two domains in folders: which images are sources, which are targets, and which belong together."""

import os
import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from gan_jax.data.listing import SPLITS, some
from gan_jax.errors import UsageError

# What people call the domain that is given and the one that is wanted, in lower case.
SOURCES = ("a", "lr", "source", "sources", "input", "inputs", "low", "noisy", "blur", "blurry", "degraded")
TARGETS = ("b", "hr", "gt", "target", "targets", "output", "outputs", "high", "clean", "sharp", "real")
LAYOUTS = (
    "trainA and trainB, A/train and B/train, train/A and train/B, A and B, LR and HR (or source and target, input "
    "and output), or such words at the end of files' names, as in 1_LR.png and 1_HR.png"
)


class Image(NamedTuple):
    """A file and what its path says.

    Attributes:
        name: Its path.
        side: `source`, `target`, or empty.
        split: `train`, `validation`, `test`, or empty.
        key: What it has in common with its counterpart: its path without the words for the others.
    """

    name: str
    side: str
    split: str
    key: str


def of(name: str, *, files: bool = False) -> Image:
    """What the path of an image says.

    Args:
        name: Its path relative to the folder.
        files: Words at the end of the file's name say the side; otherwise folders do.

    Returns:
        The Image.
    """
    *folders, file = name.split(os.sep)
    side, split, kept = "", "", []
    for folder in folders:
        found_side, found_split = _words(folder)
        side, split = side or found_side, split or found_split
        if not found_side and not found_split and not re.fullmatch("[xX][2348]", folder):
            kept.append(folder)
    stem = os.path.splitext(file)[0]
    bare, word = _without_word(stem)
    if files:
        side = word
    return Image(name, side, split, "/".join([*kept, bare if files or side else stem]))


def _words(folder):
    """Side and split that the name of a folder says, as `trainA`, `A` or `DIV2K_train_LR_bicubic` do."""
    text = folder.lower()
    both = re.fullmatch(r"(train|val|valid|test)([ab])", text)
    words = both.groups() if both else re.split(r"[^a-z0-9]+", text)
    side = next((side for word in words if (side := _side(word))), "")
    split = next((SPLITS[word] for word in words if word in SPLITS), "")
    return side, split


def _side(word):
    return "source" if word in SOURCES else "target" if word in TARGETS else ""


def _without_word(stem):
    """A stem without the side and the scale at its end, as in `1_LR` and `0001x2`; and the side."""
    text = re.sub(r"(?<=[\d_-])x[2348]$|_SRF_[2348](?=_)", "", stem)
    head, _, last = re.sub(r"[-.]", "_", text).rpartition("_")
    side = _side(last.lower()) if head else ""
    return (text[: len(head)] if side else text.rstrip("_-")), side


class Found(NamedTuple):
    """The images of two domains.

    Attributes:
        sources: Those of the domain that is given.
        targets: Those of the one that is wanted.
        others: Names of images of neither.
    """

    sources: list[Image]
    targets: list[Image]
    others: list[str]


def found(names: Sequence[str]) -> Found | None:
    """The domains of the images in a folder.

    Args:
        names: Their paths relative to it.

    Returns:
        The Found; None if neither folders nor files say which image is of which domain.
    """
    for files in (False, True):
        images = [of(name, files=files) for name in names]
        sides = {side: [image for image in images if image.side == side] for side in ("source", "target", "")}
        if sides["source"] and sides["target"]:
            return Found(sides["source"], sides["target"], [image.name for image in sides[""]])
    return None


def apart(sources: Iterable[str], targets: Iterable[str]) -> Found:
    """Domains in two folders that are given apart.

    Args:
        sources: Paths relative to the folder of the one.
        targets: Paths relative to the folder of the other.

    Returns:
        The Found.
    """
    return Found(
        [_of_side(name, "source") for name in sources], [_of_side(name, "target") for name in targets], []
    )


def _of_side(name, side):
    """An image whose side is known; words for it in its name are not needed to find its counterpart."""
    image = of(name, files=True)
    return image._replace(side=side)


def by_key(images: Sequence[Image], path: str) -> dict[tuple[str, str], Image]:
    """Images by their split and key.

    Args:
        images: Of one domain.
        path: Their folder, for the message.

    Returns:
        The images.

    Raises:
        UsageError: Two have the same name but for its ending.
    """
    known: dict[tuple[str, str], Image] = {}
    for image in images:
        at = image.split, image.key
        if at in known:
            raise UsageError(
                f"{path}: {known[at].name} and {image.name} have the same name: rename one of them"
            )
        known[at] = image
    return known


def unmatched(source: Sequence[str], target: Sequence[str]) -> str:
    """The images without a counterpart, in one line for people.

    Args:
        source: Names of the sources without a target.
        target: Names of the targets without a source.

    Returns:
        str; empty if there are none.
    """
    lines = [
        f"{len(names):,} {side} without a {other} ({some(names)})"
        for names, side, other in ((source, "sources", "target"), (target, "targets", "source"))
        if names
    ]
    return ", ".join(lines)
