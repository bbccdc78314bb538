"""Compilations are announced and timed."""

import logging
import re

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax.training.announced import announced


def test_calls_that_compile_are_announced_and_no_others(caplog):
    traces = []

    @jax.jit
    def step(state, resident, fed, key):
        traces.append(fed["rows"].shape)
        return state + fed["rows"].sum(), resident

    call = announced(step, "the step")
    with caplog.at_level(logging.INFO, "gan_jax"):
        for count in (2, 2, 3, 2, 3):
            total, _ = call(jnp.float32(1), (), {"rows": np.ones(count, np.float32)}, None)
            assert total == 1 + count
    assert traces == [(2,), (3,)]
    pattern = r"compiling the step \.\.\.\ncompiling the step took \d+\.\d s, its first call included; "
    pattern += r"memory: inputs and outputs \S+ MiB, the rest \S+ MiB"
    assert re.fullmatch(f"{pattern}\n{pattern}", "\n".join(caplog.messages))
