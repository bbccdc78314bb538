"""The residual networks of the cases in PyTorch: those of SNGAN and of R3GAN."""

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional

from gan_jax.benchmark.arithmetic import halved, halvings, stages
from gan_jax.benchmark.torch_shapes import ToImage


def _double(x):
    return functional.interpolate(x, scale_factor=2, mode="nearest")


class UpBlock(nn.Module):
    """`residual.UpBlock`."""

    def __init__(self, inputs: int, features: int) -> None:
        super().__init__()
        self.first_norm = nn.BatchNorm2d(inputs, eps=2e-5)
        self.first = nn.Conv2d(inputs, features, 3, padding=1, bias=False)
        self.second_norm = nn.BatchNorm2d(features, eps=2e-5)
        self.second = nn.Conv2d(features, features, 3, padding=1)
        self.shortcut = nn.Conv2d(inputs, features, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        residual = self.first(_double(functional.relu(self.first_norm(x), inplace=True)))
        residual = self.second(functional.relu(self.second_norm(residual), inplace=True))
        return residual + _double(self.shortcut(x))


class DownBlock(nn.Module):
    """`residual.DownBlock`; the channels between its convolutions are those of its output."""

    def __init__(self, inputs: int, features: int, halve: bool, activate: bool) -> None:
        super().__init__()
        self.halve, self.activate = halve, activate
        self.first = nn.Conv2d(inputs, features, 3, padding=1)
        self.second = nn.Conv2d(features, features, 3, padding=1)
        self.shortcut = nn.Conv2d(inputs, features, 1) if halve or inputs != features else nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        residual = self.first(functional.relu(x) if self.activate else x)
        residual = self.second(functional.relu(residual, inplace=True))
        if self.halve:
            residual, x = functional.avg_pool2d(residual, 2), functional.avg_pool2d(x, 2)
        return residual + self.shortcut(x)


class SumOfPixels(nn.Module):
    """ReLU and the sum over pixels, [B, C, H, W] to [B, C]."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.relu(x).sum((2, 3))


class SelfAttention(nn.Module):
    """`layers.SelfAttention`."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        narrow, half = max(channels // 8, 1), max(channels // 2, 1)
        self.query = nn.Conv2d(channels, narrow, 1, bias=False)
        self.key = nn.Conv2d(channels, narrow, 1, bias=False)
        self.value = nn.Conv2d(channels, half, 1, bias=False)
        self.gain = nn.Parameter(torch.zeros(()))
        self.output = nn.Conv2d(half, channels, 1, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        query = self.query(x).flatten(2)
        key, value = (functional.max_pool2d(part(x), 2).flatten(2) for part in (self.key, self.value))
        weights = torch.einsum("bcq,bck->bqk", query, key).float().softmax(2).to(value.dtype)
        gathered = torch.einsum("bqk,bck->bcq", weights, value).unflatten(2, x.shape[2:])
        return x + self.gain * self.output(gathered)


def _with_attention(blocks, sizes, attention, width):
    """The blocks, with attention after the first of the largest images that are not larger than each size."""
    places = {sizes.index(max(size for size in sizes if size <= most)) for most in attention}
    pairs = [[block, *([SelfAttention(width)] if at in places else [])] for at, block in enumerate(blocks)]
    return [layer for pair in pairs for layer in pair]


def resnet_generator(
    resolution: int, channels: int, latents: int, *, width: int, attention: Sequence[int] = ()
) -> nn.Module:
    """`resnet.Generator` below 48 pixels."""
    count = halvings(resolution)
    size = resolution >> count
    blocks = [UpBlock(width, width) for _ in range(count)]
    return nn.Sequential(
        nn.Linear(latents, size * size * width),
        ToImage(size, width),
        *_with_attention(blocks, [size << block for block in range(1, count + 1)], attention, width),
        nn.BatchNorm2d(width, eps=2e-5),
        nn.ReLU(inplace=True),
        nn.Conv2d(width, channels, 3, padding=1),
        nn.Tanh(),
    )


def resnet_discriminator(
    resolution: int, channels: int, *, width: int, attention: Sequence[int] = ()
) -> nn.Module:
    """`resnet.Discriminator` below 48 pixels."""
    blocks: list[nn.Module] = []
    inputs, before = channels, resolution
    for size in halved(resolution):
        blocks.append(DownBlock(inputs, width, halve=size < before, activate=bool(blocks)))
        inputs, before = width, size
    layers = _with_attention(blocks, halved(resolution), attention, width)
    return nn.Sequential(*layers, SumOfPixels(), nn.Linear(width, 1))


class Smooth(nn.Module):
    """`smooth_upsample` or `smooth_downsample`: a fixed filter with stride 2, the same for each channel."""

    def __init__(self, channels: int, up: bool) -> None:
        super().__init__()
        self.apply_filter = functional.conv_transpose2d if up else functional.conv2d
        taps = torch.tensor([1.0, 3.0, 3.0, 1.0]) / (4.0 if up else 8.0)
        self.register_buffer("filter", torch.outer(taps, taps).expand(channels, 1, 4, 4).contiguous())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.apply_filter(x, self.filter, stride=2, padding=1, groups=x.shape[1])


class Block(nn.Module):
    """`r3gan.Block`."""

    def __init__(self, channels: int, expansion: int = 2, group_width: int = 16) -> None:
        super().__init__()
        inner = expansion * channels
        self.layers = nn.Sequential(
            nn.Conv2d(channels, inner, 1),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Conv2d(inner, inner, 3, padding=1, groups=inner // group_width),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Conv2d(inner, channels, 1, bias=False),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.layers(x)


def _linear(inputs, outputs):
    return [] if inputs == outputs else [nn.Conv2d(inputs, outputs, 1, bias=False)]


class Basis(nn.Module):
    """The learned small image of `r3gan.Generator`, scaled by the latents."""

    def __init__(self, latents: int, channels: int, size: int) -> None:
        super().__init__()
        self.scale = nn.Linear(latents, channels, bias=False)
        self.image = nn.Parameter(torch.randn(1, channels, size, size))

    def forward(self, latents: torch.Tensor) -> torch.Tensor:
        return self.image * self.scale(latents)[:, :, None, None]


class WeightedSum(nn.Module):
    """The last layer of `r3gan.Discriminator` before its logit: each channel's weighted sum over pixels."""

    def __init__(self, channels: int, size: int) -> None:
        super().__init__()
        self.image = nn.Parameter(torch.randn(1, channels, size, size) / size)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return (x * self.image).sum((2, 3))


def r3gan_generator(
    resolution: int, channels: int, latents: int, *, widths: Sequence[int], blocks: int
) -> nn.Module:
    """`r3gan.Generator`."""
    inputs, *others = reversed(stages(resolution, widths))
    layers = [Basis(latents, inputs, resolution >> len(others)), *[Block(inputs) for _ in range(blocks)]]
    for width in others:
        layers += [*_linear(inputs, width), Smooth(width, up=True), *[Block(width) for _ in range(blocks)]]
        inputs = width
    return nn.Sequential(*layers, nn.Conv2d(inputs, channels, 1, bias=False))


def r3gan_discriminator(resolution: int, channels: int, *, widths: Sequence[int], blocks: int) -> nn.Module:
    """`r3gan.Discriminator`."""
    inputs, *others = stages(resolution, widths)
    layers = [nn.Conv2d(channels, inputs, 1, bias=False), *[Block(inputs) for _ in range(blocks)]]
    for width in others:
        layers += [Smooth(inputs, up=False), *_linear(inputs, width), *[Block(width) for _ in range(blocks)]]
        inputs = width
    size = resolution >> len(others)
    return nn.Sequential(*layers, WeightedSum(inputs, size), nn.Linear(inputs, 1, bias=False))
