"""DCGAN and LeakyReLU of another slope: Maas et al. 2013; compared by Xu et al. 2015, arXiv:1505.00853.

    python -m gan_jax.main --config=configs/tricks/leaky_relu.py          digits of scikit-learn
    python -m gan_jax.main --config=configs/tricks/leaky_relu.py:mnist    any TFDS name with images

Changes `nets.generator.slope` and `nets.discriminator.slope`: 0.01 in both, as in the tutorials and in Maas
et al. DCGAN has ReLU in its generator and 0.2 in its discriminator.
"""

import os
import runpy

DCGAN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "dcgan.py")


def get_config(data="digits"):
    """The recipe on a data set."""
    recipe = runpy.run_path(DCGAN)["get_config"](data)
    for net in recipe.nets.values():
        net["slope"] = 0.01
    return recipe
