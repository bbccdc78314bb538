"""Colour for grey photographs, one of the tasks of pix2pix: Isola et al. 2016, arXiv:1611.07004.

    python -m gan_jax.main --config=configs/colourise.py                                patches of photographs
    python -m gan_jax.main --config=configs/colourise.py:cifar10 --config.data.crop=0   any TFDS name

From the paper: everything that `pix2pix` has from it. Ours: the network learns what is to be added to the
grey image in red, green and blue (the paper predicts the colours of Lab, whose lightness it keeps), without
dropout, so that a photograph has one colouring; 64 pixels, depth 5, width 32, a field of 34 pixels, batches
of 16, an averaged generator. At the paper's size take depth 8, widths 64, `nets.discriminator.halvings=3`.
The best checkpoint has the least Frechet distance of the features of `cifar10`: PSNR, of the chroma alone,
prefers pale colours, the mean of all possible ones.
"""

from gan_jax.recipe import Recipe

STEPS = 6_000


def get_config(data="photographs"):
    """The recipe on a data set of colour images."""
    falling = dict(init_value=2e-4, end_value=0.0, transition_steps=STEPS // 2, transition_begin=STEPS // 2)
    adam = dict(learning_rate=dict(linear_schedule=falling), b1=0.5)
    return Recipe(
        data=dict(name=data, crop=64, flip=True, degrade=dict(grayscale={})),
        game=dict(name="translation", residual=True),
        nets=dict(
            generator=dict(name="unet.UNet", width=32, depth=5, dropout=0.0),
            discriminator=dict(name="patch_gan.Discriminator", width=32, halvings=2),
        ),
        losses=dict(
            discriminator=dict(non_saturating_discriminator=0.5),
            generator=dict(non_saturating_generator=1.0, l1=100.0),
        ),
        optimizers=dict(discriminator=dict(adam=adam), generator=dict(adam=adam)),
        updates=dict(discriminator=1, generator=1),
        average=dict(generator=dict(half_life=10_000, ramp_up=0.05)),
        batch_size=16,
        steps=STEPS,
        eval_every=1_000,
        eval_metrics=dict(frechet_distance={}, psnr=dict(channels="cbcr")),
        eval_features="cifar10",
    )
