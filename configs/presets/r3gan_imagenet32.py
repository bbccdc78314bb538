"""R3GAN for ImageNet at 32 pixels as in its paper: Huang et al. 2025, arXiv:2501.05441.

    python -m gan_jax.main --config=configs/presets/r3gan_imagenet32.py

82.9 and 86.5 million parameters, batch 4096, groups of 32 channels, schedules over 200 million images. Its
length of 2 billion images is ours; it was not trained here.
"""

import os
import runpy

PRESETS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "r3gan_cifar10.py")


def get_config(data="imagenet_resized/32x32"):
    """The recipe on a data set."""
    preset = runpy.run_path(PRESETS)["preset"]
    options = dict(resolution=32, batch_size=4096, group_width=32, falling=200e6, images=2e9)
    return preset(data, (1536,), 0.5, 0.5, 50e6, **options)
