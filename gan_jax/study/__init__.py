"""Studies: variants of a recipe, each trained with several seeds, compared by mean and spread."""

from gan_jax.study.definition import Study

__all__ = ["Study"]
