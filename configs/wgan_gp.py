"""WGAN-GP: Gulrajani et al. 2017, arXiv:1704.00028, algorithm 1.

    python -m gan_jax.main --config=configs/wgan_gp.py          digits of scikit-learn
    python -m gan_jax.main --config=configs/wgan_gp.py:mnist    any TFDS name with images

From the paper: penalty weight 10, five critic steps, Adam with learning rate 1e-4, beta1 0 and beta2 0.9,
batch 64, no batch norm in the critic. The networks are those of dcgan.py.
"""

from gan_jax.recipe import Recipe


def get_config(data="digits"):
    """The recipe on a data set."""
    return Recipe(
        data=dict(name=data, resolution=0, flip=False),
        game=dict(name="gan", latents=dict(name="normal", size=128)),
        nets=dict(
            generator=dict(name="dcgan.Generator", width=32),
            discriminator=dict(name="dcgan.Discriminator", width=32, batch_norm=False),
        ),
        losses=dict(
            discriminator=dict(wasserstein_discriminator=1.0, gradient_penalty=10.0),
            generator=dict(wasserstein_generator=1.0),
        ),
        optimizers=dict(
            discriminator=dict(adam=dict(learning_rate=1e-4, b1=0.0, b2=0.9)),
            generator=dict(adam=dict(learning_rate=1e-4, b1=0.0, b2=0.9)),
        ),
        updates=dict(discriminator=5, generator=1),
        average=dict(generator=dict(half_life=10_000, ramp_up=0.05)),
        batch_size=64,
        steps=4_000,
        eval_every=500,
    )
