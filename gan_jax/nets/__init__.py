"""Networks: one architecture a file; resolution, channels and classes are arguments."""

from gan_jax.nets import dcgan, mlp, r3gan, resnet

__all__ = ["dcgan", "mlp", "r3gan", "resnet"]
