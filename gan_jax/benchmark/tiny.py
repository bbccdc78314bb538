"""Recipes that ship, with networks a few channels wide: for tests, and to try a benchmark."""

import dataclasses
from typing import Any

from gan_jax import recipe as recipe_lib
from gan_jax.benchmark import cases
from gan_jax.recipe import Recipe


def shrunk(plain: dict[str, Any]) -> Recipe:
    """A recipe of tiny networks, for batches of 8.

    Args:
        plain: The recipe as `recipe.to_dict` returns it.

    Returns:
        The Recipe.
    """
    recipe = recipe_lib.from_dict(plain)
    recipe.nets = {player: _tiny(net) for player, net in recipe.nets.items()}
    if "size" in recipe.game.get("latents", {}):
        recipe.game["latents"]["size"] = 16
    recipe.batch_size = 8
    return recipe


def of_few_pixels(recipe: Recipe) -> Recipe:
    """The same of a Recipe, for the smallest images on which all its layers are at work."""
    recipe = shrunk(recipe_lib.to_dict(recipe))
    # Residual networks of one block; of DCGAN's, two halvings, since the first one has no batch norm.
    residual = recipe.nets["generator"].get("name", "").startswith(("resnet.", "r3gan.", "biggan"))
    if "resolution" in recipe.data:
        recipe.data["resolution"] = 8 if residual else 16
    if recipe.data.get("crop"):
        recipe.data["crop"] = 16
    for net in recipe.nets.values():
        if "depth" in net:
            net["depth"] = 3  # As often as a U-Net halves these.
    return recipe


def case(name: str, few_pixels: bool) -> Recipe:
    """A case, in its own size or tiny.

    Args:
        name: A name that `cases.find` knows.
        few_pixels: Whether it is tiny.

    Returns:
        The Recipe.
    """
    recipe = cases.find(name)
    if not few_pixels:
        return recipe
    if name == "dcgan28":  # Its networks have one size.
        return dataclasses.replace(recipe, batch_size=8)
    return of_few_pixels(recipe)


def _tiny(tree):
    """The same networks, a few channels wide."""
    small = {"width": 8, "widths": [8], "units": 8, "size": 16, "features": 8, "blocks": 1, "growth": 4}
    small |= {"attention": [8], "layers": [0, 1, 3]}
    return {
        name: _tiny(part) if isinstance(part, dict) else small.get(name, part) for name, part in tree.items()
    }
