"""From vectors to images and back in PyTorch, in the channels_last format."""

import torch
from torch import nn


class ToImage(nn.Module):
    """[B, size * size * width] to [B, width, size, size]; copies nothing."""

    def __init__(self, size: int, width: int) -> None:
        super().__init__()
        self.shape = (size, size, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.view(-1, *self.shape).permute(0, 3, 1, 2)


class Flat(nn.Module):
    """[B, C, H, W] to [B, H * W * C], the layout of a channels_last image."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.permute(0, 2, 3, 1).flatten(1)
