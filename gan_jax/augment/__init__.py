"""Augmentations between images and discriminator: differentiable, each sample on its own.

Images are float in [-1, 1], [B, H, W, C] with 1 or 3 channels and any height and width; an augmentation may
leave that range. A size or a move is a share of each side, and an angle is measured in pixels, so that a
rotation keeps the aspect ratio of the content. Each name in `__all__` is a factory: it takes hyperparameters
and returns an Augment. `chain` joins several Augments. `flip`, `shift` and `flip_and_shift` are plain
functions `(key, images) -> images` for consistency penalties.

Which pixels do gradient penalties see? The game's `critic` augments inside, so the gradient of `critic` is
with respect to the images before augmentation, as in R3GAN (Huang et al. 2024, arXiv:2501.05441) and in
StyleGAN2-ADA, which differentiates R1 through the pipeline. This gradient is zero at pixels that an
augmentation removes (cutout, shifts), and contrast scales it.
"""

from gan_jax.augment.chain import chain as chain
from gan_jax.augment.consistency import flip as flip
from gan_jax.augment.consistency import flip_and_shift as flip_and_shift
from gan_jax.augment.consistency import shift as shift
from gan_jax.augment.differentiable import diffaugment
from gan_jax.augment.noise import instance_noise
from gan_jax.augment.pipeline import adaptive, scheduled
from gan_jax.augment.pseudo import pseudo
from gan_jax.augment.pseudo import pseudo_augment as pseudo_augment

__all__ = ["adaptive", "diffaugment", "instance_noise", "pseudo", "scheduled"]
