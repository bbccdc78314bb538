"""Studies: variants of a recipe, each trained with several seeds, and what came of them with its spread."""

from gan_jax.study.definition import Study

__all__ = ["Study"]
