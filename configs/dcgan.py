"""DCGAN: Radford, Metz and Chintala 2016, arXiv:1511.06434.

    python -m gan_jax.main --config=configs/dcgan.py          digits of scikit-learn
    python -m gan_jax.main --config=configs/dcgan.py:mnist    any TFDS name with images

From the paper: networks, initialisation, LeakyReLU 0.2, Adam with learning rate 2e-4 and beta1 0.5, uniform
latents. Ours: batch 64 instead of 128, an averaged generator, and fewer channels for small images: 32 instead
of 128 in the paper's generator and of 64 in the discriminator of its code.
"""

from gan_jax.recipe import Recipe


def get_config(data="digits"):
    """The recipe on a data set."""
    return Recipe(
        data=dict(name=data, resolution=0, flip=False),
        game=dict(name="gan", latents=dict(name="uniform", size=100)),
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
