"""DCGAN and noise on the generator's input, as Zhao et al. 2020, arXiv:2002.04724, perturb latents.

    python -m gan_jax.main --config=configs/tricks/input_noise.py          digits of scikit-learn
    python -m gan_jax.main --config=configs/tricks/input_noise.py:mnist    any TFDS name with images

Changes `nets.generator.wrap`: in training normal noise is added to the latents, a trick of the tutorials;
samples are drawn without it. The paper does so for its consistency terms, which this recipe does not have;
the deviation is ours.
"""

import os
import runpy

DCGAN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "dcgan.py")


def get_config(data="digits"):
    """The recipe on a data set."""
    recipe = runpy.run_path(DCGAN)["get_config"](data)
    recipe.nets["generator"]["wrap"] = dict(input_noise=dict(deviation=0.05))
    return recipe
