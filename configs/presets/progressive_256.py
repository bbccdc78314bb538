"""Progressive GAN at the paper's sizes: Karras et al. 2018, arXiv:1710.10196, appendix A, up to 256 pixels.

    python -m gan_jax.main --config=configs/presets/progressive_256.py:folder --config.data.path=PHOTOGRAPHS

From the authors' code for one GPU: 4 pixels for 600,000 images, then for each doubling a fade over 600,000
and 600,000 more; batch 128 up to 16 pixels and half as many with each doubling; 512 channels up to 32 pixels
and half as many with each doubling; 12 million images in all. It takes weeks on a GPU and was not trained
here. Images are resized to 256 pixels; another size that is 4, 5, 6 or 7 times a power of two needs as many
stages as it has halvings.
"""

from gan_jax.recipe import Recipe

SIZES = 7
PHASE = 600_000
IMAGES = 12_000_000


def get_config(data="folder"):
    """The recipe on a data set."""
    adam = dict(learning_rate=1e-3, b1=0.0, b2=0.99)
    batches = [128, 128, 128, 64, 32, 16, 8]
    lengths = [PHASE, *[2 * PHASE] * (SIZES - 2)]
    stages = {
        f"{4 << level}px": dict(
            **(dict(images=lengths[level]) if level < SIZES - 1 else {}),
            **(dict(fade=PHASE) if level else {}),
            data=dict(halvings=SIZES - 1 - level),
            batch_size=batches[level],
            reset=True,
        )
        for level in range(SIZES)
    }
    before = sum(-(-images // batch) for images, batch in zip(lengths, batches))
    return Recipe(
        data=dict(name=data, resolution=4 << (SIZES - 1), flip=True),
        game=dict(name="gan", latents=dict(name="normal", size=512)),
        nets=dict(
            generator=dict(name="progressive.Generator"),
            discriminator=dict(name="progressive.Discriminator", group_size=4),
        ),
        losses=dict(
            discriminator=dict(wasserstein_discriminator=1.0, gradient_penalty=10.0, drift=0.001),
            generator=dict(wasserstein_generator=1.0),
        ),
        optimizers=dict(discriminator=dict(adam=dict(adam)), generator=dict(adam=dict(adam))),
        updates=dict(discriminator=1, generator=1),
        # 0.999 a step of the last batch size.
        average=dict(generator=dict(half_life=5_540, ramp_up=0.05)),
        batch_size=batches[-1],
        stages=stages,
        steps=before + (IMAGES - sum(lengths)) // batches[-1],
        checkpoint_every=5_000,
        grid_every=5_000,
        eval_every=50_000,
    )
