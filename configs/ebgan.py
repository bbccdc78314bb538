"""EBGAN: Zhao et al. 2017, arXiv:1609.03126.

    python -m gan_jax.main --config=configs/ebgan.py          digits of scikit-learn
    python -m gan_jax.main --config=configs/ebgan.py:mnist    any TFDS name with images

From the paper: the discriminator is an autoencoder, the Euclidean norm of its error the energy (section
2.3), and the margin 10 in these units, as on MNIST; the pull-away term with weight 0.1; Adam with learning
rate 1e-3 and 2e-4 in its code for larger images, the latter here.
"""

from gan_jax.recipe import Recipe


def get_config(data="digits"):
    """The recipe on a data set."""
    return Recipe(
        data=dict(name=data, resolution=0, flip=False),
        game=dict(name="autoencoding", latents=dict(name="normal", size=100), energy="euclidean"),
        nets=dict(
            generator=dict(name="dcgan.Generator", width=32),
            discriminator=dict(name="autoencoders.StridedDiscriminator", width=32, depth=2),
        ),
        losses=dict(
            discriminator=dict(energy_based_discriminator=dict(margin=10.0)),
            generator=dict(energy_based_generator=1.0, pull_away=0.1),
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
