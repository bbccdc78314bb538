"""Functions from a loss to a loss with the same parameters."""

import functools
import inspect
from collections.abc import Callable

import jax
import jax.numpy as jnp

from gan_jax.errors import UsageError

__all__ = [
    "top_k",
    "smooth",
    "swapped",
]


def top_k(loss: Callable[..., jax.Array], k: int) -> Callable[..., jax.Array]:
    """A generator's loss over the k fakes of the batch with the highest logits.

    Sinha et al. 2020, arXiv:2002.06224, eq. 3. The paper lowers k from the batch size to half of it during
    training; here k is constant, because the step is compiled. Of a fake with logits of patches the mean
    counts, and all of its patches are kept.

    Args:
        loss: Loss that reads `fake_logits` [B, ...], with one value per logit.
        k: Number of fakes to keep, between 1 and their number.

    Returns:
        Loss with the same parameters that returns the values of k fakes, float32 [k, ...], best fake first.

    Raises:
        UsageError: k below 1 or a loss without `fake_logits`; at the call, k above the number of fakes.
    """
    signature = inspect.signature(loss)
    if "fake_logits" not in signature.parameters:
        raise UsageError(f"top_k: expected a loss of fake_logits, not of {', '.join(signature.parameters)}")
    if k < 1:
        raise UsageError(f"top_k: k={k}: expected at least 1")

    @functools.wraps(loss)
    def of_best(*args, **kwargs):
        fake = jnp.float32(signature.bind(*args, **kwargs).arguments["fake_logits"])
        if k > len(fake):
            raise UsageError(f"top_k: k={k}: expected at most the {len(fake)} fakes of the batch")
        _, best = jax.lax.top_k(jnp.mean(fake.reshape(len(fake), -1), axis=1), k)
        return loss(*args, **kwargs)[best]

    return of_best


def smooth(loss: Callable[..., jax.Array], amount: float = 0.1) -> Callable[..., jax.Array]:
    """A discriminator's loss with both labels smoothed: a weighted mean with the loss of exchanged labels.

    Szegedy et al. 2015, arXiv:1512.00567, section 7. Two-sided, unlike `real_label` of
    `non_saturating_discriminator`: Salimans et al. 2016, arXiv:1606.03498, section 3.4, warn that the best
    discriminator then depends on the fakes' density where there is no data.

    Args:
        loss: Loss that reads `real_logits` and `fake_logits`, first and in this order.
        amount: Share of wrong labels, in [0, 1].

    Returns:
        Loss with the same parameters and shapes.

    Raises:
        UsageError: An amount outside [0, 1], or a loss that does not read the two.
    """
    first = tuple(inspect.signature(loss).parameters)[:2]
    if first != ("real_logits", "fake_logits"):
        raise UsageError(f"smooth: expected a loss of real_logits and fake_logits, not of {', '.join(first)}")
    if not 0.0 <= amount <= 1.0:
        raise UsageError(f"smooth: amount={amount}: expected a share in [0, 1]")

    @functools.wraps(loss)
    def smoothed(real_logits, fake_logits, *args, **kwargs):
        right, wrong = (real_logits, fake_logits), (fake_logits, real_logits)
        return (1.0 - amount) * loss(*right, *args, **kwargs) + amount * loss(*wrong, *args, **kwargs)

    return smoothed


def swapped(loss: Callable[..., jax.Array]) -> Callable[..., jax.Array]:
    """A discriminator's loss with real and fake exchanged: the loss of players that confuse the two.

    Donahue et al. 2016, arXiv:1605.09782, section 3.5, and Dumoulin et al. 2016, arXiv:1606.00704, algorithm
    1: generator and encoder both descend `swapped(non_saturating_discriminator)`, whose gradients are strong
    where minus the discriminator's own loss would saturate.

    Args:
        loss: Loss that reads `real_logits` and `fake_logits`, first and in this order.

    Returns:
        Loss with the same parameters, one value per pair of logits, [B, ...].

    Raises:
        UsageError: A loss that does not read the two.
    """
    first = tuple(inspect.signature(loss).parameters)[:2]
    if first != ("real_logits", "fake_logits"):
        raise UsageError(
            f"swapped: expected a loss of real_logits and fake_logits, not of {', '.join(first)}"
        )

    @functools.wraps(loss)
    def exchanged(real_logits, fake_logits, *args, **kwargs):
        return loss(fake_logits, real_logits, *args, **kwargs)

    return exchanged
