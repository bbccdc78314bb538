"""Heads of a discriminator: functions from the features of a sample to outputs.

A head's positional parameters name the values that it reads from the network: `features` [B, F], `labels`
int32 [B] or None, `classes`, `kernel_init`, `train`. Its keyword-only parameters are hyperparameters, which
the recipe gives: `heads=dict(logits={}, codes=dict(values=10))`. `readout.py` calls a head inside the
network's `__call__`, where it creates its layers. It returns a dict of outputs.
"""

from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from gan_jax.errors import UsageError
from gan_jax.nets.batch_norm import BatchNorm


def logits(features: jax.Array, kernel_init: Callable[..., Any]) -> dict[str, jax.Array]:
    """One logit per sample, high for real.

    Args:
        features: [B, F].
        kernel_init: Initializer of the kernel [F, 1].

    Returns:
        `{"logits": [B]}`.
    """
    return {"logits": nn.Dense(1, kernel_init=kernel_init)(features)[:, 0]}


def projection(
    features: jax.Array, labels: jax.Array | None, classes: int, kernel_init: Callable[..., Any]
) -> dict[str, jax.Array]:
    """A logit that depends on the label: psi(features) + <features, embedding of the label>.

    Miyato and Koyama 2018, arXiv:1802.05637, eq. 3; use it instead of `logits`. The embedding starts like a
    kernel, as in the authors' code, and `wrap.spectral_norm` normalises it like one.

    Args:
        features: [B, F].
        labels: Classes of the samples, int32 [B].
        classes: Number of classes.
        kernel_init: Initializer of the kernel [F, 1] and of the embedding [classes, F].

    Returns:
        `{"logits": [B]}`.

    Raises:
        UsageError: The discriminator gets no labels.
    """
    embedded = _embedded(features, labels, classes, kernel_init, "projection")
    return {"logits": logits(features, kernel_init)["logits"] + jnp.sum(embedded * features, axis=-1)}


def class_logits(
    features: jax.Array, classes: int, kernel_init: Callable[..., Any], *, extra: int = 0, copies: int = 1
) -> dict[str, jax.Array]:
    """Logits of the sample's class: Odena et al. 2016, arXiv:1610.09585 (AC-GAN).

    `copies=2` has every class twice, for ADC-GAN. `extra=1` adds one class for fakes, for the multi-class
    hinge loss.

    Args:
        features: [B, F].
        classes: Number of classes.
        kernel_init: Initializer of the kernel.
        extra: Outputs besides those of the classes.
        copies: Number of outputs for every class.

    Returns:
        `{"class_logits": [B, copies * classes + extra]}`.

    Raises:
        UsageError: The data has no classes.
    """
    size = copies * _checked(classes, "class_logits") + extra
    return {"class_logits": nn.Dense(size, kernel_init=kernel_init, name="class_logits")(features)}


def twin_logits(features: jax.Array, classes: int, kernel_init: Callable[..., Any]) -> dict[str, jax.Array]:
    """Logits of a second classifier, for TAC-GAN: Gong et al. 2019, arXiv:1907.02690.

    Args:
        features: [B, F].
        classes: Number of classes.
        kernel_init: Initializer of the kernel.

    Returns:
        `{"twin_logits": [B, classes]}`.

    Raises:
        UsageError: The data has no classes.
    """
    size = _checked(classes, "twin_logits")
    return {"twin_logits": nn.Dense(size, kernel_init=kernel_init, name="twin_logits")(features)}


def rotation_logits(features: jax.Array, kernel_init: Callable[..., Any]) -> dict[str, jax.Array]:
    """Logits of four quarter turns, for SSGAN: Chen et al. 2019, arXiv:1811.11212, section 3.

    Args:
        features: [B, F].
        kernel_init: Initializer of the kernel.

    Returns:
        `{"rotation_logits": [B, 4]}`.
    """
    return {"rotation_logits": nn.Dense(4, kernel_init=kernel_init, name="rotation_logits")(features)}


def features(features: jax.Array) -> dict[str, jax.Array]:
    """The features themselves, for feature matching: Salimans et al. 2016, arXiv:1606.03498, section 3.1.

    Args:
        features: [B, F].

    Returns:
        `{"features": [B, F]}`.
    """
    return {"features": features}


def codes(
    features: jax.Array,
    kernel_init: Callable[..., Any],
    train: bool,
    *,
    values: int = 10,
    count: int = 0,
    continuous: int = 0,
    width: int = 128,
    slope: float = 0.1,
) -> dict[str, jax.Array]:
    """The codes in the latents, predicted from the sample: InfoGAN's Q.

    Chen et al. 2016, arXiv:1606.03657, section 6 and appendix C: a layer of 128 with batch norm and
    LeakyReLU 0.1 beside the discriminator's last layer, and one layer of outputs. The logarithm of the
    variance of continuous codes is an output too.

    Args:
        features: [B, F].
        kernel_init: Initializer of the kernels.
        train: Whether batch norm uses the batch's statistics.
        values: Values of each discrete code.
        count: Number of discrete codes; the paper has 1 for MNIST.
        continuous: Number of continuous codes; the paper has 2 for MNIST.
        width: Units of the hidden layer.
        slope: LeakyReLU's slope below zero.

    Returns:
        Dict of `code_logits` [B, count, values], if there are discrete codes, and of `code_mean` and
        `code_log_variance` [B, continuous], if there are continuous ones.

    Raises:
        UsageError: There are neither discrete nor continuous codes.
    """
    if count + continuous < 1:
        raise UsageError(f"heads.codes(count={count}, continuous={continuous}): expected at least one code")
    x = nn.Dense(width, use_bias=False, kernel_init=kernel_init, name="codes_hidden")(features)
    x = BatchNorm(use_running_average=not train, momentum=0.9, epsilon=1e-5, name="codes_norm")(x)
    x = nn.leaky_relu(x, slope)
    outputs = {}
    if count:
        code_logits = nn.Dense(count * values, kernel_init=kernel_init, name="code_logits")(x)
        outputs["code_logits"] = code_logits.reshape(-1, count, values)
    if continuous:
        for name in ("code_mean", "code_log_variance"):
            outputs[name] = nn.Dense(continuous, kernel_init=kernel_init, name=name)(x)
    return outputs


def embedding(
    features: jax.Array,
    labels: jax.Array | None,
    classes: int,
    kernel_init: Callable[..., Any],
    *,
    size: int = 512,
) -> dict[str, jax.Array]:
    """The embeddings of a sample and of its label, for contrastive losses.

    Kang and Park 2020, arXiv:2006.12681, section 3 (ContraGAN).

    Args:
        features: [B, F].
        labels: Classes of the samples, int32 [B].
        classes: Number of classes.
        kernel_init: Initializer of the kernel [F, size] and of the label's embedding [classes, size].
        size: Dimensions of the embeddings.

    Returns:
        `{"embedding": [B, size], "class_embedding": [B, size]}`.

    Raises:
        UsageError: The discriminator gets no labels.
    """
    of_sample = nn.Dense(size, kernel_init=kernel_init, name="embedding")(features)
    of_label = _embedded(of_sample, labels, classes, kernel_init, "embedding")
    return {"embedding": of_sample, "class_embedding": of_label}


def _embedded(
    like: jax.Array, labels: jax.Array | None, classes: int, kernel_init: Callable[..., Any], head: str
) -> jax.Array:
    """The labels' embeddings, with as many dimensions as `like`; zeros for labels below 0, no class."""
    if labels is None:
        raise UsageError(f"heads.{head} needs labels, but the discriminator gets none: see game.condition_on")
    embed = nn.Embed(
        _checked(classes, head), like.shape[-1], embedding_init=kernel_init, name=f"{head}_of_label"
    )
    return jnp.where(labels[:, None] >= 0, embed(labels), 0.0)


def _checked(classes: int, head: str) -> int:
    """The number of classes, if there are any."""
    if classes < 1:
        raise UsageError(f"heads.{head} needs classes, but the data has none")
    return classes
