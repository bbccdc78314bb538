"""The TensorFlow versions: as many parameters, and the same losses, where TensorFlow is installed."""

import numpy as np
import parity
import pytest

from gan_jax.benchmark import arithmetic, cases

tf = pytest.importorskip("tensorflow")
from gan_jax.benchmark import tensorflow_peer  # noqa: E402
from gan_jax.benchmark.tensorflow_layers import SpectralDense  # noqa: E402
from gan_jax.benchmark.tensorflow_losses import LOSSES  # noqa: E402


def _copy(params, net):
    """Puts parameters of gan_jax into the same network; a grouped kernel is spread over its groups."""
    targets, sources = list(net.trainable_variables), list(params)
    while sources:
        value, name = sources.pop(0), targets[0].path
        if "grouped" in name:
            bias, width = sources.pop(0), targets[0].shape[-1]
            for start in range(0, value.shape[-1], width):
                targets.pop(0).assign(value[..., start : start + width])
                targets.pop(0).assign(bias[start : start + width])
            continue
        # Keras stores a transposed kernel as the kernel of its adjoint convolution.
        transposed = "transpose" in name and value.ndim == 4
        targets.pop(0).assign(value[::-1, ::-1].swapaxes(2, 3) if transposed else value)
    assert not targets


@pytest.mark.parametrize("name", cases.CASES)
def test_as_many_parameters(name):
    nets = tensorflow_peer.networks(cases.find(name))
    counts = {
        player: sum(int(tf.size(value)) for value in net.trainable_variables) for player, net in nets.items()
    }
    assert counts == parity.count(name)


@pytest.mark.parametrize("name", parity.NETWORKS)
def test_same_images_and_loss(name):
    example = parity.example(name)
    nets = tensorflow_peer.networks(example.recipe)
    for player, net in nets.items():
        _copy(example.params[player], net)
    fake = nets["generator"](example.latents, training=True)
    np.testing.assert_allclose(fake, example.fake, rtol=1e-5, atol=1e-5)
    real = tf.constant(example.real)

    def critic(images):
        return nets["discriminator"](images, training=True)[:, 0]

    loss = LOSSES[arithmetic.rivalry(example.recipe)][0]
    share = [example.share] if name == "wgan_gp" else []
    value = loss(critic, real, fake, parity.WEIGHTS, *share)
    np.testing.assert_allclose(float(value), example.loss, rtol=1e-5)


def test_spectral_norm_finds_the_largest_singular_value():
    layer = SpectralDense(3)
    images = tf.eye(4)
    layer.build((None, 4))
    values = np.linalg.svd(layer.kernel.numpy(), compute_uv=False)
    for _ in range(200):
        output = layer(images)
    np.testing.assert_allclose(output, layer.kernel.numpy() / values[0], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("compiled", [False, True])
def test_a_step_moves_both_players_and_the_average(compiled):
    training = tensorflow_peer.Training(parity.small("wgan_gp"), compiled)
    before = {player: [v.numpy() for v in net.trainable_variables] for player, net in training.nets.items()}
    training.train_step()
    for player, net in training.nets.items():
        moved = [
            (new.numpy() != old).any()
            for new, old in zip(net.trainable_variables, before[player])
            if old.ndim > 1
        ]
        assert moved and all(moved)
    # 5 x 4 images: at the start the average follows almost at once.
    for mean, new in zip(training.average, training.nets["generator"].trainable_variables):
        np.testing.assert_allclose(mean, new, atol=1e-6)
    assert int(training.step) == 1
