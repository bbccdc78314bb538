"""Projection discriminator: Miyato and Koyama 2018, arXiv:1802.05637.

    python -m gan_jax.main --config=configs/projection.py          digits of scikit-learn
    python -m gan_jax.main --config=configs/projection.py:mnist    any TFDS name with images and labels

From the paper: the label enters the discriminator by an inner product, spectral norm in the discriminator,
the hinge loss, five discriminator steps, Adam with learning rate 2e-4, beta1 0 and beta2 0.9. Ours: the
networks of dcgan.py, whose generator gets the label at its input, because the paper's residual networks
learn far more slowly in minutes on a CPU. The paper's, with conditional batch norm, are `resnet.Generator`
and `resnet.Discriminator`.
"""

from gan_jax.recipe import Recipe


def get_config(data="digits"):
    """The recipe on a data set."""
    return Recipe(
        data=dict(name=data, resolution=0, flip=False),
        game=dict(name="gan", latents=dict(name="normal", size=128), condition_on=("label",)),
        nets=dict(
            generator=dict(name="dcgan.Generator", width=32),
            discriminator=dict(
                name="dcgan.Discriminator",
                width=32,
                batch_norm=False,
                heads=dict(projection={}),
                wrap=dict(spectral_norm={}),
            ),
        ),
        losses=dict(
            discriminator=dict(hinge_discriminator=1.0),
            generator=dict(hinge_generator=1.0),
        ),
        optimizers=dict(
            discriminator=dict(adam=dict(learning_rate=2e-4, b1=0.0, b2=0.9)),
            generator=dict(adam=dict(learning_rate=2e-4, b1=0.0, b2=0.9)),
        ),
        updates=dict(discriminator=5, generator=1),
        average=dict(generator=dict(half_life=10_000, ramp_up=0.05)),
        batch_size=64,
        steps=2_000,
        eval_every=500,
    )
