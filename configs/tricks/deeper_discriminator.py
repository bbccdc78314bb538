"""DCGAN and a deeper discriminator, in the manner of Simonyan and Zisserman 2014, arXiv:1409.1556.

    python -m gan_jax.main --config=configs/tricks/deeper_discriminator.py          digits of scikit-learn
    python -m gan_jax.main --config=configs/tricks/deeper_discriminator.py:mnist    any TFDS name with images

Changes `nets.discriminator.depth`: one more convolution, with as many channels and without a stride, follows
each convolution that halves the image.
"""

import os
import runpy

DCGAN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "dcgan.py")


def get_config(data="digits"):
    """The recipe on a data set."""
    recipe = runpy.run_path(DCGAN)["get_config"](data)
    recipe.nets["discriminator"]["depth"] = 2
    return recipe
