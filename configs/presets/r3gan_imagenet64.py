"""R3GAN for ImageNet at 64 pixels as in its paper: Huang et al. 2025, arXiv:2501.05441.

    python -m gan_jax.main --config=configs/presets/r3gan_imagenet64.py

103.6 and 107.2 million parameters, batch 4096, groups of 32 channels, schedules over 200 million images. Its
length of 2 billion images is ours; it was not trained here.
"""

import os
import runpy

PRESETS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "r3gan_cifar10.py")


def get_config(data="imagenet_resized/64x64"):
    """The recipe on a data set."""
    preset = runpy.run_path(PRESETS)["preset"]
    options = dict(resolution=64, batch_size=4096, group_width=32, falling=200e6, images=2e9)
    return preset(data, (1536,), 1.0, 0.4, 50e6, **options)
