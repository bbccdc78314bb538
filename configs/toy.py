"""The plain GAN on points of the plane, where lost modes are visible: Lin et al. 2018, arXiv:1712.04086.

    python -m gan_jax.main --config=configs/toy.py          a ring of 8 modes
    python -m gan_jax.main --config=configs/toy.py:grid     5 x 5 modes; swiss_roll has none

From the paper's section 4.1: the networks, 100,000 points, two normal latents, Adam with beta1 0.8, batches
of 100, unscaled coordinates (`scale`), 2,500 points to count modes. The paper trains 400,000 steps.
"""

from gan_jax.recipe import Recipe


def get_config(data="ring"):
    """The recipe on a data set of points."""
    return Recipe(
        data=dict(name=data, scale=1.0, size=100_000, seed=0),
        game=dict(name="gan", latents=dict(name="normal", size=2)),
        nets=dict(
            generator=dict(name="points.Generator", widths=(400, 400, 400, 400)),
            discriminator=dict(name="points.Discriminator", widths=(200, 200, 200), pieces=5),
        ),
        losses=dict(
            discriminator=dict(non_saturating_discriminator=1.0),
            generator=dict(non_saturating_generator=1.0),
        ),
        optimizers=dict(
            discriminator=dict(adam=dict(learning_rate=1e-4, b1=0.8)),
            generator=dict(adam=dict(learning_rate=1e-4, b1=0.8)),
        ),
        updates=dict(discriminator=1, generator=1),
        batch_size=100,
        steps=20_000,
        log_every=1_000,
        grid_every=2_000,
        grid_size=2_500,
        checkpoint_every=5_000,
        eval_every=1_000,
        eval_metrics=dict(captured_modes={}, uniform_modes_kl={}),
        eval_samples=2_500,
    )
