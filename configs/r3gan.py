"""R3GAN: Huang et al. 2024, arXiv:2501.05441.

    python -m gan_jax.main --config=configs/r3gan.py          digits of scikit-learn
    python -m gan_jax.main --config=configs/r3gan.py:mnist    any TFDS name with images

From the paper: the relativistic pairing loss with R1 and R2 in every step, residual networks without
normalisation, 64 latents, Adam with beta1 0, learning rate 2e-4 down to 5e-5 and a gamma that falls to a
tenth, both by half a cosine. Ours is for small images and a CPU: fewer channels, one block a stage, no
augmentation, beta2 0.99 from the start, and the gamma of the paper's ImageNet at 64 pixels. If you change
`--config.steps`, set the four `decay_steps` to the same number.
"""

import copy

from gan_jax.recipe import Recipe


def get_config(data="digits"):
    """The recipe on a data set."""
    steps = 2_000
    rate = dict(cosine_decay_schedule=dict(init_value=2e-4, decay_steps=steps, alpha=0.25))
    gamma = dict(weight=dict(cosine_decay_schedule=dict(init_value=1.0, decay_steps=steps, alpha=0.1)))
    return Recipe(
        data=dict(name=data, resolution=0, flip=False),
        game=dict(name="gan", latents=dict(name="normal", size=64)),
        nets=dict(
            generator=dict(name="r3gan.Generator", widths=(16, 64), blocks=1),
            discriminator=dict(name="r3gan.Discriminator", widths=(16, 64), blocks=1),
        ),
        losses=dict(
            discriminator=dict(relativistic_discriminator=1.0, r1=gamma, r2=copy.deepcopy(gamma)),
            generator=dict(relativistic_generator=1.0),
        ),
        optimizers=dict(
            discriminator=dict(adam=dict(learning_rate=rate, b1=0.0, b2=0.99)),
            generator=dict(adam=dict(learning_rate=copy.deepcopy(rate), b1=0.0, b2=0.99)),
        ),
        updates=dict(discriminator=1, generator=1),
        average=dict(generator=dict(half_life=10_000, ramp_up=0.05)),
        batch_size=64,
        steps=steps,
        eval_every=500,
    )
