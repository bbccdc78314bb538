"""The pixel stage of ESRGAN: Wang et al. 2018, arXiv:1809.00219. Photographs four times as large.

    python -m gan_jax.main --config=configs/rrdb.py --workdir=runs/rrdb         patches of photographs
    python -m gan_jax.main --config=configs/rrdb.py --config.data.path=FOLDER   your own large photographs

`esrgan` goes on from it. From the paper: the network of residual blocks of dense blocks, the mean absolute
error, Adam with learning rate 2e-4 that is halved four times, batches of 16, mirror images. The paper has
width 64, 23 blocks, growth 32, crops of 128 pixels and a million steps. Ours: width 32, 3 blocks, growth 16,
crops of 80 pixels; the network learns what is to be added to the bicubic enlargement; an averaged generator.
"""

from gan_jax.recipe import Recipe

STEPS, SCALE = 10_000, 4


def get_config(data="photographs"):
    """The recipe on a data set."""
    halved = {STEPS * fifth // 5: 0.5 for fifth in range(1, 5)}
    rate = dict(piecewise_constant_schedule=dict(init_value=2e-4, boundaries_and_scales=halved))
    return Recipe(
        data=dict(name=data, crop=80, flip=True, degrade=dict(downscale=dict(factor=SCALE))),
        game=dict(name="translation", conditional=False, residual=True),
        nets=dict(generator=dict(name="super_resolution.RRDB", scale=SCALE, width=32, blocks=3, growth=16)),
        losses=dict(generator=dict(l1=1.0)),
        optimizers=dict(generator=dict(adam=dict(learning_rate=rate))),
        updates=dict(generator=1),
        average=dict(generator=dict(half_life=10_000, ramp_up=0.05)),
        batch_size=16,
        steps=STEPS,
        eval_every=1_000,
        eval_metrics=dict(psnr=dict(channels="y", border=4), ssim=dict(channels="y", border=4)),
        eval_features="pixels",
    )
