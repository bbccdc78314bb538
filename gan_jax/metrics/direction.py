"""Which of two values of a metric is the better one."""

import fnmatch

from gan_jax.metrics import TRAITS

# Patterns of names of values, not of metrics: one metric may return several.
_HIGHER = tuple(name for traits in TRAITS.values() for name in traits.higher_is_better)


def is_higher_better(name: str) -> bool:
    """Whether a higher value of a metric is the better one.

    Args:
        name: Of the value, as a metric returns it.

    Returns:
        bool.
    """
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in _HIGHER)
