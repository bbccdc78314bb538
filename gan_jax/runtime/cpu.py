"""Settings that make XLA:CPU fast; they do nothing on other platforms."""

import ctypes
import functools
import os
import sys

import jax

# XLA 0.10 and 0.12 compute convolutions and matrix products with YNNPACK by default, which is slower at them
# than Eigen. YNNPACK keeps sums over many rows, which it does well.
_OPTIONS = {"xla_cpu_experimental_ynn_fusion_type": "LIBRARY_FUSION_TYPE_REDUCE"}

# Of a program that runs once, compilation is most of the work: half as long, and the same numbers.
_ONCE = "xla_backend_optimization_level"

# Parameters of glibc's mallopt, from malloc.h.
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_MAX = -1, -2, -4


@functools.cache
def compiler_options() -> dict[str, str]:
    """The `compiler_options` of `jax.jit` for programs that run long.

    Returns:
        XLA options; empty if the default backend is not a CPU, or if XLA does not know them.
    """
    return _known(_OPTIONS)


@functools.cache
def options_of_one_call() -> dict[str, str]:
    """The `compiler_options` of `jax.jit` for a program that runs once, such as one that makes a first state.

    Returns:
        XLA options; empty if the default backend is not a CPU, or if XLA_FLAGS have another level already.
    """
    return {} if _ONCE in os.environ.get("XLA_FLAGS", "") else _known({_ONCE: "1"})


def _known(options):
    """The options, or none if the default backend is not a CPU or XLA does not know them."""
    if jax.default_backend() != "cpu":
        return {}
    try:
        jax.jit(lambda: 0, compiler_options=options).lower().compile()
    except jax.errors.JaxRuntimeError:  # They are experimental, and XLA may remove them.
        return {}
    return dict(options)


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
