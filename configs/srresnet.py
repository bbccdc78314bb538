"""SRResNet, the pixel stage of SRGAN: Ledig et al. 2016, arXiv:1609.04802. Photographs four times as large.

    python -m gan_jax.main --config=configs/srresnet.py --workdir=runs/srresnet     patches of photographs
    python -m gan_jax.main --config=configs/srresnet.py --config.data.path=FOLDER   your own large photographs

`srgan` goes on from it. From the paper: the network, the mean squared error, Adam with learning rate 1e-4,
batches of 16. The paper has width 64, 16 blocks, crops of 96 pixels and a million steps. Ours: width 32 and 8
blocks; the network learns what is to be added to the bicubic enlargement and has no batch norm, which makes
it better and faster on the way (Lim et al. 2017, arXiv:1707.02921); crops of 80 pixels; learning rate 2e-4
with a cosine to 0.
"""

from gan_jax.recipe import Recipe

STEPS, SCALE = 10_000, 4


def get_config(data="photographs"):
    """The recipe on a data set."""
    cosine = dict(cosine_decay_schedule=dict(init_value=2e-4, decay_steps=STEPS))
    return Recipe(
        data=dict(name=data, crop=80, flip=True, degrade=dict(downscale=dict(factor=SCALE))),
        game=dict(name="translation", conditional=False, residual=True),
        nets=dict(
            generator=dict(name="super_resolution.SRResNet", scale=SCALE, width=32, blocks=8, norm="no_norm")
        ),
        losses=dict(generator=dict(l2=1.0)),
        optimizers=dict(generator=dict(adam=dict(learning_rate=cosine))),
        updates=dict(generator=1),
        average=dict(generator=dict(half_life=10_000, ramp_up=0.05)),
        batch_size=16,
        steps=STEPS,
        eval_every=1_000,
        eval_metrics=dict(psnr=dict(channels="y", border=4), ssim=dict(channels="y", border=4)),
        eval_features="pixels",
    )
