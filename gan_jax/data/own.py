"""One's own images: what a recipe needs to be told of a folder or a file of them."""

import logging
import os
from typing import Any

from PIL import Image

from gan_jax.data import listing, pixels
from gan_jax.data.archive import has_labels
from gan_jax.errors import UsageError
from gan_jax.recipe import Recipe

log = logging.getLogger("gan_jax")

# Larger images are trained on at this size unless another is given: pixels that a small network learns in
# minutes.
SIDE = 64
# Fewer images train no classifier, which would take minutes, and the log names an augmentation; Zhao et al.
# 2020, arXiv:2006.10738, learn from 100.
FEW = 1_000


def changes(path: str, recipe: Recipe) -> dict[str, Any]:
    """The changes that train a recipe on one's own images; the log says those that one may not expect.

    Args:
        path: A folder of images, or an `.npz` or `.npy` file.
        recipe: The Recipe, with all its other changes. A resolution that it decides is kept.

    Returns:
        Dict from dotted paths of the recipe to values.

    Raises:
        UsageError: There is no such folder or file, or no image in the folder.
    """
    is_file = os.path.isfile(path) and path.endswith((".npz", ".npy"))
    if not is_file and not os.path.isdir(path):
        raise UsageError(
            f"data={path}: expected a folder of images, or an .npz or .npy file; other data is named after "
            "the recipe, as in --config=dcgan:mnist"
        )
    names = [] if is_file else listing.images(path)[0]
    found: dict[str, Any] = {"data.name": "archive" if is_file else "folder", "data.path": path}
    said = []
    if names and not recipe.data.get("resolution") and not _small(path, names):
        found["data.resolution"] = SIDE
        said.append(f"images become {SIDE}x{SIDE} pixels (--config.data.resolution changes it)")
    has_classes = (
        has_labels(path) if is_file else bool(listing.layout(names, classes=True, share=0.0).classes)
    )
    few = 0 < len(names) < FEW
    if recipe.eval_every and recipe.eval_features == "classifier" and (few or not has_classes):
        found["eval_features"] = "pixels"
        why = f"fewer than {FEW:,} images are too few for a" if has_classes else "without classes there is no"
        said.append(f"{why} classifier, so evaluations compare pixels")
    if few and not recipe.game.get("augment"):
        said.append(
            f"fewer than {FEW:,} images are soon known by heart: --config.game.augment.diffaugment={{}} helps"
        )
    if said:
        log.info("%s: %s", path, "; ".join(said))
    return found


def _small(path, names):
    """Are all images of one size of at most 64 pixels a side? Headers are read until one decides."""
    size = None
    for name in names:
        try:
            with Image.open(os.path.join(path, name)) as image:
                here = pixels.shown_size(image)
        except Exception:  # Whoever reads the folder says what is wrong with it.
            continue
        size = size or here
        if here != size or max(here) > SIDE:
            return False
    return True
