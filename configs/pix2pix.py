"""pix2pix: Isola et al. 2016, arXiv:1611.07004. Here from line drawings of photographs to the photographs.

    python -m gan_jax.main --config=configs/pix2pix.py       patches of scikit-learn's photographs
    python -m gan_jax.main --config=pix2pix:paired --config.data.path=FOLDER --config.data.degrade=None

From the paper: the U-Net whose noise is dropout, a PatchGAN that sees the source, cross entropy of which the
discriminator descends half, 100 times the mean absolute error, crops and mirror images, Adam with learning
rate 2e-4 and beta1 0.5, and a rate that falls linearly to 0 in the second half. At the paper's size of 256
pixels take `nets.generator.depth=8`, both `width=64`, `nets.discriminator.halvings=3` (a field of 70 pixels),
batches of 1. Ours: 64 pixels, depth 6, width 32, a field of 34 pixels, batches of 16, an averaged generator.
The best checkpoint has the least Frechet distance of the features of `cifar10`: PSNR prefers blurred
photographs.
"""

from gan_jax.recipe import Recipe

STEPS = 6_000


def get_config(data="photographs"):
    """The recipe on a data set."""
    falling = dict(init_value=2e-4, end_value=0.0, transition_steps=STEPS // 2, transition_begin=STEPS // 2)
    adam = dict(learning_rate=dict(linear_schedule=falling), b1=0.5)
    return Recipe(
        data=dict(name=data, crop=64, flip=True, degrade=dict(edges={})),
        game=dict(name="translation"),
        nets=dict(
            generator=dict(name="unet.UNet", width=32, depth=6),
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
        eval_metrics=dict(frechet_distance={}, psnr={}),
        eval_features="cifar10",
    )
