"""Networks: one architecture a file; resolution, channels and classes are arguments."""

from gan_jax.nets import (
    autoencoders,
    dcgan,
    denoising,
    discriminators,
    encoders,
    mlp,
    patch_gan,
    points,
    projections,
    r3gan,
    real_esrgan,
    resnet,
    srgan,
    super_resolution,
    translators,
    unet,
)

__all__ = [
    "autoencoders",
    "dcgan",
    "denoising",
    "discriminators",
    "encoders",
    "mlp",
    "patch_gan",
    "points",
    "projections",
    "r3gan",
    "real_esrgan",
    "resnet",
    "srgan",
    "super_resolution",
    "translators",
    "unet",
]
