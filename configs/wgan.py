"""WGAN: Arjovsky et al. 2017, arXiv:1701.07875, algorithm 1.

    python -m gan_jax.main --config=configs/wgan.py          digits of scikit-learn
    python -m gan_jax.main --config=configs/wgan.py:mnist    any TFDS name with images

From the paper: five critic steps a generator step, weights clipped to 0.01, RMSprop with learning rate
5e-5, batch 64. The critic has no batch norm, as the authors' code allows.
"""

from gan_jax.recipe import Recipe


def get_config(data="digits"):
    """The recipe on a data set."""
    return Recipe(
        data=dict(name=data, resolution=0, flip=False),
        game=dict(name="gan", latents=dict(name="normal", size=100)),
        nets=dict(
            generator=dict(name="dcgan.Generator", width=32),
            discriminator=dict(name="dcgan.Discriminator", width=32, batch_norm=False),
        ),
        losses=dict(
            discriminator=dict(wasserstein_discriminator=1.0),
            generator=dict(wasserstein_generator=1.0),
        ),
        optimizers=dict(
            discriminator=dict(rmsprop=dict(learning_rate=5e-5), clip_weights=dict(max_value=0.01)),
            generator=dict(rmsprop=dict(learning_rate=5e-5)),
        ),
        updates=dict(discriminator=5, generator=1),
        average=dict(generator=dict(half_life=10_000, ramp_up=0.05)),
        batch_size=64,
        steps=4_000,
        eval_every=500,
    )
