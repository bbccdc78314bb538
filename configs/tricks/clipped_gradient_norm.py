"""DCGAN and gradients clipped by norm: Pascanu et al. 2013, arXiv:1211.5063, algorithm 1.

    python -m gan_jax.main --config=configs/tricks/clipped_gradient_norm.py          digits of scikit-learn
    python -m gan_jax.main --config=configs/tricks/clipped_gradient_norm.py:mnist    any TFDS name with images

Changes `optimizers` of both players: a gradient longer than 1 over all of a player's parameters is
shortened to 1, before Adam sees it. The threshold is ours; the paper takes it from the norms of a run.
"""

import os
import runpy

DCGAN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "dcgan.py")


def get_config(data="digits"):
    """The recipe on a data set."""
    recipe = runpy.run_path(DCGAN)["get_config"](data)
    for player, chain in recipe.optimizers.items():
        recipe.optimizers[player] = dict(clip_by_global_norm=dict(max_norm=1.0), **chain)
    return recipe
