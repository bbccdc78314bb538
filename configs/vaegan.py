"""VAE-GAN: Larsen et al. 2016, arXiv:1512.09300, algorithm 1.

    python -m gan_jax.main --config=configs/vaegan.py          digits of scikit-learn
    python -m gan_jax.main --config=configs/vaegan.py:mnist    any TFDS name with images

From the paper: three players, an autoencoder whose error is measured in a layer of the discriminator, 128
normal latents, batch 64. Ours: Adam instead of RMSprop, and 1e-2 as the weight gamma of the similarity for
the generator, since our similarity sums over features. A grid shows originals above reconstructions.
"""

from gan_jax.recipe import Recipe


def get_config(data="digits"):
    """The recipe on a data set."""
    return Recipe(
        data=dict(name=data, resolution=0, flip=False),
        game=dict(name="vaegan", latents=dict(name="normal", size=128)),
        nets=dict(
            generator=dict(name="dcgan.Generator", width=32),
            encoder=dict(name="encoders.GaussianEncoder", size=128, width=32),
            discriminator=dict(name="discriminators.FeatureDiscriminator", width=32),
        ),
        losses=dict(
            encoder=dict(kl_to_standard_normal=1.0, learned_similarity=1.0),
            generator=dict(
                non_saturating_generator=1.0, reconstruction_generator=1.0, learned_similarity=1e-2
            ),
            discriminator=dict(non_saturating_discriminator=1.0, reconstruction_discriminator=1.0),
        ),
        optimizers=dict(
            encoder=dict(adam=dict(learning_rate=2e-4, b1=0.5)),
            generator=dict(adam=dict(learning_rate=2e-4, b1=0.5)),
            discriminator=dict(adam=dict(learning_rate=2e-4, b1=0.5)),
        ),
        updates=dict(encoder=1, generator=1, discriminator=1),
        average=dict(generator=dict(half_life=10_000, ramp_up=0.05)),
        batch_size=64,
        steps=4_000,
        eval_every=500,
    )
