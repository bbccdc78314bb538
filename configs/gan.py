"""The first GAN: Goodfellow et al. 2014, arXiv:1406.2661, of fully connected layers.

    python -m gan_jax.main --config=configs/gan.py          digits of scikit-learn
    python -m gan_jax.main --config=configs/gan.py:mnist    any TFDS name with images

From the paper: the game, uniform noise, dropout in the discriminator, and a generator that climbs log D.
Its maxout units and momentum are LeakyReLU and Adam here.
"""

from gan_jax.recipe import Recipe


def get_config(data="digits"):
    """The recipe on a data set."""
    return Recipe(
        data=dict(name=data, resolution=0, flip=False),
        game=dict(name="gan", latents=dict(name="uniform", size=100)),
        nets=dict(
            generator=dict(name="mlp.Generator", widths=(256, 512), slope=0.2),
            discriminator=dict(name="mlp.Discriminator", widths=(512, 256), slope=0.2, dropout=0.3),
        ),
        losses=dict(
            discriminator=dict(non_saturating_discriminator=1.0),
            generator=dict(non_saturating_generator=1.0),
        ),
        optimizers=dict(
            discriminator=dict(adam=dict(learning_rate=2e-4, b1=0.5)),
            generator=dict(adam=dict(learning_rate=2e-4, b1=0.5)),
        ),
        updates=dict(discriminator=1, generator=1),
        average=dict(generator=dict(half_life=10_000, ramp_up=0.05)),
        batch_size=128,
        steps=4_000,
        eval_every=500,
    )
