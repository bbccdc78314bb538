"""BigGAN: Brock et al. 2019, arXiv:1809.11096.

    python -m gan_jax.main --config=configs/biggan.py            digits of scikit-learn
    python -m gan_jax.main --config=configs/biggan.py:cifar10    any TFDS name with images and labels

From the paper: a class embedding that all batch norms share, latents cut into chunks for the blocks, spectral
norm on every kernel but that embedding, orthogonal initialisation, attention, a projection discriminator, the
hinge loss, Adam with beta1 0, beta2 0.999 and epsilon 1e-6. Ours is for small images and a CPU: 8 times
fewer channels, batch 64 instead of 2048, learning rates 1e-4 and 4e-4 with one discriminator step, as in the
authors' PyTorch code, instead of 5e-5 and 2e-4 with two. The paper's sizes: `presets/biggan_128`.
"""

from gan_jax.recipe import Recipe


def get_config(data="digits"):
    """The recipe on a data set."""
    return Recipe(
        data=dict(name=data, resolution=0, flip=False),
        game=dict(name="gan", latents=dict(name="normal", size=60), condition_on=("label",)),
        nets=dict(
            generator=dict(
                name="biggan.Generator",
                width=8,
                attention=(16,),
                shared=32,
                wrap=dict(spectral_norm=dict(leave=("shared_embedding",), epsilon=1e-6)),
            ),
            discriminator=dict(
                name="biggan.Discriminator",
                width=8,
                attention=(16,),
                heads=dict(projection={}),
                wrap=dict(spectral_norm=dict(epsilon=1e-6)),
            ),
        ),
        losses=dict(
            discriminator=dict(hinge_discriminator=1.0),
            generator=dict(hinge_generator=1.0),
        ),
        optimizers=dict(
            discriminator=dict(adam=dict(learning_rate=4e-4, b1=0.0, b2=0.999, eps=1e-6)),
            generator=dict(adam=dict(learning_rate=1e-4, b1=0.0, b2=0.999, eps=1e-6)),
        ),
        updates=dict(discriminator=1, generator=1),
        average=dict(generator=dict(half_life=10_000, ramp_up=0.05)),
        batch_size=64,
        steps=4_000,
        eval_every=1_000,
    )
