"""Real-ESRGAN: Wang et al. 2021, arXiv:2107.10833. Photographs without their faults, with texture.

    python -m gan_jax.main --config=configs/restore.py --init_from=runs/restore_pixels --workdir=runs/restore

It goes on from a run of `restore_pixels`, whose docstring tells the faults. From the paper: that, a U-Net
with spectral norm as discriminator, which sees plain photographs, a tenth of its cross entropy beside the
mean absolute error from sharpened ones in [0, 1] (half of that in ours, [-1, 1]), Adam with learning rate
1e-4, an average of the weights with decay 0.999. The paper's perceptual loss needs a file with VGG19's
weights and these flags: `--config.game.features="dict(name='vgg', path='vgg19.pth', layers=('conv1_2',
'conv2_2', 'conv3_4', 'conv4_4', 'conv5_4'))" --config.losses.generator.perceptual="dict(weight=1.0,
distance='l1', reads=dict(target='sharpened'), weights=dict(conv1_2=0.1, conv2_2=0.1, conv3_4=1.0,
conv4_4=1.0, conv5_4=1.0))"`; without it the cross entropy counts a hundredth, with it set its
`weight.linear_schedule.end_value=0.1`. Ours: the sizes of `restore_pixels`, a discriminator of width 32, and
an adversary whose weight grows from 0 in 500 steps. The best checkpoint has the least Frechet distance of the
features of `cifar10`: PSNR, which stands beside it, prefers blurred photographs.
"""

from gan_jax.recipe import Recipe


def get_config(data="photographs"):
    """The recipe on a data set."""
    growing = dict(linear_schedule=dict(init_value=0.0, end_value=1e-2, transition_steps=500))
    degrade = dict(sharpened_target={}, real_esrgan=dict(factor=2))
    return Recipe(
        data=dict(name=data, crop=64, flip=True, degrade=degrade),
        game=dict(name="translation", conditional=False, residual=True),
        nets=dict(
            generator=dict(name="super_resolution.RRDB", scale=2, width=32, blocks=3, growth=16),
            discriminator=dict(name="real_esrgan.Discriminator", width=32, wrap=dict(spectral_norm={})),
        ),
        losses=dict(
            discriminator=dict(non_saturating_discriminator=1.0),
            generator=dict(
                l1=dict(weight=0.5, reads=dict(target="sharpened")),
                non_saturating_generator=dict(weight=growing),
            ),
        ),
        optimizers=dict(
            discriminator=dict(adam=dict(learning_rate=1e-4)), generator=dict(adam=dict(learning_rate=1e-4))
        ),
        updates=dict(discriminator=1, generator=1),
        average=dict(generator=dict(half_life=11_000, ramp_up=0.05)),
        batch_size=16,
        steps=3_000,
        eval_every=500,
        eval_metrics=dict(frechet_distance={}, psnr=dict(channels="y", border=2)),
        eval_features="cifar10",
    )
