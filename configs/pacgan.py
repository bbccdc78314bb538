"""PacGAN: Lin et al. 2018, arXiv:1712.04086.

    python -m gan_jax.main --config=configs/pacgan.py          digits of scikit-learn
    python -m gan_jax.main --config=configs/pacgan.py:mnist    any TFDS name with images

From the paper: the discriminator sees two samples at a time, all real or all fake. The rest is dcgan.py, as
the paper packs the DCGAN of its baselines. A batch of the authors' code has 64 pairs, which is
`batch_size=128`; here both recipes see the same number of images.
"""

from gan_jax.recipe import Recipe


def get_config(data="digits"):
    """The recipe on a data set."""
    return Recipe(
        data=dict(name=data, resolution=0, flip=False),
        game=dict(name="gan", latents=dict(name="uniform", size=100)),
        nets=dict(
            generator=dict(name="dcgan.Generator", width=32),
            discriminator=dict(name="dcgan.Discriminator", width=32, wrap=dict(packed=dict(samples=2))),
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
