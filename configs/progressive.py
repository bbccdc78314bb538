"""Progressive GAN: Karras et al. 2018, arXiv:1710.10196.

    python -m gan_jax.main --config=configs/progressive.py            digits of scikit-learn: 7, 14, 28 pixels
    python -m gan_jax.main --config=configs/progressive.py:mnist      any TFDS name with images

From the paper: the networks grow by a level at a time, which fades in, as do the real images; equalised
kernels, pixel norm, the deviation over the batch in groups of 4, WGAN-GP with weight 10 and drift 0.001, one
discriminator step, Adam with learning rate 1e-3, beta1 0 and beta2 0.99, begun anew with every level and at
the end of its fade, and an average with a decay of 0.999 a step. Ours is for 28 to 32 pixels and a CPU:
three sizes, 40,000 images for the smallest, for each fade and for each size after it (the paper 600,000,
800,000 in its first version), 16 to 64 channels, 128 latents, batch 32. `presets/progressive_256.py` has the
paper's sizes. Its LSGAN is
`--config.losses.discriminator='dict(least_squares_discriminator=1.0)'` and
`--config.losses.generator='dict(least_squares_generator=1.0)'`.
"""

from gan_jax.recipe import Recipe

PHASE = 40_000
BATCH = 32


def get_config(data="digits"):
    """The recipe on a data set."""
    adam = dict(learning_rate=1e-3, b1=0.0, b2=0.99)
    widths = (64, 32, 16)
    return Recipe(
        data=dict(name=data, resolution=0, flip=False),
        game=dict(name="gan", latents=dict(name="normal", size=128)),
        nets=dict(
            generator=dict(name="progressive.Generator", widths=widths),
            discriminator=dict(name="progressive.Discriminator", widths=widths, group_size=4),
        ),
        losses=dict(
            discriminator=dict(wasserstein_discriminator=1.0, gradient_penalty=10.0, drift=0.001),
            generator=dict(wasserstein_generator=1.0),
        ),
        optimizers=dict(discriminator=dict(adam=dict(adam)), generator=dict(adam=dict(adam))),
        updates=dict(discriminator=1, generator=1),
        # 0.999 a step.
        average=dict(generator=dict(half_life=22_170, ramp_up=0.05)),
        batch_size=BATCH,
        stages=dict(
            quarter=dict(images=PHASE, data=dict(halvings=2), reset=True),
            half=dict(images=2 * PHASE, fade=PHASE, data=dict(halvings=1), reset=True),
            full=dict(fade=PHASE, reset=True),
        ),
        steps=5 * PHASE // BATCH,
        eval_every=625,
    )
