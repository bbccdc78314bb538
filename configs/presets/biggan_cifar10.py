"""BigGAN for CIFAR-10 as in its authors' PyTorch code: Brock et al. 2019, arXiv:1809.11096.

    python -m gan_jax.main --config=configs/presets/biggan_cifar10.py    or any TFDS name with labels

4.3 and 4.2 million parameters: a gain and an offset of each class in every batch norm, no shared embedding,
no chunks, no attention, kernels normal with deviation 0.02, batch 50, 4 discriminator steps, learning rates
2e-4, 500 epochs of discriminator steps. It takes a day on a GPU and was not trained here.
"""

import math
import os
import runpy

SMALL = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "biggan.py")


def get_config(data="cifar10"):
    """The recipe on a data set."""
    recipe = runpy.run_path(SMALL)["get_config"](data)
    recipe.data["flip"] = True
    recipe.game["latents"]["size"] = 128
    recipe.nets["generator"].update(width=64, attention=(), shared=0, skip=False, kernel_init="normal")
    recipe.nets["generator"]["wrap"] = dict(spectral_norm=dict(epsilon=1e-6))
    recipe.nets["discriminator"].update(width=64, attention=(), kernel_init="normal")
    for optimizer in recipe.optimizers.values():
        optimizer["adam"].update(learning_rate=2e-4, eps=1e-8)
    recipe.updates = dict(discriminator=4, generator=1)
    recipe.batch_size = 50
    recipe.average["generator"]["half_life"] = round(50 * math.log(0.5) / math.log(0.9999))
    recipe.steps = 125_000
    recipe.checkpoint_every = recipe.grid_every = 1_000
    recipe.eval_every = 5_000
    return recipe
