"""DCGAN and dropout: Hinton et al. 2012, arXiv:1207.0580.

    python -m gan_jax.main --config=configs/tricks/dropout.py          digits of scikit-learn
    python -m gan_jax.main --config=configs/tricks/dropout.py:mnist    any TFDS name with images

Changes `nets.discriminator.dropout`: 0.3 of the features after each convolution are dropped in training, as
in the tutorials; the paper drops half of the hidden units.
"""

import os
import runpy

DCGAN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "dcgan.py")


def get_config(data="digits"):
    """The recipe on a data set."""
    recipe = runpy.run_path(DCGAN)["get_config"](data)
    recipe.nets["discriminator"]["dropout"] = 0.3
    return recipe
