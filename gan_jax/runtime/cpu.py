"""What XLA:CPU needs to be told to be fast and does not find out by itself; nothing for other platforms."""

import ctypes
import functools
import sys

import jax

# XLA 0.10 and 0.12 give convolutions and matrix products to YNNPACK by default, which is slower at them than
# Eigen; what it does well, sums over many rows, is left to it.
_OPTIONS = {"xla_cpu_experimental_ynn_fusion_type": "LIBRARY_FUSION_TYPE_REDUCE"}

# Parameters of glibc's mallopt, from malloc.h.
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_MAX = -1, -2, -4


@functools.cache
def compiler_options():
    """What to give `jax.jit` as `compiler_options` for programs that run long.

    Returns:
        Dict of XLA options; empty where the default backend is no CPU, or where XLA does not know them.
    """
    if jax.default_backend() != "cpu":
        return {}
    try:
        jax.jit(lambda: 0, compiler_options=_OPTIONS).lower().compile()
    except jax.errors.JaxRuntimeError:  # They are experimental, and may be gone one day.
        return {}
    return dict(_OPTIONS)


def keep_memory():
    """Has the process keep the memory that it frees.

    XLA:CPU allocates a program's temporary memory at each call and frees it after, which makes the system
    map, clear and unmap the same pages at every step. To be called before much memory has been allocated.
    Does nothing where the C library is not glibc.

    Returns:
        Whether it is kept.
    """
    if not sys.platform.startswith("linux"):
        return False
    set_option = getattr(ctypes.CDLL(None), "mallopt", None)
    if set_option is None:
        return False
    options = {_MMAP_MAX: 0, _TRIM_THRESHOLD: 2**31 - 1, _TOP_PAD: 64 * 2**20}
    return all(set_option(name, value) == 1 for name, value in options.items())
