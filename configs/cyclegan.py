"""CycleGAN: Zhu et al. 2017, arXiv:1703.10593.

    python -m gan_jax.main --config=configs/cyclegan.py          scikit-learn's digits to printed ones
    python -m gan_jax.main --config=configs/cyclegan.py:unpaired --config.data.path=FOLDER
                                                                 pictures in FOLDER/trainA and FOLDER/trainB

From the paper and its code: least squares, cycles times 10 and the identity times 5 (the weights 4 and 2 undo
the halves and the mean over both domains in our losses), pools of 50 past fakes for the discriminators, Adam
with beta1 0.5 and a learning rate of 2e-4 that is constant in the first half of the run, the paper's 100
epochs, and falls to 0 in the second. A step moves the discriminator first, which saves making the fakes twice.
Ours is for small images and a CPU. The paper, for photographs of 256 pixels: `width=64`, `blocks=9` in both
translators, `width=64`, `halvings=3` in both discriminators, `batch_size=1`, and no average. If you change
`--config.steps`, set the `transition_begin` and `transition_steps` of both rates to half of it.
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
    translator = dict(name="translators.ResNet", width=16, blocks=3)
    critic = dict(name="patch_gan.Discriminator", width=16, halvings=2)
    return Recipe(
        data=dict(name=data, resolution=0, flip=False),
        game=dict(name="cyclegan", pool=50),
        nets=dict(
            generator=dict(forward=translator, backward=translator),
            discriminator=dict(target=critic, source=critic),
        ),
        losses=dict(
            discriminator=dict(
                least_squares_discriminator=dict(weight=2.0, reads=dict(fake_logits="past_logits"))
            ),
            generator=dict(least_squares_generator=4.0, cycle_consistency=10.0, identity_mapping=5.0),
        ),
        optimizers=dict(
            discriminator=dict(adam=dict(learning_rate=rate, b1=0.5)),
            generator=dict(adam=dict(learning_rate=rate, b1=0.5)),
        ),
        updates=dict(discriminator=1, generator=1),
        average=dict(generator=dict(half_life=1_000, ramp_up=0.05)),
        batch_size=8,
        steps=steps,
        grid_size=36,
        eval_every=1_000,
    )
