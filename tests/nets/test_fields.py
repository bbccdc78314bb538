"""Radii against networks: a pixel is changed, and outputs change where they may, and so far."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy_layers import drawn

from gan_jax.errors import UsageError
from gan_jax.nets.convolution import Conv
from gan_jax.nets.denoising import DnCNN
from gan_jax.nets.linen import from_linen
from gan_jax.nets.super_resolution import RRDB, SRResNet
from gan_jax.nets.translators import ResNet
from gan_jax.nets.unet import UNet


def mine(features, kernel_size, **options):
    """A layer that nobody knows the field of."""
    return Conv(features, (kernel_size, kernel_size), **options)


SMALL = dict(channels=1, width=1, norm="no_norm")
NETWORKS = {
    "unet": (UNet(**SMALL, depth=2, dropout=0.0), 1),
    "resnet, resized": (ResNet(**SMALL, blocks=1, halvings=1, upsample="resized"), 1),
    "resnet, antialiased": (ResNet(**SMALL, blocks=1, halvings=1, upsample="smoothed", blurred=True), 1),
    "srresnet": (SRResNet(**SMALL, blocks=1, scale=4), 4),
    "srresnet, transposed": (SRResNet(**SMALL, blocks=0, scale=2, upsample="transposed"), 2),
    "rrdb": (RRDB(channels=1, width=1, growth=1, blocks=1, scale=2), 2),
    "dncnn": (DnCNN(channels=1, width=1, depth=3), 1),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_outputs_depend_on_pixels_within_the_radius_and_on_one_as_far(name):
    """In a network of positive weights and inputs no derivatives cancel."""
    module, scale = NETWORKS[name]
    net = from_linen(module)
    size = 2 * net.radius + 4 * net.multiple
    size += -size % (2 * net.multiple)
    x = jnp.full((1, net.multiple, size, 1), 0.5)  # A stripe: columns behave like rows.
    _, params, carry = drawn(module, x, deviation=0.1)
    params = jax.tree.map(lambda leaf: np.abs(leaf) + 0.01, params)
    # Layers look alike every `multiple` pixels, so these are all kinds of outputs.
    outputs = scale * size // 2 + np.arange(scale * net.multiple)

    @jax.jit
    @jax.jacrev
    def slopes(x):
        image, _ = net.apply(params, carry, x, key=None, train=False)
        return jnp.sum(image, axis=(1, 3))[0, outputs]

    reach = [
        np.abs(np.flatnonzero(np.any(slope != 0, axis=(0, 1, 3))) - output // scale).max()
        for output, slope in zip(outputs, slopes(x), strict=True)
    ]
    assert max(reach) == net.radius


@pytest.mark.parametrize(
    "module",
    [
        UNet(channels=1),
        UNet(channels=1, norm="batch_norm"),  # Its dropout is noise of the whole image.
        UNet(channels=1, norm="no_norm", dropout=0.0, upsample=mine),
        ResNet(channels=1),
        ResNet(channels=1, norm="no_norm", upsample=mine),
        SRResNet(channels=1, norm="instance_norm"),
        RRDB(channels=1, upsample=mine),
        DnCNN(channels=1, norm="affine_instance_norm"),
    ],
    ids=repr,
)
def test_networks_that_see_the_whole_image(module):
    assert from_linen(module).radius is None


def test_radii_at_the_papers_sizes():
    # A pixel for every convolution of 3 by 3, in pixels of the source.
    assert DnCNN(channels=1).radius == 17
    # 4 of the first, 2 for each of 16 blocks, 1, and of two shuffles and 9 by 9 at four times the size: 2 and 3/4.
    assert SRResNet(channels=3).radius == 4 + 2 * 16 + 1 + 3
    # 1, 15 for each block, 1, and 1/2, 1/4, 1/4 and 1/4 of those behind the doublings.
    assert RRDB(channels=3).radius == 1 + 15 * 23 + 1 + 2
    # Halvings see 255 pixels less, and doublings as much: three times 255.
    assert UNet(channels=3, norm="batch_norm", dropout=0.0).radius == 3 * 255


def test_a_scale_that_is_no_power_of_two_is_one_line():
    with pytest.raises(UsageError, match="super_resolution.RRDB: scale=3: expected a power of 2"):
        from_linen(RRDB(channels=1, scale=3))
