"""How many of the 1,000 modes of Stacked MNIST do six recipes find in about 2,000 steps? 3 seeds each.

    python -m gan_jax.study --config=configs/studies/stacked_mnist.py
    python -m gan_jax.study --config=configs/studies/stacked_mnist.py --only=dcgan,best --seeds=1
    python -m gan_jax.study --config=configs/studies/stacked_mnist.py --config.base.data.name=stacked_digits \
        --output=runs/stacked_digits

Data and measures are those of Lin et al. 2018, arXiv:1712.04086, section 4.2, after Srivastava et al. 2017,
arXiv:1705.07761: 128,000 triples, 26,000 samples, modes by a classifier of digits. They train 50 epochs of
batch 64, which is 100,000 steps; networks and training here are those of `configs/<variant>.py`, and 2,000
steps are one epoch. Costly recipes have fewer steps: half for wgan_gp, whose critic has five updates per
step, and a quarter for r3gan, whose networks cost twenty times dcgan's and whose rates do not depend on the
number of steps. A batch of pacgan is 64 pairs, as in the code of its authors.
`relativistic_r1_r2` is dcgan.py with the loss and penalties of r3gan.py, and without batch norm in the
discriminator, which penalties of single samples forbid; `best` trains it four times as long.
"""

import os
import runpy

from gan_jax.study import Study
from gan_jax.study.definition import changed

CONFIGS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
# Fields that all variants take from the base.
SHARED = ("data", "batch_size", "steps", "eval_every", "eval_metrics", "eval_samples", "checkpoint_every")


def _recipe(name):
    return runpy.run_path(os.path.join(CONFIGS, f"{name}.py"))["get_config"]()


def _trained_as(name, share=1, samples=1):
    """A change of the base to another recipe, with the base's SHARED fields.

    Args:
        name: Name of a file in `configs`.
        share: Divisor of the base's steps.
        samples: Samples in the batch for each sample of the base's batch.

    Returns:
        Function from the base to the Recipe.
    """

    def change(base):
        recipe = _recipe(name)
        for field in SHARED:
            setattr(recipe, field, getattr(base, field))
        recipe.steps, recipe.eval_every = base.steps // share, base.eval_every // share
        recipe.batch_size = base.batch_size * samples
        return recipe

    return change


RELATIVISTIC = {
    "losses.discriminator": dict(relativistic_discriminator=1.0, r1=10.0, r2=10.0),
    "losses.generator": dict(relativistic_generator=1.0),
    "nets.discriminator.batch_norm": False,
    "optimizers.discriminator": dict(adam=dict(learning_rate=5e-4, b1=0.0, b2=0.99)),
    "optimizers.generator": dict(adam=dict(learning_rate=5e-4, b1=0.0, b2=0.99)),
}


def _best(base):
    """RELATIVISTIC with four times the steps, and twice the learning rate, which falls in the last quarter.

    A large penalty finds the modes; a small one, from the middle on, lets the discriminator tell 4 from 9.
    """
    recipe = changed(base, RELATIVISTIC)
    recipe.steps = 4 * base.steps
    last = recipe.steps // 4
    weight = dict(init_value=10.0, decay_steps=recipe.steps // 2, alpha=0.1)
    rate = dict(init_value=1e-3, end_value=0.0, transition_steps=last, transition_begin=recipe.steps - last)
    for penalty in ("r1", "r2"):
        recipe.losses["discriminator"][penalty] = dict(weight=dict(cosine_decay_schedule=weight))
    for chain in recipe.optimizers.values():
        chain["adam"]["learning_rate"] = dict(linear_schedule=rate)
    recipe.average = dict(generator=dict(half_life=20_000))
    return recipe


def get_config():
    """The study."""
    base = _recipe("dcgan")
    base.data, base.steps, base.eval_every = dict(name="stacked_mnist", resolution=0), 2_000, 1_000
    base.eval_metrics, base.eval_samples = dict(modes={}, uniform_modes_kl={}), 26_000
    return Study(
        title="Modes of Stacked MNIST",
        base=base,
        variants={
            "dcgan": _trained_as("dcgan"),
            "wgan_gp": _trained_as("wgan_gp", share=2),
            "pacgan": _trained_as("pacgan", samples=2),
            "r3gan": _trained_as("r3gan", share=4),
            "relativistic_r1_r2": RELATIVISTIC,
            "best": _best,
        },
        measures=("modes", "uniform_modes_kl"),
        seeds=3,
    )
