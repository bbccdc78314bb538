import jax
import jax.numpy as jnp
import numpy as np

from gan_jax.nets import mlp
from gan_jax.nets.linen import from_linen


def test_tutorial_sizes():
    net = from_linen(mlp.Generator(resolution=28, channels=1))
    params, carry = net.init(jax.random.key(0), jnp.ones((2, 100)))
    assert [params[f"Dense_{i}"]["kernel"].shape for i in range(3)] == [(100, 128), (128, 128), (128, 784)]
    images, _ = net.apply(params, carry, jnp.ones((2, 100)), key=jax.random.key(0), train=True)
    assert images.shape == (2, 28, 28, 1) and carry == {}


def test_labels_matter():
    net = from_linen(mlp.Discriminator(classes=3, widths=(8,)))
    images, labels = jnp.ones((3, 4, 4, 1)), jnp.arange(3)
    params, carry = net.init(jax.random.key(0), images, labels)
    assert params["Dense_0"]["kernel"].shape == (16 + 3, 8)
    heads, _ = net.apply(params, carry, images, labels, key=None, train=False)
    assert len(np.unique(heads["logits"])) == 3


def test_dropout_only_in_training():
    net = from_linen(mlp.Discriminator(widths=(64,), dropout=0.5))
    images = jnp.ones((2, 4, 4, 1))
    params, carry = net.init(jax.random.key(0), images)

    def logits(seed, train):
        return net.apply(params, carry, images, key=jax.random.key(seed), train=train)[0]["logits"]

    assert logits(0, False)[0] == logits(1, False)[0]
    assert logits(0, True)[0] != logits(1, True)[0]
