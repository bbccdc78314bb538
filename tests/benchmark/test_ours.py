"""Our own framework in the benchmark."""

import types

import jax
import numpy as np
import pytest

from gan_jax.benchmark import ours
from gan_jax.nets import convolution

# Shape of the kernel and the further arguments.
CALLS = {
    "conv": [((5, 5, 4, 6), (2, 2)), ((1, 1, 4, 6), (1, 1)), ((3, 3, 4, 6), (1, 1))],
    "grouped_conv": [((3, 3, 2, 6), (1, 1), 2)],
    "up": [((5, 5, 4, 6), (2, 2), convolution.same_padding((5, 5), (2, 2)))],
}


@pytest.mark.parametrize("name, call", [(name, call) for name, calls in CALLS.items() for call in calls])
def test_plain_convolutions_are_the_same_functions(name, call):
    shape, *arguments = call
    draw = np.random.default_rng(0)
    x, kernel = np.float32(draw.normal(size=(2, 8, 8, 4))), np.float32(draw.normal(size=shape))
    output = ours.PLAIN[name](x, kernel, *arguments)
    np.testing.assert_allclose(
        output, getattr(convolution, name)(x, kernel, *arguments), rtol=1e-4, atol=1e-4
    )


def test_plain_convolutions_are_those_that_layers_call(monkeypatch):
    called = []
    for name, function in ours.PLAIN.items():
        monkeypatch.setattr(
            convolution, name, lambda *arguments, f=function, n=name: called.append(n) or f(*arguments)
        )
    for layer in (convolution.Conv, convolution.ConvTranspose, convolution.GroupedConv):
        jax.eval_shape(layer(4, (3, 3), (2, 2)).init, jax.random.key(0), np.zeros((1, 8, 8, 2), np.float32))
    assert called == ["conv", "up", "grouped_conv"]


def test_peak_is_the_rate_of_the_fastest_product(monkeypatch):
    """Two floating point operations per term, 16^3 terms, in 4, 2 and 8 seconds."""
    clock = iter([0.0, 0.0, 4.0, 5.0, 5.0, 7.0, 8.0, 8.0, 16.0, 99.0])
    monkeypatch.setattr(ours, "time", types.SimpleNamespace(perf_counter=lambda: next(clock)))
    assert ours.matrix_product_peak(20.0, size=16) == 2 * 16**3 / 2.0
