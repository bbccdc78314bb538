"""DCGAN and the least-squares loss: Mao et al. 2017, arXiv:1611.04076, eq. 2.

    python -m gan_jax.main --config=configs/tricks/least_squares.py          digits of scikit-learn
    python -m gan_jax.main --config=configs/tricks/least_squares.py:mnist    any TFDS name with images

Changes `losses` of both players, with the labels 0 and 1. `configs/lsgan.py` also has the paper's latents.
"""

import os
import runpy

DCGAN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "dcgan.py")


def get_config(data="digits"):
    """The recipe on a data set."""
    recipe = runpy.run_path(DCGAN)["get_config"](data)
    recipe.losses["discriminator"] = dict(least_squares_discriminator=1.0)
    recipe.losses["generator"] = dict(least_squares_generator=1.0)
    return recipe
