"""Networks: one architecture a file; resolution, channels and classes are arguments."""

from gan_jax.nets import autoencoders, dcgan, discriminators, encoders, mlp, points, r3gan, resnet

__all__ = ["autoencoders", "dcgan", "discriminators", "encoders", "mlp", "points", "r3gan", "resnet"]
