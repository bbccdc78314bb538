"""Photographs in patches: for super-resolution, denoising, deblurring and inpainting."""

import importlib.util
import logging
import math
import os

from gan_jax.data import files, listing, patches, pixels
from gan_jax.data.source import Source, of_images
from gan_jax.errors import UsageError, unknown

log = logging.getLogger("gan_jax")


def photographs(
    *,
    path: str = "",
    split: str = "train",
    patch: int = 96,
    stride: int = 48,
    shrink: int = 1,
    heldout: float = 0.2,
    background: str = "white",
) -> Source:
    """Patches of large photographs: those in a folder, or the two that scikit-learn ships.

    Held out are a `val` or `test` folder, else a share of the photographs, else, of fewer, the right-hand
    part of each: no pixel of a held-out patch is in one to train on. Rows are in the order of files, then
    from above to below.

    Args:
        path: A folder of photographs; empty for `china.jpg` and `flower.jpg` (CC BY) of scikit-learn.
        split: `train`, `heldout`, `validation`, `test`, or `all`.
        patch: Height and width of a patch, pixels. With `data.crop` each sample is a random part of one.
        stride: From one patch to the next, pixels; of held-out ones, the size of a patch.
        shrink: Photographs become so many times smaller first, each pixel the mean of a square: that removes
            the traces of JPEG and of the camera's noise.
        heldout: Share of the photographs, or of the width of each, that is held out without such a folder, in
            [0, 1).
        background: Colour behind transparent pixels.

    Returns:
        A Source. Its rows are cut when they are read; decoded photographs are kept in memory, up to 1 GiB.

    Raises:
        UsageError: No such folder or split, or no photograph as large as a patch.
    """
    listing.check_share(heldout)
    pixels.check_background(background)
    path = os.path.expanduser(path) or _shipped()
    names, left = listing.images(path)
    headers = files.headers(path, names, background)
    files.check_sound(headers)
    sizes = {name: tuple(side // shrink for side in header.size) for name, header in headers.items()}
    small = [name for name in names if min(sizes[name]) < patch]
    kept = [name for name in names if name not in small]
    if not kept:
        raise UsageError(f"{path}: no photograph of {patch} x {patch} pixels or more, the size of data.patch")
    found = listing.layout(kept, classes=False, share=heldout)
    split = listing.SPLITS.get(split, split)
    parts = {name: [found.names[row] for row in rows] for name, rows in found.splits.items()}
    # Too few photographs to hold out one: a part of each.
    inside = bool(heldout) and not found.heldout
    if inside:
        parts["heldout"] = parts["train"]
    if split not in parts:
        raise unknown("data.split", split, parts)
    channels = 1 if all(headers[name].grey for name in kept) else 3
    _say(path, found, inside, {**left, "smaller than a patch": small} if small else left)

    def of(split, rest):
        chosen = parts[split]
        areas = [_area(sizes[name], patch, heldout if inside else 0, split) for name in chosen]
        places = patches.on_grid(areas, patch, stride if split == "train" else patch)
        if not len(places):
            raise UsageError(
                f"{path}: data.heldout={heldout} leaves no patch of {patch} x {patch} pixels in {split}"
            )

        def image(number):
            name = os.path.join(path, chosen[number])
            return {"real": files.whole(name, channels, background, shrink)}

        decoded = [math.prod(sizes[name]) * channels for name in chosen]
        return of_images(
            f"patches of {path}, {split}", len(places), (patch, patch, channels), (),
            patches.reader(image, places, patch, decoded), heldout=rest,
            identity=f"names of files {listing.digest(found)}",
        )  # fmt: skip

    if split != "train" or not (inside or found.heldout):
        return of(split, lambda: None)
    return of(split, lambda: of("heldout" if inside else found.heldout, lambda: None))


def _shipped():
    """The folder with scikit-learn's photographs; importing it would take a second."""
    package = importlib.util.find_spec("sklearn")
    assert package and package.submodule_search_locations, "scikit-learn is a requirement of this package"
    return os.path.join(package.submodule_search_locations[0], "datasets", "images")


def _area(size, patch, share, split):
    """Top, left, height and width of what a split has of a photograph."""
    height, width = size
    right = max(patch, round(share * width)) if share else 0
    if split == "train":
        return 0, 0, height, width - right
    return (0, 0, height, width) if split == "all" or not share else (0, width - right, height, right)


def _say(path, found, inside, left):
    """Logs what the folder holds."""
    where = ", the right-hand part of each is held out" if inside else ""
    left = {why: names for why, names in left.items() if why != "not images"}
    log.info("%s: %s%s%s", path, listing.counted(found, "photographs"), where, listing.without(left))
