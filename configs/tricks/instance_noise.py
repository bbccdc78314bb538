"""DCGAN and instance noise: Sonderby et al. 2017, arXiv:1610.04490, section 4.2.

    python -m gan_jax.main --config=configs/tricks/instance_noise.py          digits of scikit-learn
    python -m gan_jax.main --config=configs/tricks/instance_noise.py:mnist    any TFDS name with images

Changes `game.augment`: normal noise on every sample that the discriminator sees, real and fake, so that the
two overlap from the start (also Arjovsky and Bottou 2017, arXiv:1701.04862). It fades linearly to zero over
the run; its first deviation, 0.1, is ours. If you change `--config.steps`, set
`--config.game.augment.instance_noise.steps` to the same number.
"""

import os
import runpy

DCGAN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "dcgan.py")


def get_config(data="digits"):
    """The recipe on a data set."""
    recipe = runpy.run_path(DCGAN)["get_config"](data)
    recipe.game["augment"] = dict(instance_noise=dict(start=0.1, end=0.0, steps=recipe.steps))
    return recipe
