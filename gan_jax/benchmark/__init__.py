"""The speed of training, beside the same training in other frameworks: `python -m gan_jax.benchmark`.

One process is one measurement of one case in one framework (`worker.py`). Rounds of processes alternate
between frameworks (`schedule.py`), and ratios are computed within a round (`report.py`). A framework is
imported only in the processes that measure it, and may be installed in an environment of its own.
"""
