"""ESRGAN: Wang et al. 2018, arXiv:1809.00219. Photographs four times as large, with texture.

    python -m gan_jax.main --config=configs/esrgan.py --init_from=runs/rrdb --workdir=runs/esrgan

It goes on from a run of `rrdb`. From the paper: that, the relativistic average discriminator, 5e-3 times its
loss for the generator (half of our sum of its two terms), a hundredth of the mean absolute error of images in
[0, 1] (half of that in ours, [-1, 1]), Adam with learning rate 1e-4 that is halved. The paper's perceptual
loss needs a file with VGG19's weights, which the discriminator's own layers stand in for; with it, add
`--config.game.features="dict(name='vgg', path='vgg19.pth', layers=('conv5_4',))"
--config.losses.generator.layer_matching=None --config.losses.generator.perceptual="dict(weight=1.0,
distance='l1')"`. The paper has crops of 128 pixels, for which its discriminator has `halvings=5,
kernel_size=4, units=100` and width 64. Ours: the sizes of `rrdb`, an adversary whose weight grows from 0 in
500 steps, an averaged generator. The best checkpoint has the least Frechet distance of the features of
`cifar10`: PSNR, which stands beside it, prefers blurred photographs.
"""

from gan_jax.recipe import Recipe

STEPS, SCALE = 3_000, 4


def get_config(data="photographs"):
    """The recipe on a data set."""
    halved = {STEPS * eighth // 8: 0.5 for eighth in (1, 2, 4, 6)}
    rate = dict(piecewise_constant_schedule=dict(init_value=1e-4, boundaries_and_scales=halved))
    growing = dict(linear_schedule=dict(init_value=0.0, end_value=2.5e-3, transition_steps=500))
    return Recipe(
        data=dict(name=data, crop=80, flip=True, degrade=dict(downscale=dict(factor=SCALE))),
        game=dict(name="translation", conditional=False, residual=True),
        nets=dict(
            generator=dict(name="super_resolution.RRDB", scale=SCALE, width=32, blocks=3, growth=16),
            discriminator=dict(name="srgan.Discriminator", width=32, kernel_size=4, units=100),
        ),
        losses=dict(
            discriminator=dict(relativistic_average_discriminator=0.5),
            generator=dict(l1=5e-3, layer_matching=1.0, relativistic_average_generator=dict(weight=growing)),
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
