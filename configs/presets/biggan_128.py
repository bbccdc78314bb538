"""BigGAN at the paper's size for 128 pixels: Brock et al. 2019, arXiv:1809.11096, section 3 and appendix C.

    python -m gan_jax.main --config=configs/presets/biggan_128.py    or any TFDS name with labels

70.4 and 88.0 million parameters, batch 2048, 2 discriminator steps, orthogonal regularisation of the
generator. The paper averages from step 20,000 on, with 0.9999 a step; here the half-life of that grows with
the samples seen. Attention, widths and chunks for 256 pixels: `--config.data.resolution=256
--config.game.latents.size=140`. It takes days on 128 TPU cores and was not trained here.
"""

import math
import os
import runpy

SMALL = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "biggan.py")


def get_config(data="imagenet2012"):
    """The recipe on a data set."""
    recipe = runpy.run_path(SMALL)["get_config"](data)
    recipe.data.update(resolution=128, flip=True)
    recipe.game["latents"]["size"] = 120
    recipe.nets["generator"].update(width=96, attention=(64,), shared=128)
    recipe.nets["discriminator"].update(width=96, attention=(64,))
    recipe.losses["generator"]["orthogonal"] = dict(weight=1e-4, leave=("shared_embedding",))
    recipe.optimizers["discriminator"]["adam"]["learning_rate"] = 2e-4
    recipe.optimizers["generator"]["adam"]["learning_rate"] = 5e-5
    recipe.updates = dict(discriminator=2, generator=1)
    recipe.batch_size = 2048
    recipe.average["generator"]["half_life"] = round(2048 * math.log(0.5) / math.log(0.9999))
    recipe.steps = 140_000
    recipe.checkpoint_every = recipe.grid_every = 1_000
    recipe.eval_every = 5_000
    return recipe
