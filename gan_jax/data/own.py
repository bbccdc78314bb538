"""One's own images: what a recipe needs to be told of a folder or a file of them."""

import inspect
import logging
import os
from typing import Any

from PIL import Image

from gan_jax import degradations, games
from gan_jax.data import domains, files, listing, pixels
from gan_jax.data.archive import has_labels
from gan_jax.errors import Unknown, UsageError
from gan_jax.names import find
from gan_jax.recipe import Recipe

log = logging.getLogger("gan_jax")

# Larger images are trained on at this size unless another is given: pixels that a small network learns in
# minutes.
SIDE = 64
# Pairs whose source is smaller are cut into patches of this size instead: a multiple of every usual scale.
PATCH = 96
# Data sets of recipes that turn one image into another, and those of them without pairs.
_UNPAIRED = ("unpaired", "digits_to_printed")
_TRANSLATED = ("paired", *_UNPAIRED)
# Fewer images train no classifier, which would take minutes, and the log names an augmentation; Zhao et al.
# 2020, arXiv:2006.10738, learn from 100.
FEW = 1_000


def changes(path: str, recipe: Recipe) -> dict[str, Any]:
    """The changes that train a recipe on one's own images; the log says those that one may not expect.

    A recipe that turns one image into another gets the pairs or domains in the folder (`paired`, `unpaired`),
    or, if it makes its sources itself, patches of the images there (`photographs`).

    Args:
        path: A folder of images, or an `.npz` or `.npy` file.
        recipe: The Recipe, with all its other changes. A resolution that it decides is kept.

    Returns:
        Dict from dotted paths of the recipe to values.

    Raises:
        UsageError: There is no such folder or file, no image in the folder, or no two domains for a recipe
            that needs them.
    """
    is_file = os.path.isfile(path) and path.endswith((".npz", ".npy"))
    if not is_file and not os.path.isdir(path):
        raise UsageError(
            f"data={path}: expected a folder of images, or an .npz or .npy file; other data is named after "
            "the recipe, as in --config=dcgan:mnist"
        )
    names = [] if is_file else listing.images(path)[0]
    kind = _kind(path, names, recipe)
    found: dict[str, Any] = {"data.name": kind, "data.path": path}
    said = []
    degrade = recipe.data.get("degrade", {})
    kept = {name: options for name, options in degrade.items() if name in degradations.BESIDE}
    if kind != "photographs" and kept != degrade:
        found["data.degrade"] = kept
        left = ", ".join(str(name) for name in degrade if name not in kept)
        said.append(f"sources are those of the folder, so {left} of data.degrade is left out")
    if names and kind != "photographs":
        size, line = _size(path, names, kind, recipe)
        found |= size
        said += line
    has_classes = kind in ("archive", "folder") and (
        has_labels(path) if is_file else bool(listing.layout(names, classes=True, share=0.0).classes)
    )
    few = 0 < len(names) < FEW
    if recipe.eval_every and recipe.eval_features == "classifier" and (few or not has_classes):
        found["eval_features"] = "pixels"
        why = f"fewer than {FEW:,} images are too few for a" if has_classes else "without classes there is no"
        said.append(f"{why} classifier, so evaluations compare pixels")
    if few and kind == "folder" and not recipe.game.get("augment"):
        said.append(
            f"fewer than {FEW:,} images are soon known by heart: --config.game.augment.diffaugment={{}} helps"
        )
    if said:
        log.info("%s: %s", path, "; ".join(said))
    return found


def _kind(path, names, recipe):
    """The data set that reads it for this recipe."""
    if not names:
        return "archive"
    made = bool(recipe.data.get("degrade"))
    if not made and recipe.data.get("name") not in _TRANSLATED and "source" not in _conditions(recipe):
        return "folder"
    found = domains.found(names)
    if found is None:  # Side by side, or a mistake that `paired` explains.
        return "photographs" if made else "paired"
    alike = {(image.split, image.key) for image in found.sources}
    pairs = any((image.split, image.key) in alike for image in found.targets)
    return "paired" if pairs and recipe.data.get("name") not in _UNPAIRED else "unpaired"


def _conditions(recipe):
    """The entries of a row that the recipe's game gives to networks."""
    if given := recipe.game.get("condition_on"):
        return given
    try:
        parameters = inspect.signature(find(recipe.game["name"], (games,), "game.name")).parameters
    except Unknown:  # It is said where the name is used.
        return ()
    return parameters["condition_on"].default if "condition_on" in parameters else ()


def _size(path, names, kind, recipe):
    """The change that gives images one size, if they need one, and what the log says of it."""
    if recipe.data.get("resolution") or recipe.data.get("patch"):
        return {}, []
    if kind == "paired" and _scale(path, names) > 1:
        said = f"pairs are cut into patches of {PATCH}x{PATCH} pixels (--config.data.patch changes it)"
        return {"data.patch": PATCH}, [said]
    if _small(path, names):
        return {}, []
    said = f"images become {SIDE}x{SIDE} pixels (--config.data.resolution changes it)"
    return {"data.resolution": SIDE}, [said]


def _scale(path, names):
    """Height of the first target over that of its source; 1 if there is no such pair."""
    found = domains.found(names)
    sources = {(image.split, image.key): image.name for image in found.sources} if found else {}
    for target in found.targets if found else ():
        if (target.split, target.key) in sources:
            pair = target.name, sources[target.split, target.key]
            large, small = (header.size for header in files.headers(path, pair).values())
            return large[0] // max(small[0], 1)
    return 1


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
