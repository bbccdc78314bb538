"""Classifiers that ship with the package, as features of images that they were not trained on."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import sources

from gan_jax import features
from gan_jax.errors import UsageError
from gan_jax.features import perceptual, reference
from gan_jax.nets.convolution import conv

PHOTOGRAPHS = sources.noise(3, side=20, channels=3)


def _by_hand(name, images):
    """The output of every convolution of a reference classifier, its batch norm folded into the kernel."""
    variables = reference.variables(reference.shipped()[name])
    params, statistics = variables["params"], variables["carry"]["batch_stats"]
    count = sum(layer.startswith("Conv_") for layer in params)
    seen, x = [], images
    for number in range(count):
        own = {**params[f"BatchNorm_{number}"], **statistics[f"BatchNorm_{number}"]}
        gain = np.float64(own["scale"]) / np.sqrt(np.float64(own["var"]) + 1e-5)
        kernel = np.float32(params[f"Conv_{number}"]["kernel"] * gain)
        stride = 2 if number < count - 1 else 1
        x = conv(x, kernel, (stride, stride)) + np.float32(own["bias"] - own["mean"] * gain)
        x = jnp.maximum(x, 0)
        seen.append(np.asarray(x))
    return seen


def test_photographs_are_compared_by_the_convolutions_of_cifar10():
    images = np.float32(PHOTOGRAPHS.read(np.arange(3))["real"] / 127.5 - 1)
    expected = _by_hand("cifar10", images)
    maps = perceptual.classifier(PHOTOGRAPHS, of="cifar10")
    assert maps.load is None and maps.name == "classifier of cifar10/3.0.2 train"
    found = jax.jit(maps.maps)(maps.params, images)
    assert list(found) == [f"conv{number}" for number in range(1, 1 + len(expected))]
    for value, wanted in zip(found.values(), expected, strict=True):
        np.testing.assert_allclose(value, wanted, rtol=1e-3, atol=1e-4)
    chosen = perceptual.classifier(PHOTOGRAPHS, of="cifar10", layers=("conv2",))
    assert list(jax.eval_shape(chosen.maps, chosen.params, images)) == ["conv2"]
    # As features of evaluations: the last ones, averaged, and no classes.
    network = features.named("cifar10", PHOTOGRAPHS, None)
    outputs = jax.jit(network.apply)(network.params, images)
    assert list(outputs) == ["features"] and network.load is None and not network.standard
    np.testing.assert_allclose(outputs["features"], expected[-1].mean((1, 2)), rtol=1e-3, atol=1e-4)
    assert network.facts["weights"] == maps.facts["weights"]
    # Grey images are coloured ones whose channels are equal.
    grey = features.named("cifar10", sources.noise(2, side=20), None)
    shown = images[..., :1], np.repeat(images[..., :1], 3, -1)
    one, three = (jax.jit(grey.apply)(grey.params, each)["features"] for each in shown)
    np.testing.assert_allclose(one, three, rtol=1e-5)


def test_gradients_reach_the_images():
    maps = perceptual.classifier(PHOTOGRAPHS, of="cifar10", layers=("conv3",))
    slope = jax.grad(lambda x: jnp.sum(maps.maps(maps.params, x)["conv3"]))(jnp.zeros((1, 16, 16, 3)))
    assert np.isfinite(slope).all() and np.abs(slope).max() > 0


@pytest.mark.parametrize(
    ("of", "source", "message"),
    [
        ("cifar", PHOTOGRAPHS, "game.features.of: unknown name 'cifar'; did you mean cifar10"),
        ("mnist", PHOTOGRAPHS, "arrays has images of 20x20x3: expected grey images of at least 4 pixels a side"),
        (
            "cifar10", sources.noise(3, side=4),
            "arrays has images of 4x4x1: expected coloured or grey images of at least 8 pixels a side",
        ),
    ],
)  # fmt: skip
def test_what_it_cannot_see_is_one_line(of, source, message):
    with pytest.raises(UsageError) as error:
        perceptual.classifier(source, of=of)
    assert message in str(error.value)
    if of != "cifar":
        with pytest.raises(UsageError, match=f"features={of}: arrays has images of"):
            features.named(of, source, None)
