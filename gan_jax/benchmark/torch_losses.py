"""The losses of the cases in PyTorch: one forward pass serves a loss and its penalty."""

import torch
from torch.nn import functional


def non_saturating_discriminator(discriminator, real, fake, weights):
    """Cross entropy of telling real from fake."""
    return functional.softplus(-discriminator(real)).mean() + functional.softplus(discriminator(fake)).mean()


def non_saturating_generator(discriminator, real, fake):
    """Cross entropy of fakes that pass for real."""
    return functional.softplus(-discriminator(fake)).mean()


def hinge_discriminator(discriminator, real, fake, weights):
    """The hinge loss with margins of 1."""
    return functional.relu(1 - discriminator(real)).mean() + functional.relu(1 + discriminator(fake)).mean()


def minus_fake(discriminator, real, fake):
    """The generator's loss of hinge and Wasserstein games."""
    return -discriminator(fake).mean()


def wasserstein_discriminator(discriminator, real, fake, weights, share=None):
    """WGAN's loss with the gradient penalty; `share` is the place between real and fake, [B, 1, 1, 1]."""
    share = torch.rand(len(real), 1, 1, 1) if share is None else share
    between = torch.lerp(real, fake, share).requires_grad_()
    (slope,) = torch.autograd.grad(discriminator(between).sum(), between, create_graph=True)
    penalty = (slope.square().sum((1, 2, 3)).add(1e-12).sqrt() - 1).square().mean()
    distance = (discriminator(fake) - discriminator(real)).mean()
    return distance + weights["gradient_penalty"] * penalty


def relativistic_discriminator(discriminator, real, fake, weights):
    """R3GAN's loss with R1 and R2; one forward pass for all three."""
    real, fake = real.requires_grad_(), fake.requires_grad_()
    real_logits, fake_logits = discriminator(real), discriminator(fake)
    slopes = torch.autograd.grad(real_logits.sum() + fake_logits.sum(), (real, fake), create_graph=True)
    r1, r2 = (0.5 * slope.square().sum((1, 2, 3)).mean() for slope in slopes)
    loss = functional.softplus(fake_logits - real_logits).mean()
    return loss + weights["r1"] * r1 + weights["r2"] * r2


def relativistic_generator(discriminator, real, fake):
    """R3GAN's loss; nothing of the real images' logits is differentiated."""
    with torch.no_grad():
        real_logits = discriminator(real)
    return functional.softplus(real_logits - discriminator(fake)).mean()


LOSSES = {
    "non_saturating": (non_saturating_discriminator, non_saturating_generator),
    "hinge": (hinge_discriminator, minus_fake),
    "wasserstein": (wasserstein_discriminator, minus_fake),
    "relativistic": (relativistic_discriminator, relativistic_generator),
}
