"""How many of the thousand modes of Stacked MNIST do four recipes find in 2,000 steps? 3 seeds each.

    python -m gan_jax.study --config=configs/studies/stacked_mnist.py
    python -m gan_jax.study --config=configs/studies/stacked_mnist.py --config.base.data.name=stacked_digits

Data and measures are those of Lin et al. 2018, arXiv:1712.04086, section 4.2, after Srivastava et al. 2017,
arXiv:1705.07761: 128,000 triples, 26,000 samples, modes by a classifier of digits. They train 50 epochs of
batch 64, which is 100,000 steps; networks and training here are those of `configs/<variant>.py`, and 2,000
steps are one epoch. Where r3gan's rates end does not follow `--config.base.steps`.
"""

import os
import runpy

from gan_jax.study import Study

CONFIGS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
# What all variants have in common.
SHARED = ("data", "batch_size", "steps", "eval_every", "eval_metrics", "eval_images", "checkpoint_every")


def _recipe(name):
    return runpy.run_path(os.path.join(CONFIGS, f"{name}.py"))["get_config"]()


def _trained_as(name):
    """A change of the base to the recipe of a name, on the base's terms."""

    def change(base):
        recipe = _recipe(name)
        for field in SHARED:
            setattr(recipe, field, getattr(base, field))
        return recipe

    return change


def get_config():
    """The study."""
    base = _recipe("dcgan")
    base.data, base.steps, base.eval_every = dict(name="stacked_mnist", resolution=0), 2_000, 500
    base.eval_metrics, base.eval_images = dict(modes={}, uniform_modes_kl={}), 26_000
    return Study(
        title="Modes of Stacked MNIST",
        base=base,
        variants={name: _trained_as(name) for name in ("dcgan", "wgan_gp", "pacgan", "r3gan")},
        measures=("modes", "uniform_modes_kl"),
        seeds=3,
    )
