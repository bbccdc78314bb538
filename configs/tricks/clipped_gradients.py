"""DCGAN and gradients clipped by value, Mikolov's form of Pascanu et al. 2013, arXiv:1211.5063.

    python -m gan_jax.main --config=configs/tricks/clipped_gradients.py          digits of scikit-learn
    python -m gan_jax.main --config=configs/tricks/clipped_gradients.py:mnist    any TFDS name with images

Changes `optimizers` of both players: each entry of a gradient is clipped to [-0.01, 0.01], the tutorials'
range, before Adam sees it. `clipped_gradient_norm.py` keeps the gradient's direction.
"""

import os
import runpy

DCGAN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "dcgan.py")


def get_config(data="digits"):
    """The recipe on a data set."""
    recipe = runpy.run_path(DCGAN)["get_config"](data)
    for player, chain in recipe.optimizers.items():
        recipe.optimizers[player] = dict(clip=dict(max_delta=0.01), **chain)
    return recipe
