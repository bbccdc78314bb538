"""LSGAN: Mao et al. 2017, arXiv:1611.04076.

    python -m gan_jax.main --config=configs/lsgan.py          digits of scikit-learn
    python -m gan_jax.main --config=configs/lsgan.py:mnist    any TFDS name with images

From the paper: least squares with the labels 0 and 1, Adam with beta1 0.5, latents of 1024 uniform numbers.
Networks and learning rate are those of dcgan.py; the paper's networks are larger and its rate is 1e-3.
"""

from gan_jax.recipe import Recipe


def get_config(data="digits"):
    """The recipe on a data set."""
    return Recipe(
        data=dict(name=data, resolution=0, flip=False),
        game=dict(name="gan", latents=dict(name="uniform", size=1024)),
        nets=dict(
            generator=dict(name="dcgan.Generator", width=32),
            discriminator=dict(name="dcgan.Discriminator", width=32),
        ),
        losses=dict(
            discriminator=dict(least_squares_discriminator=1.0),
            generator=dict(least_squares_generator=1.0),
        ),
        optimizers=dict(
            discriminator=dict(adam=dict(learning_rate=2e-4, b1=0.5)),
            generator=dict(adam=dict(learning_rate=2e-4, b1=0.5)),
        ),
        updates=dict(discriminator=1, generator=1),
        average=dict(generator=dict(half_life=10_000, ramp_up=0.05)),
        batch_size=64,
        steps=4_000,
        eval_every=500,
    )
