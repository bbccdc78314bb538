"""Conditional GAN: Mirza and Osindero 2014, arXiv:1411.1784.

    python -m gan_jax.main --config=configs/cgan.py          digits of scikit-learn
    python -m gan_jax.main --config=configs/cgan.py:mnist    any TFDS name with images and labels

From the paper: both networks get the label beside their input. The networks are those of dcgan.py; the
paper's are fully connected.
"""

from gan_jax.recipe import Recipe


def get_config(data="digits"):
    """The recipe on a data set."""
    return Recipe(
        data=dict(name=data, resolution=0, flip=False),
        game=dict(name="gan", latents=dict(name="uniform", size=100), condition_on=("label",)),
        nets=dict(
            generator=dict(name="dcgan.Generator", width=32),
            discriminator=dict(name="dcgan.Discriminator", width=32),
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
        batch_size=64,
        steps=4_000,
        eval_every=500,
    )
