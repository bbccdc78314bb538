"""How fast training is, beside the same training in other frameworks: `python -m gan_jax.benchmark`.

One process is one measurement of one case in one framework (`worker.py`); rounds of them alternate
(`schedule.py`), and ratios are those within a round (`report.py`). A framework is imported only in the
processes that measure it, and may live in an environment of its own.
"""
