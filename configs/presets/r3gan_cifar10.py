"""R3GAN for CIFAR-10 as in its paper: Huang et al. 2025, arXiv:2501.05441; `preset` makes the others too.

    python -m gan_jax.main --config=configs/presets/r3gan_cifar10.py    or any TFDS name with labels

20.8 and 21.3 million parameters, batch 512, 250 million images. Learning rate, beta2, gamma, the averages'
half-life and the probability of augmentations change by half a cosine over 20 million images and are then
held. The authors start the last two from 0, which here are 1 image and 1e-6. It takes days on 8 GPUs and was
not trained here.
"""

from gan_jax.recipe import Recipe


def preset(
    data, widths, gamma, augment, half_life, *, resolution, batch_size=512, group_width=16, labels=True,
    float32_stages=1, falling=20e6, images=250e6,
):  # fmt: skip
    """A recipe of the paper: `gamma` falls to a tenth, `falling` and `images` count real samples."""

    def cosine(start, end):
        scales = {round(falling / batch_size): end / start}
        options = dict(interpolate_type="cosine", init_value=start, boundaries_and_scales=scales)
        return dict(piecewise_interpolate_schedule=options)

    def adam():
        return dict(adam=dict(learning_rate=cosine(2e-4, 5e-5), b1=0.0, b2=cosine(0.9, 0.99)))

    nets = dict(widths=widths, blocks=2, group_width=group_width, float32_stages=float32_stages)
    pipeline = dict(scheduled=dict(p=cosine(1e-6, augment), color=0.5, cutout=1.0))
    game = dict(name="gan", latents=dict(name="normal", size=64), augment=pipeline)
    penalties = {name: dict(weight=cosine(gamma, gamma / 10)) for name in ("r1", "r2")}
    return Recipe(
        data=dict(name=data, resolution=resolution, flip=True),
        game=dict(**game, condition_on=("label",)) if labels else game,
        nets=dict(
            generator=dict(name="r3gan.Generator", **nets),
            discriminator=dict(name="r3gan.Discriminator", **nets),
        ),
        losses=dict(
            discriminator=dict(relativistic_discriminator=1.0, **penalties),
            generator=dict(relativistic_generator=1.0),
        ),
        optimizers=dict(discriminator=adam(), generator=adam()),
        updates=dict(discriminator=1, generator=1),
        average=dict(generator=dict(half_life=cosine(1.0, half_life), ramp_up=1.0)),
        batch_size=batch_size,
        precision="bfloat16",
        share_batches=False,
        steps=round(images / batch_size),
        checkpoint_every=2_000,
        grid_every=2_000,
        eval_every=10_000,
    )


def get_config(data="cifar10"):
    """The recipe on a data set."""
    return preset(data, (768,), 0.05, 0.55, 5e6, resolution=32)
