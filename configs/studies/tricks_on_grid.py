"""The tricks of tricks_on_ring.py on the grid of 25 modes.

    python -m gan_jax.study --config=configs/studies/tricks_on_grid.py
    python -m gan_jax.study --config=configs/studies/tricks_on_grid.py --only=plain,best

Lin et al. 2018, arXiv:1712.04086, section 4.1; departures from it are those of tricks_on_ring.py.
"""

import os
import runpy

RING = os.path.join(os.path.dirname(os.path.abspath(__file__)), "tricks_on_ring.py")


def get_config():
    """The study."""
    return runpy.run_path(RING)["get_config"]("grid")
