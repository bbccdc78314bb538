"""DCGAN and normalised gradients: Yu et al. 2017, arXiv:1707.04822.

    python -m gan_jax.main --config=configs/tricks/normalised_gradients.py          digits of scikit-learn
    python -m gan_jax.main --config=configs/tricks/normalised_gradients.py:mnist    any TFDS name with images

Changes `optimizers` of both players: the gradient of each layer is divided by its root mean square, before
Adam sees it. The tutorials divide by the mean square, `normalize_by_mean_square`, whose steps grow while the
gradient shrinks; with the root they keep their size.
"""

import os
import runpy

DCGAN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "dcgan.py")


def get_config(data="digits"):
    """The recipe on a data set."""
    recipe = runpy.run_path(DCGAN)["get_config"](data)
    for player, chain in recipe.optimizers.items():
        recipe.optimizers[player] = dict(normalize_by_root_mean_square={}, **chain)
    return recipe
