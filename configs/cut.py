"""CUT: Park et al. 2020, arXiv:2007.15651.

    python -m gan_jax.main --config=configs/cut.py          scikit-learn's digits to printed ones
    python -m gan_jax.main --config=configs/cut.py:unpaired --config.data.path=FOLDER
                                                            pictures in FOLDER/trainA and FOLDER/trainB

From the paper and its code: least squares (the generator's weight 2 undoes the half in our loss), the patch
contrastive loss at temperature 0.07 as the mean over translations and identities, negatives from the same
image, 256 places of the source, of the convolutions that halve and of two residual blocks, no pool, Adam with
beta1 0.5 and a learning rate of 2e-4 that is constant in the first half of the run, the paper's 200 epochs,
and falls to 0 in the second. The translator blurs before it leaves out pixels. FastCUT:
`game.flip_equivariance=True`, `patch_contrastive` times 10, no `identity_patch_contrastive`. Ours is for
small images and a CPU, and our discriminator halves by strides. The paper, for photographs of 256 pixels:
`width=64`, `blocks=9`, `layers=(0, 1, 2, 3, 7)`, `width=64` and `halvings=3` in the discriminator,
`batch_size=1`, and no average. If you change `--config.steps`, set the `transition_begin` and
`transition_steps` of both rates to half of it.
"""

from gan_jax.recipe import Recipe


def get_config(data="digits_to_printed"):
    """The recipe on a data set of two domains."""
    steps = 4_000
    rate = dict(
        linear_schedule=dict(
            init_value=2e-4, end_value=0.0, transition_steps=steps // 2, transition_begin=steps // 2
        )
    )
    translator = dict(name="translators.ResNet", width=16, blocks=3, upsample="smoothed", blurred=True)
    return Recipe(
        data=dict(name=data, resolution=0, flip=False),
        game=dict(name="cut", patches=256, flip_equivariance=False),
        nets=dict(
            generator=dict(
                translator=dict(**translator, layers=(0, 1, 2, 3, 5)),
                projection=dict(name="projections.PatchProjection", features=256),
            ),
            discriminator=dict(name="patch_gan.Discriminator", width=16, halvings=2),
        ),
        losses=dict(
            discriminator=dict(least_squares_discriminator=1.0),
            generator=dict(
                least_squares_generator=2.0, patch_contrastive=0.5, identity_patch_contrastive=0.5
            ),
        ),
        optimizers=dict(
            discriminator=dict(adam=dict(learning_rate=rate, b1=0.5)),
            generator=dict(adam=dict(learning_rate=rate, b1=0.5)),
        ),
        updates=dict(discriminator=1, generator=1),
        average=dict(generator=dict(half_life=1_000, ramp_up=0.05)),
        batch_size=8,
        steps=steps,
        eval_every=1_000,
    )
