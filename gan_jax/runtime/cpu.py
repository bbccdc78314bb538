"""Settings that make XLA:CPU fast; they do nothing on other platforms."""

import ctypes
import functools
import sys

import jax

# XLA 0.10 and 0.12 compute convolutions and matrix products with YNNPACK by default, which is slower at them
# than Eigen. YNNPACK keeps sums over many rows, which it does well.
_OPTIONS = {"xla_cpu_experimental_ynn_fusion_type": "LIBRARY_FUSION_TYPE_REDUCE"}

# Parameters of glibc's mallopt, from malloc.h.
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_MAX = -1, -2, -4


@functools.cache
def compiler_options() -> dict[str, str]:
    """The `compiler_options` of `jax.jit` for programs that run long.

    Returns:
        XLA options; empty if the default backend is not a CPU, or if XLA does not know them.
    """
    if jax.default_backend() != "cpu":
        return {}
    try:
        jax.jit(lambda: 0, compiler_options=_OPTIONS).lower().compile()
    except jax.errors.JaxRuntimeError:  # They are experimental, and XLA may remove them.
        return {}
    return dict(_OPTIONS)


def keep_memory() -> bool:
    """Makes the process keep the memory that it frees.

    XLA:CPU allocates a program's temporary memory at each call and frees it afterwards, so that the system
    maps, clears and unmaps the same pages at every step. Call it before much memory has been allocated. It
    does nothing if the C library is not glibc.

    Returns:
        Whether the memory is kept.
    """
    if not sys.platform.startswith("linux"):
        return False
    set_option = getattr(ctypes.CDLL(None), "mallopt", None)
    if set_option is None:
        return False
    options = {_MMAP_MAX: 0, _TRIM_THRESHOLD: 2**31 - 1, _TOP_PAD: 64 * 2**20}
    return all(set_option(name, value) == 1 for name, value in options.items())
