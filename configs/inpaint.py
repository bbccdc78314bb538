"""Context encoder: Pathak et al. 2016, arXiv:1604.07379. It fills a hole in the middle of photographs.

    python -m gan_jax.main --config=configs/inpaint.py              patches of scikit-learn's photographs
    python -m gan_jax.main --config=configs/inpaint.py --config.data.degrade="dict(stroke_masks={})"

From the paper: the hole of half the height and width, 0.999 times the mean squared error over the hole and a
thousandth of the cross entropy, a discriminator that does not see the source, Adam with beta1 0.5 and a tenth
of the generator's rate for the discriminator, 64-pixel holes in images of 128. Ours: 64 pixels; a U-Net that
sees the mask; the known pixels are pasted into the output, so that nobody learns to copy and the
discriminator sees whole photographs; a discriminator of patches; rates 1e-3 and 1e-4; an averaged generator.
The best checkpoint has the highest PSNR in the hole, nearly all of the loss; in the Frechet distance beside
it known pixels, three quarters of a photograph, hide the hole.
"""

from gan_jax.recipe import Recipe


def get_config(data="photographs"):
    """The recipe on a data set."""
    return Recipe(
        data=dict(name=data, crop=64, flip=True, degrade=dict(centre_mask={})),
        game=dict(name="translation", condition_on=("source", "mask"), conditional=False, paste=True),
        nets=dict(
            generator=dict(name="unet.UNet", width=32, depth=5, dropout=0.0),
            discriminator=dict(name="patch_gan.Discriminator", width=32, halvings=2),
        ),
        losses=dict(
            discriminator=dict(non_saturating_discriminator=1.0),
            generator=dict(hole_l2=0.999, non_saturating_generator=1e-3),
        ),
        optimizers=dict(
            discriminator=dict(adam=dict(learning_rate=1e-4, b1=0.5)),
            generator=dict(adam=dict(learning_rate=1e-3, b1=0.5)),
        ),
        updates=dict(discriminator=1, generator=1),
        average=dict(generator=dict(half_life=10_000, ramp_up=0.05)),
        batch_size=32,
        steps=6_000,
        eval_every=1_000,
        eval_metrics=dict(hole_psnr={}, frechet_distance={}),
        eval_features="cifar10",
    )
