"""Heads of a discriminator: what it says about the features of a sample.

A head is a function. Its positional parameters name what it reads from the network: `features` [B, F],
`labels` int32 [B] or None, `classes`, `kernel_init`, `train`; its keyword-only parameters are
hyperparameters, given where the recipe names it: `heads=dict(logits={}, codes=dict(values=10))`. It makes
its layers where it is called, inside the network's `__call__`, and returns a dict of outputs; `readout.py`
calls it.
"""

import flax.linen as nn
import jax.numpy as jnp

from gan_jax.errors import UsageError
from gan_jax.nets.batch_norm import BatchNorm


def logits(features, kernel_init):
    """One logit per sample, high for real.

    Args:
        features: [B, F].
        kernel_init: Initializer of the kernel [F, 1].

    Returns:
        `{"logits": [B]}`.
    """
    return {"logits": nn.Dense(1, kernel_init=kernel_init)(features)[:, 0]}


def projection(features, labels, classes, kernel_init):
    """A logit that knows the label: psi(features) + <features, embedding of the label>.

    Miyato and Koyama 2018, arXiv:1802.05637, eq. 3, in place of `logits`. The embedding starts like a
    kernel, as in the authors' code, and `wrap.spectral_norm` normalises it like one.

    Args:
        features: [B, F].
        labels: Classes that the discriminator is told, int32 [B].
        classes: Number of classes.
        kernel_init: Initializer of the kernel [F, 1] and of the embedding [classes, F].

    Returns:
        `{"logits": [B]}`.

    Raises:
        UsageError: No labels are told.
    """
    embedded = _embedded(features, labels, classes, kernel_init, "projection")
    return {"logits": logits(features, kernel_init)["logits"] + jnp.sum(embedded * features, axis=-1)}


def class_logits(features, classes, kernel_init, *, extra=0, copies=1):
    """Logits of the sample's class: Odena et al. 2016, arXiv:1610.09585 (AC-GAN).

    `copies=2` has every class twice, for ADC-GAN, and `extra=1` one class for fakes, for the multi-class
    hinge loss.

    Args:
        features: [B, F].
        classes: Number of classes.
        kernel_init: Initializer of the kernel.
        extra: Outputs besides those of the classes.
        copies: How often every class is there.

    Returns:
        `{"class_logits": [B, copies * classes + extra]}`.

    Raises:
        UsageError: The data has no classes.
    """
    size = copies * _known(classes, "class_logits") + extra
    return {"class_logits": nn.Dense(size, kernel_init=kernel_init, name="class_logits")(features)}


def twin_logits(features, classes, kernel_init):
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
    size = _known(classes, "twin_logits")
    return {"twin_logits": nn.Dense(size, kernel_init=kernel_init, name="twin_logits")(features)}


def rotation_logits(features, kernel_init):
    """Logits of four quarter turns, for SSGAN: Chen et al. 2019, arXiv:1811.11212, section 3.

    Args:
        features: [B, F].
        kernel_init: Initializer of the kernel.

    Returns:
        `{"rotation_logits": [B, 4]}`.
    """
    return {"rotation_logits": nn.Dense(4, kernel_init=kernel_init, name="rotation_logits")(features)}


def features(features):
    """The features themselves, for feature matching: Salimans et al. 2016, arXiv:1606.03498, section 3.1.

    Args:
        features: [B, F].

    Returns:
        `{"features": [B, F]}`.
    """
    return {"features": features}


def codes(features, kernel_init, train, *, values=10, count=0, continuous=0, width=128, slope=0.1):
    """What the latents' codes were, guessed from the sample: InfoGAN's Q.

    Chen et al. 2016, arXiv:1606.03657, section 6 and appendix C: a layer of 128 with batch norm and
    LeakyReLU 0.1 beside the discriminator's last one, and one layer of outputs. The variance of continuous
    codes is an output too, as its logarithm.

    Args:
        features: [B, F].
        kernel_init: Initializer of the kernels.
        train: Whether batch norm takes the batch's statistics.
        values: Values of each discrete code.
        count: Number of discrete codes; the paper has 1 for MNIST.
        continuous: Number of continuous codes; the paper has 2 for MNIST.
        width: Units of the hidden layer.
        slope: LeakyReLU's slope below zero.

    Returns:
        Dict of `code_logits` [B, count, values], if there are discrete codes, and of `code_mean` and
        `code_log_variance` [B, continuous], if there are continuous ones.

    Raises:
        UsageError: Codes of neither kind.
    """
    if count + continuous < 1:
        raise UsageError(f"heads.codes(count={count}, continuous={continuous}): expected at least one code")
    x = nn.Dense(width, use_bias=False, kernel_init=kernel_init, name="codes_hidden")(features)
    x = BatchNorm(use_running_average=not train, momentum=0.9, epsilon=1e-5, name="codes_norm")(x)
    x = nn.leaky_relu(x, slope)
    outputs = {}
    if count:
        found = nn.Dense(count * values, kernel_init=kernel_init, name="code_logits")(x)
        outputs["code_logits"] = found.reshape(-1, count, values)
    if continuous:
        for name in ("code_mean", "code_log_variance"):
            outputs[name] = nn.Dense(continuous, kernel_init=kernel_init, name=name)(x)
    return outputs


def embedding(features, labels, classes, kernel_init, *, size=512):
    """A sample's and its label's embedding, for contrastive losses.

    Kang and Park 2020, arXiv:2006.12681, section 3 (ContraGAN).

    Args:
        features: [B, F].
        labels: Classes that the discriminator is told, int32 [B].
        classes: Number of classes.
        kernel_init: Initializer of the kernel [F, size] and of the label's embedding [classes, size].
        size: Dimensions of the embeddings.

    Returns:
        `{"embedding": [B, size], "class_embedding": [B, size]}`.

    Raises:
        UsageError: No labels are told.
    """
    found = nn.Dense(size, kernel_init=kernel_init, name="embedding")(features)
    return {
        "embedding": found,
        "class_embedding": _embedded(found, labels, classes, kernel_init, "embedding"),
    }


def _embedded(like, labels, classes, kernel_init, head):
    """The labels' embeddings, of as many dimensions as `like`."""
    if labels is None:
        raise UsageError(f"heads.{head} needs labels, and the discriminator is told none: game.told")
    embed = nn.Embed(
        _known(classes, head), like.shape[-1], embedding_init=kernel_init, name=f"{head}_of_label"
    )
    return embed(labels)


def _known(classes, head):
    if classes < 1:
        raise UsageError(f"heads.{head} needs classes, and the data has none")
    return classes
