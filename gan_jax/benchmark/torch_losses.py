"""The losses of the cases in PyTorch: one forward pass serves a loss and its penalty."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch.nn import functional

# From images [B, C, H, W] to logits [B] or [B, 1].
Network = Callable[[torch.Tensor], torch.Tensor]


def non_saturating_discriminator(
    discriminator: Network, real: torch.Tensor, fake: torch.Tensor, weights: Mapping[str, Any]
) -> torch.Tensor:
    """Cross entropy of a classifier of real and fake."""
    return functional.softplus(-discriminator(real)).mean() + functional.softplus(discriminator(fake)).mean()


def non_saturating_generator(discriminator: Network, real: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
    """Cross entropy of fakes classified as real."""
    return functional.softplus(-discriminator(fake)).mean()


def hinge_discriminator(
    discriminator: Network, real: torch.Tensor, fake: torch.Tensor, weights: Mapping[str, Any]
) -> torch.Tensor:
    """The hinge loss with margins of 1."""
    return functional.relu(1 - discriminator(real)).mean() + functional.relu(1 + discriminator(fake)).mean()


def minus_fake(discriminator: Network, real: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
    """The generator's loss of hinge and Wasserstein games."""
    return -discriminator(fake).mean()


def wasserstein_discriminator(
    discriminator: Network,
    real: torch.Tensor,
    fake: torch.Tensor,
    weights: Mapping[str, Any],
    share: torch.Tensor | None = None,
) -> torch.Tensor:
    """WGAN's loss with the gradient penalty; `share` is the place between real and fake, [B, 1, 1, 1]."""
    share = torch.rand(len(real), 1, 1, 1, device=real.device) if share is None else share
    between = torch.lerp(real, fake, share).requires_grad_()
    (slope,) = torch.autograd.grad(discriminator(between).sum(), between, create_graph=True)
    penalty = (slope.square().sum((1, 2, 3)).add(1e-12).sqrt() - 1).square().mean()
    distance = (discriminator(fake) - discriminator(real)).mean()
    return distance + weights["gradient_penalty"] * penalty


def relativistic_discriminator(
    discriminator: Network, real: torch.Tensor, fake: torch.Tensor, weights: Mapping[str, Any]
) -> torch.Tensor:
    """R3GAN's loss with R1 and R2; one forward pass for all three."""
    real, fake = real.requires_grad_(), fake.requires_grad_()
    real_logits, fake_logits = discriminator(real), discriminator(fake)
    slopes = torch.autograd.grad(real_logits.sum() + fake_logits.sum(), (real, fake), create_graph=True)
    r1, r2 = (0.5 * slope.square().sum((1, 2, 3)).mean() for slope in slopes)
    loss = functional.softplus(fake_logits - real_logits).mean()
    return loss + weights["r1"] * r1 + weights["r2"] * r2


def relativistic_generator(discriminator: Network, real: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
    """R3GAN's loss; the real images' logits are not differentiated."""
    with torch.no_grad():
        real_logits = discriminator(real)
    return functional.softplus(real_logits - discriminator(fake)).mean()


LOSSES = {
    "non_saturating": (non_saturating_discriminator, non_saturating_generator),
    "hinge": (hinge_discriminator, minus_fake),
    "wasserstein": (wasserstein_discriminator, minus_fake),
    "relativistic": (relativistic_discriminator, relativistic_generator),
}
