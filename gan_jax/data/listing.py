"""What a folder of images holds: its images, its splits, its classes, and what is left out and why."""

import hashlib
import os
import re
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from gan_jax.errors import UsageError

ENDINGS = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff")
# Folders in which systems keep copies of their own.
SYSTEM = ("__MACOSX", "@eaDir", "$RECYCLE.BIN", "System Volume Information", "lost+found")
# Names of folders that are splits, in lower case.
SPLITS = {
    "train": "train", "training": "train",
    "val": "validation", "valid": "validation", "validation": "validation",
    "test": "test", "testing": "test",
}  # fmt: skip
# Share of the images that may lie beside class folders; one image may in any case.
_STRAY = 0.1
# Names that a line shows of many.
_SHOWN = 3


class Layout(NamedTuple):
    """How the images of a folder are used.

    Attributes:
        names: Paths relative to the folder, sorted.
        labels: Class of each, int32 [N]; all 0 without classes.
        classes: Names of the classes, in natural order; empty if the folders are no classes.
        splits: By name, row numbers int [M]: `train`, perhaps `validation`, `test` and `heldout`, and `all`.
        heldout: The split that `heldout` is; empty if nothing is held out.
        left_out: By reason, the images that are used nowhere.
        no_classes: Why there are no classes although there are folders, for people; else empty.
    """

    names: tuple[str, ...]
    labels: np.ndarray
    classes: tuple[str, ...]
    splits: dict[str, np.ndarray]
    heldout: str
    left_out: dict[str, list[str]]
    no_classes: str


def images(path: str) -> tuple[list[str], dict[str, list[str]]]:
    """All images below a folder. Links are followed, and each folder is read once.

    Args:
        path: The folder.

    Returns:
        Their paths relative to it, sorted; and by reason, what is no image or was not read.

    Raises:
        UsageError: No such folder, no images in it, or a folder in it that cannot be listed.
    """
    if not os.path.isdir(path):
        raise UsageError(f"{path}: expected a folder of images, there is no such folder")
    names: list[str] = []
    left: dict[str, list[str]] = {
        "hidden or of the system": [],
        "links to folders read before": [],
        "not images": [],
    }
    root = os.path.realpath(path)
    seen, above = set(), {root[:end] or os.sep for end, letter in enumerate(root) if letter == os.sep}
    folders, links = deque([""]), deque[str]()
    while folders or links:  # Links come last, so that a folder has its own name.
        place = folders.popleft() if folders else links.popleft()
        real = os.path.realpath(os.path.join(path, place))
        if real in seen or real in above:
            left["links to folders read before"].append(place)
            continue
        seen.add(real)
        for entry in _entries(os.path.join(path, place)):
            name = os.path.join(place, entry.name)
            if entry.name.startswith(".") or entry.name in SYSTEM:
                left["hidden or of the system"].append(name)
            elif entry.is_dir():
                (links if entry.is_symlink() else folders).append(name)
            elif entry.name.lower().endswith(ENDINGS) and (entry.is_file() or not os.path.exists(entry.path)):
                names.append(name)
            else:
                left["not images"].append(name)
    if not names:
        raise UsageError(f"{path}: no images in this folder; expected files that end in {', '.join(ENDINGS)}")
    return sorted(names, key=lambda name: name.split(os.sep)), {
        why: each for why, each in left.items() if each
    }


def _entries(place):
    """What a folder holds, sorted by name."""
    try:
        with os.scandir(place) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        raise UsageError(f"{place}: this folder cannot be listed ({error.strerror})") from None


def check_share(share: float) -> None:
    """Makes sure that a share of the images can be held out.

    Args:
        share: The share.

    Raises:
        UsageError: It is not in [0, 1).
    """
    if not 0 <= share < 1:
        raise UsageError(f"data.heldout={share}: expected a share of the images in [0, 1)")


def layout(names: Sequence[str], classes: bool, share: float) -> Layout:
    """Splits and classes of images by their folders.

    Folders `train`, `val` or `valid` or `validation`, and `test` are splits; else all images are for
    training, and a share of them is held out. The folders directly inside, or inside `train`, are classes if
    there are at least two and no more than one image, or a tenth, lies in none. Other splits have the classes
    of `train`, by name.

    Args:
        names: Paths relative to the folder, sorted.
        classes: Look for classes.
        share: Share of the images to hold out, in [0, 1), if no split is.

    Returns:
        The Layout.
    """
    parts = [name.split(os.sep) for name in names]
    split_of = _splits([each[0] if len(each) > 1 else "" for each in parts])
    depth = 1 if split_of else 0
    split = np.array(
        [split_of[each[0]] if each[0] in split_of else "" if depth else "train" for each in parts]
    )
    folder = np.array([each[depth] if len(each) > depth + 1 else "" for each in parts])
    known, reason = _classes(folder[split == "train"].tolist()) if classes else ((), "not asked for")
    number = {name: label for label, name in enumerate(known)}
    labels = np.array([number.get(name, -1) if known else 0 for name in folder], np.int32)
    left_out = {
        "outside the splits": split == "",
        "in no class folder": (split != "") & (labels < 0) & (folder == ""),
        "of classes that train has not": (split != "") & (labels < 0) & (folder != ""),
    }
    split = np.where(labels >= 0, split, "")
    rows, heldout = _rows(names, split, labels, share)
    shown = {why: _at(names, np.flatnonzero(which)) for why, which in left_out.items() if which.any()}
    return Layout(tuple(names), labels, known, rows, heldout, shown, reason)


def _rows(names, split, labels, share):
    """Row numbers by split, and the name of the one that is held out, or empty."""
    rows = {each: np.flatnonzero(split == each) for each in ("train", "validation", "test")}
    rows = {each: at for each, at in rows.items() if len(at)}
    heldout = next((each for each in ("validation", "test") if each in rows), "")
    whole = rows["train"]
    drawn = _held_out(_at(names, whole), labels[whole], 0.0 if heldout else share)
    if drawn.any():
        rows["train"], heldout, rows["heldout"] = whole[~drawn], "heldout", whole[drawn]
    elif heldout:
        rows["heldout"] = rows[heldout]
    rows["all"] = np.flatnonzero(split != "")
    return rows, heldout


def _at(names, rows):
    return [names[row] for row in rows.tolist()]


def _splits(tops):
    """Splits by name of their folder; empty if the folders of these images are none."""
    counts = Counter(tops)
    found = {top: SPLITS[top.lower()] for top in counts if top.lower() in SPLITS}
    inside = sum(counts[top] for top in found)
    others = [top for top in counts if top and top not in found]
    several = len(set(found.values())) > 1
    if "train" in found.values() and (several or not others) and len(tops) - inside < inside:
        return found
    return {}


def _classes(folders):
    """Names of the classes among the folders of images, or why there are none."""
    known, outside = sorted(set(folders) - {""}, key=_natural), folders.count("")
    if len(known) < 2:
        return (), "one folder" if known else ""
    if outside > max(1, len(folders) * _STRAY):
        return (), f"{outside:,} of {len(folders):,} images lie in no folder"
    return tuple(known), ""


def _natural(name):
    """A key that sorts 2 before 10; names with the same numbers are sorted as text."""
    return [int(part) if part.isdecimal() else part for part in re.split(r"(\d+)", name)], name


def _held_out(names, labels, share):
    """Which images to hold out, bool [N]: those whose names have the smallest hashes.

    So a new image moves at most one other. The image with the largest hash of each class stays in training.
    """
    hashes = np.array(
        [int.from_bytes(hashlib.sha256(os.fsencode(name)).digest()[:8]) for name in names], np.uint64
    )
    order = np.argsort(hashes, kind="stable")
    last = {label: row for row, label in zip(order, labels[order])}
    free = order[~np.isin(order, list(last.values()))]
    chosen = np.zeros(len(names), bool)
    chosen[free[: int(share * len(names))]] = True
    return chosen


def line(path: str, found: Layout, left: dict[str, list[str]]) -> str:
    """What a folder holds, in one line for people.

    Args:
        path: The folder.
        found: Its Layout.
        left: By reason, what else is left out.

    Returns:
        str.
    """
    known = found.classes
    none = "no classes" + (f" ({found.no_classes})" if found.no_classes else "")
    classes = f"{len(known)} classes ({some(known)})" if known else none
    return f"{path}: {counted(found, 'images')}, {classes}{without(found.left_out | left)}"


def counted(found: Layout, unit: str) -> str:
    """How many images there are, and in which splits, for people.

    Args:
        found: Their Layout.
        unit: Plural noun, such as `images`.

    Returns:
        str.
    """
    splits = [
        f"{name} {len(rows):,}{' (held out)' if name == found.heldout != 'heldout' else ''}"
        for name, rows in found.splits.items()
        if name != "all" and (name != "heldout" or found.heldout == "heldout")
    ]
    return f"{len(found.splits['all']):,} {unit} ({', '.join(splits)})"


def without(left: Mapping[str, Sequence[str]]) -> str:
    """The end of a line for people that says what is left out.

    Args:
        left: By reason, names; perhaps none.

    Returns:
        str; empty if nothing is left out.
    """
    out = [f"{len(names):,} {why} ({some(names)})" for why, names in left.items() if names]
    return f"; left out: {', '.join(out)}" if out else ""


def some(names: Sequence[str]) -> str:
    """The first of some names, for people."""
    return ", ".join(names[:_SHOWN]) + (", ..." if len(names) > _SHOWN else "")


def digest(found: Layout) -> str:
    """What tells this data from other data under the same path: the names of its images, and their splits.

    Args:
        found: The Layout.

    Returns:
        16 hexadecimal digits. The images themselves are not read.
    """
    return digest_of(
        {split: [found.names[row] for row in rows] for split, rows in found.splits.items() if split != "all"}
    )


def digest_of(names: Mapping[str, Sequence[str]]) -> str:
    """What tells names in splits from other ones.

    Args:
        names: By split.

    Returns:
        16 hexadecimal digits.
    """
    return hashlib.sha256(repr(sorted(names.items())).encode()).hexdigest()[:16]
