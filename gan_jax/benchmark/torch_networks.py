"""The networks of the cases in PyTorch, with the same parameters as those of gan_jax.

Images are in the channels_last format throughout. Strided convolutions of 5 by 5 pixels are padded by 2 on
both sides, as PyTorch's users write it. This is the mirror image of TensorFlow's SAME, and costs the same.
Kernels have PyTorch's initial values, which do not affect the time of a step.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import nn
from torch.nn.utils import parametrizations

from gan_jax.benchmark import torch_residual
from gan_jax.benchmark.arithmetic import halvings
from gan_jax.benchmark.torch_shapes import Flat, ToImage


def _dense_stack(sizes, slope, dropout=0.0):
    layers = []
    for inputs, outputs in zip(sizes[:-1], sizes[1:]):
        layers += [nn.Linear(inputs, outputs), nn.LeakyReLU(slope, inplace=True)]
        layers += [nn.Dropout(dropout)] if dropout else []
    return layers


def mlp_generator(
    resolution: int, channels: int, latents: int, *, widths: Sequence[int], slope: float
) -> nn.Module:
    """`mlp.Generator`."""
    pixels = resolution**2 * channels
    layers = _dense_stack((latents, *widths), slope)
    return nn.Sequential(*layers, nn.Linear(widths[-1], pixels), nn.Tanh(), ToImage(resolution, channels))


def mlp_discriminator(
    resolution: int, channels: int, *, widths: Sequence[int], slope: float, dropout: float
) -> nn.Module:
    """`mlp.Discriminator`."""
    layers = _dense_stack((resolution**2 * channels, *widths), slope, dropout)
    return nn.Sequential(Flat(), *layers, nn.Linear(widths[-1], 1))


def tutorial_generator(resolution: int, channels: int, latents: int) -> nn.Module:
    """`tutorial.Generator`."""

    def activate(norm):
        return [norm, nn.LeakyReLU(0.3, inplace=True)]

    def up(inputs, outputs, stride):
        return nn.ConvTranspose2d(
            inputs, outputs, 5, stride, padding=2, output_padding=stride - 1, bias=False
        )

    return nn.Sequential(
        nn.Linear(latents, 7 * 7 * 256, bias=False),
        *activate(nn.BatchNorm1d(7 * 7 * 256, eps=1e-3, momentum=0.01)),
        ToImage(7, 256),
        up(256, 128, 1),
        *activate(nn.BatchNorm2d(128, eps=1e-3, momentum=0.01)),
        up(128, 64, 2),
        *activate(nn.BatchNorm2d(64, eps=1e-3, momentum=0.01)),
        up(64, channels, 2),
        nn.Tanh(),
    )


def tutorial_discriminator(resolution: int, channels: int) -> nn.Module:
    """`tutorial.Discriminator`."""
    layers, inputs = [], channels
    for width in (64, 128):
        layers += [
            nn.Conv2d(inputs, width, 5, 2, padding=2),
            nn.LeakyReLU(0.3, inplace=True),
            nn.Dropout(0.3),
        ]
        inputs = width
    return nn.Sequential(*layers, Flat(), nn.Linear((resolution // 4) ** 2 * inputs, 1))


def dcgan_generator(resolution: int, channels: int, latents: int, *, width: int) -> nn.Module:
    """`dcgan.Generator`."""
    count = halvings(resolution)
    size, inputs = resolution >> count, width << (count - 1)
    layers = [nn.Linear(latents, size * size * inputs, bias=False), ToImage(size, inputs)]
    layers += [nn.BatchNorm2d(inputs), nn.ReLU(inplace=True)]
    for level in range(1, count + 1):
        last = level == count
        outputs = channels if last else width << (count - 1 - level)
        layers.append(nn.ConvTranspose2d(inputs, outputs, 5, 2, padding=2, output_padding=1, bias=last))
        layers += [nn.Tanh()] if last else [nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)]
        inputs = outputs
    return nn.Sequential(*layers)


def dcgan_discriminator(resolution: int, channels: int, *, width: int, batch_norm: bool = True) -> nn.Module:
    """`dcgan.Discriminator`."""
    layers, inputs, count = [], channels, halvings(resolution)
    for level in range(count):
        normed = batch_norm and level > 0
        layers.append(nn.Conv2d(inputs, width << level, 5, 2, padding=2, bias=not normed))
        layers += [nn.BatchNorm2d(width << level)] if normed else []
        layers.append(nn.LeakyReLU(0.2, inplace=True))
        inputs = width << level
    return nn.Sequential(*layers, Flat(), nn.Linear((resolution >> count) ** 2 * inputs, 1))


def spectrally_normed(module: nn.Module) -> nn.Module:
    """The module with every kernel divided by its largest singular value: `wrap.spectral_norm`."""
    for layer in module.modules():
        if isinstance(layer, (nn.Conv2d, nn.Linear)):
            parametrizations.spectral_norm(layer, eps=1e-12)
    return module


NETWORKS: dict[str, Callable[..., nn.Module]] = {
    "mlp.Generator": mlp_generator,
    "mlp.Discriminator": mlp_discriminator,
    "gan_jax.benchmark.tutorial.Generator": tutorial_generator,
    "gan_jax.benchmark.tutorial.Discriminator": tutorial_discriminator,
    "dcgan.Generator": dcgan_generator,
    "dcgan.Discriminator": dcgan_discriminator,
    "resnet.Generator": torch_residual.resnet_generator,
    "resnet.Discriminator": torch_residual.resnet_discriminator,
    "r3gan.Generator": torch_residual.r3gan_generator,
    "r3gan.Discriminator": torch_residual.r3gan_discriminator,
}


def network(spec: Mapping[str, Any], *sizes: int) -> nn.Module:
    """A network of a recipe, in the channels_last format.

    Args:
        spec: `nets.<player>` of the recipe.
        *sizes: Resolution and channels of the images and, for a generator, the size of latents.

    Returns:
        nn.Module; images and latents are float32.
    """
    options = {name: value for name, value in spec.items() if name not in ("name", "wrap")}
    module = NETWORKS[spec["name"]](*sizes, **options)
    module = spectrally_normed(module) if "spectral_norm" in spec.get("wrap", {}) else module
    return module.to(memory_format=torch.channels_last)
