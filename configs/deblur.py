"""Sharp photographs from blurred ones by a residual network, after Nah et al. 2016, arXiv:1612.02177.

    python -m gan_jax.main --config=configs/deblur.py         patches of scikit-learn's photographs
    python -m gan_jax.main --config=deblur:paired --config.data.path=FOLDER --config.data.degrade=None

From the paper: residual blocks without normalisation, the mean squared error. The paper has three sizes one
after the other, each of 40 convolutions of 64 channels, crops of 256 pixels of real motion blur, and 1e-4
times a discriminator's cross entropy. Ours: a Gaussian blur of deviation 1.6 pixels and noise of 2.55 levels,
one U-Net of width 32 and three sizes without normalisation or dropout, which learns what is to be added to
the blurred image; no discriminator.
"""

from gan_jax.recipe import Recipe

STEPS = 6_000


def get_config(data="photographs"):
    """The recipe on a data set."""
    cosine = dict(cosine_decay_schedule=dict(init_value=5e-4, decay_steps=STEPS))
    return Recipe(
        data=dict(
            name=data,
            crop=64,
            flip=True,
            degrade=dict(gaussian_blur=dict(deviation=1.6), gaussian_noise=dict(deviation=2.55)),
        ),
        game=dict(name="translation", residual=True),
        nets=dict(generator=dict(name="unet.UNet", width=32, depth=3, dropout=0.0, norm="no_norm")),
        losses=dict(generator=dict(l2=1.0)),
        optimizers=dict(generator=dict(adam=dict(learning_rate=cosine))),
        updates=dict(generator=1),
        average=dict(generator=dict(half_life=10_000, ramp_up=0.05)),
        batch_size=16,
        steps=STEPS,
        eval_every=1_000,
        eval_metrics=dict(psnr={}, ssim={}),
        eval_features="pixels",
    )
