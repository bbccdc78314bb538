"""Normalisation that knows the label."""

import flax.linen as nn

from gan_jax.errors import UsageError
from gan_jax.nets.batch_norm import BatchNorm


class ConditionalBatchNorm(nn.Module):
    """Batch norm with a gain and an offset for each class.

    Dumoulin et al. 2016, arXiv:1610.07629, eq. 5, for batch in place of instance norm as in Miyato and
    Koyama 2018, arXiv:1802.05637, section 4. The statistics are those of all classes together. Without
    labels it is batch norm.

    Attributes:
        classes: Number of classes, if labels are told.
        momentum: Weight of the past in running statistics, in [0, 1).
        epsilon: Added to variances; 2e-5 is that of the authors' framework.
    """

    classes: int = 0
    momentum: float = 0.9
    epsilon: float = 2e-5

    @nn.compact
    def __call__(self, x, labels=None, *, train):
        """[B, H, W, C], and labels int32 [B] or None, to the same shape."""
        told = labels is not None
        x = BatchNorm(
            use_running_average=not train,
            momentum=self.momentum,
            epsilon=self.epsilon,
            use_scale=not told,
            use_bias=not told,
        )(x)
        if not told:
            return x
        if self.classes < 1:
            raise UsageError(f"classes={self.classes}: a network that is told labels needs their number")
        shape = (self.classes, x.shape[-1])
        scale = self.param("scale", nn.initializers.ones, shape)[labels].astype(x.dtype)
        bias = self.param("bias", nn.initializers.zeros, shape)[labels].astype(x.dtype)
        return x * scale[:, None, None] + bias[:, None, None]
