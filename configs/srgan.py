"""SRGAN: Ledig et al. 2016, arXiv:1609.04802. Photographs four times as large, with texture.

    python -m gan_jax.main --config=configs/srgan.py --init_from=runs/srresnet --workdir=runs/srgan

It goes on from a run of `srresnet`. From the paper: that, the discriminator, a thousandth of the cross
entropy beside the distance from the target, Adam with learning rate 1e-4 and then 1e-5, batches of 16. The
distance is the mean squared error (the paper's SRGAN-MSE); its SRGAN-VGG54 needs a file with VGG19's weights
and these flags: `--config.game.features="dict(name='vgg', path='vgg19.pth', layers=('relu5_4',))"
--config.losses.generator.l2=None --config.losses.generator.perceptual=0.006` (features divided by 12.75). The
paper has crops of 96 pixels, widths 64, 16 blocks, 1,024 units, 1e5 steps of each rate. Ours: the sizes of
`srresnet`, width 32, 256 units, an adversary whose weight grows from 0 in 500 steps, since a new one ruins a
good generator, an averaged generator. The best checkpoint has the least Frechet distance of the features of
`cifar10`: PSNR, which stands beside it, prefers blurred photographs.
"""

from gan_jax.recipe import Recipe

STEPS, SCALE = 3_000, 4


def get_config(data="photographs"):
    """The recipe on a data set."""
    rate = dict(piecewise_constant_schedule=dict(init_value=1e-4, boundaries_and_scales={STEPS // 2: 0.1}))
    growing = dict(linear_schedule=dict(init_value=0.0, end_value=1e-3, transition_steps=500))
    return Recipe(
        data=dict(name=data, crop=80, flip=True, degrade=dict(downscale=dict(factor=SCALE))),
        game=dict(name="translation", conditional=False, residual=True),
        nets=dict(
            generator=dict(name="super_resolution.SRResNet", scale=SCALE, width=32, blocks=8, norm="no_norm"),
            discriminator=dict(name="srgan.Discriminator", width=32, units=256),
        ),
        losses=dict(
            discriminator=dict(non_saturating_discriminator=1.0),
            generator=dict(l2=1.0, non_saturating_generator=dict(weight=growing)),
        ),
        optimizers=dict(
            discriminator=dict(adam=dict(learning_rate=rate)), generator=dict(adam=dict(learning_rate=rate))
        ),
        updates=dict(discriminator=1, generator=1),
        average=dict(generator=dict(half_life=10_000, ramp_up=0.05)),
        batch_size=16,
        steps=STEPS,
        eval_every=500,
        eval_metrics=dict(frechet_distance={}, psnr=dict(channels="y", border=4)),
        eval_features="cifar10",
    )
