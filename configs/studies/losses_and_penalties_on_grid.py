"""Which loss goes with which penalty? Every pair, on the grid of 25 modes, with 4 seeds.

    python -m gan_jax.study --config=configs/studies/losses_and_penalties_on_grid.py

The data, networks and training are those of tricks_on_grid.py, after Lin et al. 2018, arXiv:1712.04086,
section 4.1. Penalties have the weights of that study; its docstring lists the departures from the paper.
"""

import os
import runpy

from gan_jax.study import Study

RING = os.path.join(os.path.dirname(os.path.abspath(__file__)), "tricks_on_ring.py")

LOSSES = ("non_saturating", "minimax", "least_squares", "hinge", "wasserstein", "relativistic")
PENALTIES = {
    "none": {},
    "gradient_penalty": dict(gradient_penalty=0.1),
    "dragan": dict(dragan=0.1),
    "r1": dict(r1=0.01),
    "r1_r2": dict(r1=0.01, r2=0.01),
}


def get_config():
    """The study."""
    variants = {
        f"{loss}+{penalty}": {
            "losses.discriminator": {f"{loss}_discriminator": 1.0, **terms},
            "losses.generator": {f"{loss}_generator": 1.0},
        }
        for loss in LOSSES
        for penalty, terms in PENALTIES.items()
    }
    base = runpy.run_path(RING)["get_config"]("grid").base
    return Study(title="Losses and penalties, every pair, on the grid", base=base, variants=variants, seeds=4)
