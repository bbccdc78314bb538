"""R3GAN for FFHQ at 64 pixels as in its paper: Huang et al. 2025, arXiv:2501.05441.

    python -m gan_jax.main --config=configs/presets/r3gan_ffhq64.py --config.data.path=PHOTOGRAPHS

22.4 and 22.4 million parameters, batch 256, without labels. Its length of 200 million images is ours; it was
not trained here.
"""

import os
import runpy

PRESETS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "r3gan_cifar10.py")


def get_config(data="folder"):
    """The recipe on a data set."""
    preset = runpy.run_path(PRESETS)["preset"]
    options = dict(resolution=64, batch_size=256, labels=False, images=200e6)
    return preset(data, (384, 768), 2.0, 0.3, 0.5e6, **options)
