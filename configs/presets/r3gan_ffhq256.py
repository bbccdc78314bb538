"""R3GAN for FFHQ at 256 pixels as in its paper: Huang et al. 2025, arXiv:2501.05441.

    python -m gan_jax.main --config=configs/presets/r3gan_ffhq256.py --config.data.path=PHOTOGRAPHS

23.1 and 23.0 million parameters, batch 256, without labels; 4, 8 and 16 pixels are computed in float32. Its
length of 200 million images is ours; it was not trained here.
"""

import os
import runpy

PRESETS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "r3gan_cifar10.py")


def get_config(data="folder"):
    """The recipe on a data set."""
    preset = runpy.run_path(PRESETS)["preset"]
    options = dict(resolution=256, batch_size=256, labels=False, float32_stages=3, images=200e6)
    return preset(data, (96, 192, 384, 768), 150.0, 0.3, 0.5e6, **options)
