"""SAGAN: Zhang et al. 2018, arXiv:1805.08318.

    python -m gan_jax.main --config=configs/sagan.py          digits of scikit-learn
    python -m gan_jax.main --config=configs/sagan.py:mnist    any TFDS name with images

From the paper: self-attention and spectral norm in both networks, the hinge loss, one step each with
learning rates 4e-4 and 1e-4, beta1 0 and beta2 0.9. The paper's networks are conditioned on classes, attend
at 32 pixels and have more channels than our 32.
"""

from gan_jax.recipe import Recipe


def get_config(data="digits"):
    """The recipe on a data set."""
    return Recipe(
        data=dict(name=data, resolution=0, flip=False),
        game=dict(name="gan", latents=dict(name="normal", size=128)),
        nets=dict(
            generator=dict(name="resnet.Generator", width=32, attention=(16,), wrap=dict(spectral_norm={})),
            discriminator=dict(
                name="resnet.Discriminator", width=32, attention=(16,), wrap=dict(spectral_norm={})
            ),
        ),
        losses=dict(
            discriminator=dict(hinge_discriminator=1.0),
            generator=dict(hinge_generator=1.0),
        ),
        optimizers=dict(
            discriminator=dict(adam=dict(learning_rate=4e-4, b1=0.0, b2=0.9)),
            generator=dict(adam=dict(learning_rate=1e-4, b1=0.0, b2=0.9)),
        ),
        updates=dict(discriminator=1, generator=1),
        average=dict(generator=dict(half_life=10_000, ramp_up=0.05)),
        batch_size=64,
        steps=2_000,
        eval_every=500,
    )
