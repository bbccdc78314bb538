"""DRAGAN: Kodali et al. 2017, arXiv:1705.07215.

    python -m gan_jax.main --config=configs/dragan.py          digits of scikit-learn
    python -m gan_jax.main --config=configs/dragan.py:mnist    any TFDS name with images

From the paper: the gradient penalty around real samples with weight 10, on the vanilla loss. Networks and
optimizer are those of dcgan.py, without batch norm in the discriminator: the penalty is per sample.
"""

from gan_jax.recipe import Recipe


def get_config(data="digits"):
    """The recipe on a data set."""
    return Recipe(
        data=dict(name=data, resolution=0, flip=False),
        game=dict(name="gan", latents=dict(name="uniform", size=100)),
        nets=dict(
            generator=dict(name="dcgan.Generator", width=32),
            discriminator=dict(name="dcgan.Discriminator", width=32, batch_norm=False),
        ),
        losses=dict(
            discriminator=dict(non_saturating_discriminator=1.0, dragan=10.0),
            generator=dict(non_saturating_generator=1.0),
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
