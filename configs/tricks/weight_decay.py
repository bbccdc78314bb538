"""DCGAN and decoupled weight decay: Loshchilov and Hutter 2019, arXiv:1711.05101, algorithm 2.

    python -m gan_jax.main --config=configs/tricks/weight_decay.py          digits of scikit-learn
    python -m gan_jax.main --config=configs/tricks/weight_decay.py:mnist    any TFDS name with images

Changes `optimizers` of both players: after Adam each update shrinks kernels by 1e-4 of themselves, which is
a third over the run's 4,000 steps where no gradient opposes it. The strength is ours.
"""

import os
import runpy

DCGAN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "dcgan.py")


def get_config(data="digits"):
    """The recipe on a data set."""
    recipe = runpy.run_path(DCGAN)["get_config"](data)
    for player, chain in recipe.optimizers.items():
        recipe.optimizers[player] = dict(**chain, weight_decay=dict(strength=1e-4))
    return recipe
