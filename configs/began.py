"""BEGAN: Berthelot et al. 2017, arXiv:1703.10717.

    python -m gan_jax.main --config=configs/began.py          digits of scikit-learn
    python -m gan_jax.main --config=configs/began.py:mnist    any TFDS name with images

From the paper: an autoencoding discriminator, a balance kept between the energies of real and fake images,
64 uniform latents, Adam with learning rate 1e-4, batch 16, ELU, no batch norm. Ours has 32 channels for
small images and a diversity ratio of 0.5. The convergence measure is logged and not descended.
"""

from gan_jax.recipe import Recipe


def get_config(data="digits"):
    """The recipe on a data set."""
    return Recipe(
        data=dict(name=data, resolution=0, flip=False),
        game=dict(
            name="autoencoding", latents=dict(name="uniform", size=64), energy="l1", diversity_ratio=0.5
        ),
        nets=dict(
            generator=dict(name="autoencoders.EmbeddingGenerator", width=32),
            discriminator=dict(name="autoencoders.EmbeddingDiscriminator", width=32, size=64),
        ),
        losses=dict(
            discriminator=dict(boundary_equilibrium_discriminator=1.0, boundary_equilibrium_convergence=0.0),
            generator=dict(boundary_equilibrium_generator=1.0),
        ),
        optimizers=dict(
            discriminator=dict(adam=dict(learning_rate=1e-4, b1=0.5)),
            generator=dict(adam=dict(learning_rate=1e-4, b1=0.5)),
        ),
        updates=dict(discriminator=1, generator=1),
        average=dict(generator=dict(half_life=10_000, ramp_up=0.05)),
        batch_size=16,
        steps=4_000,
        eval_every=500,
    )
