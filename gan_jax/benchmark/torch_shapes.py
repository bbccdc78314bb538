"""From vectors to images and back in PyTorch, in the channels_last format."""

from torch import nn


class ToImage(nn.Module):
    """[B, size * size * width] to [B, width, size, size], without moving anything."""

    def __init__(self, size, width):
        super().__init__()
        self.shape = (size, size, width)

    def forward(self, x):
        return x.view(-1, *self.shape).permute(0, 3, 1, 2)


class Flat(nn.Module):
    """[B, C, H, W] to [B, H * W * C], which a channels_last image is already."""

    def forward(self, x):
        return x.permute(0, 2, 3, 1).flatten(1)
