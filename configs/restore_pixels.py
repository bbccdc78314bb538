"""The pixel stage of Real-ESRGAN: Wang et al. 2021, arXiv:2107.10833. Photographs without their faults.

    python -m gan_jax.main --config=configs/restore_pixels.py --workdir=runs/restore_pixels

`restore` goes on from it. From the paper: faults that are not known, of blur, resizing, noise and JPEG, twice
one after the other and drawn for each sample; the network, the mean absolute error, Adam with learning rate
2e-4, an average of the weights with decay 0.999. The paper enlarges four times and has width 64, 23 blocks,
growth 32, crops of 256 pixels, batches of 48, a million steps, and sharpened targets. Ours: twice as large,
width 32, 3 blocks, growth 16, crops of 64 pixels, batches of 16; the network learns what is to be added to
the bicubic enlargement.
"""

from gan_jax.recipe import Recipe


def get_config(data="photographs"):
    """The recipe on a data set."""
    return Recipe(
        data=dict(name=data, crop=64, flip=True, degrade=dict(real_esrgan=dict(factor=2))),
        game=dict(name="translation", conditional=False, residual=True),
        nets=dict(generator=dict(name="super_resolution.RRDB", scale=2, width=32, blocks=3, growth=16)),
        losses=dict(generator=dict(l1=1.0)),
        optimizers=dict(generator=dict(adam=dict(learning_rate=2e-4))),
        updates=dict(generator=1),
        average=dict(generator=dict(half_life=11_000, ramp_up=0.05)),
        batch_size=16,
        steps=8_000,
        eval_every=1_000,
        eval_metrics=dict(psnr=dict(channels="y", border=2), ssim=dict(channels="y", border=2)),
        eval_features="pixels",
    )
