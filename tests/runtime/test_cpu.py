import subprocess
import sys

import jax
import jax.numpy as jnp
import pytest

from gan_jax.runtime import cpu

CONVOLUTION = (jnp.ones((64, 16, 16, 64)), jnp.ones((3, 3, 64, 64)))


def _compiled(options):
    def convolve(x, kernel):
        layout = ("NHWC", "HWIO", "NHWC")
        return jax.lax.conv_general_dilated(x, kernel, (1, 1), "SAME", dimension_numbers=layout)

    return jax.jit(convolve, compiler_options=options).lower(*CONVOLUTION).compile().as_text()


def test_convolutions_stay_with_eigen():
    """A convolution that YNNPACK computes stands in a fusion of that name."""
    assert "__ynn_fusion" in _compiled({})
    assert "__ynn_fusion" not in _compiled(cpu.compiler_options())


@pytest.fixture
def fresh():
    cpu.compiler_options.cache_clear()
    yield
    cpu.compiler_options.cache_clear()


def test_options_that_xla_does_not_know_are_left_out(monkeypatch, fresh):
    monkeypatch.setattr(cpu, "_OPTIONS", {"xla_cpu_of_tomorrow": "1"})
    assert cpu.compiler_options() == {}


def test_other_platforms_get_no_options(monkeypatch, fresh):
    monkeypatch.setattr(jax, "default_backend", lambda: "tpu")
    assert cpu.compiler_options() == {}


def test_a_program_that_runs_once_is_optimized_less_unless_the_user_says_how_much(monkeypatch):
    try:
        monkeypatch.setenv("XLA_FLAGS", "")
        cpu.options_of_one_call.cache_clear()
        options = cpu.options_of_one_call()
        assert options == {"xla_backend_optimization_level": "1"}
        assert jax.jit(lambda x: x + 1, compiler_options=options)(2) == 3
        monkeypatch.setenv("XLA_FLAGS", "--xla_backend_optimization_level=0")
        cpu.options_of_one_call.cache_clear()
        assert cpu.options_of_one_call() == {}
    finally:
        cpu.options_of_one_call.cache_clear()


_FAULTS = """
import resource, sys
import numpy as np
from gan_jax.runtime import cpu

if sys.argv[1] == "keep" and not cpu.keep_memory():
    sys.exit("not kept")
np.ones(2**22)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    np.ones(2**22)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="mallopt is glibc's")
def test_memory_that_is_kept_is_not_mapped_anew():
    """Ten times 32 MiB are 8,192 pages of 4 KiB each time, or 16 of 2 MiB."""

    def faults(what):
        done = subprocess.run(
            [sys.executable, "-c", _FAULTS, what], capture_output=True, text=True, check=True
        )
        return int(done.stdout)

    assert faults("keep") < 10 < faults("free")
