"""Networks: one architecture a file; resolution, channels and classes are arguments."""

from gan_jax.nets import dcgan, mlp

__all__ = ["dcgan", "mlp"]
