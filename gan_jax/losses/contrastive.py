"""Contrastive losses of samples and their classes, and of places in images; one value per sample."""

from typing import Any

import jax
import jax.numpy as jnp
from jax.nn import relu

from gan_jax.losses.pairs import check_labelled, of_labelled, pair

__all__ = [
    "conditional_contrastive_discriminator",
    "conditional_contrastive_generator",
    "data_to_data_cross_entropy_discriminator",
    "data_to_data_cross_entropy_generator",
    "patch_contrastive",
    "identity_patch_contrastive",
]


def _unit(vectors, epsilon=1e-12):
    """float32 vectors of length 1 along the last axis."""
    vectors = jnp.float32(vectors)
    return vectors / jnp.sqrt(jnp.sum(jnp.square(vectors), axis=-1, keepdims=True) + epsilon)


def _similarities(embedding, class_embedding):
    """Cosines of each sample with its class [B, 1] and with every sample [B, B]."""
    embedding, class_embedding = _unit(embedding), _unit(class_embedding)
    to_class = jnp.sum(embedding * class_embedding, axis=-1, keepdims=True)
    return to_class, jnp.matmul(embedding, embedding.T, precision="highest")


def _log_sum_where(to_class, to_samples, mask):
    """log(exp(class) + sum of exp(samples) where the mask holds), [B]."""
    masked = jnp.where(mask, to_samples, -jnp.inf)
    return jax.nn.logsumexp(jnp.concatenate([to_class, masked], axis=1), axis=1)


def _conditional_contrastive(embedding, class_embedding, label, temperature):
    check_labelled(embedding, label)
    to_class, to_samples = (x / temperature for x in _similarities(embedding, class_embedding))
    others = ~jnp.eye(len(label), dtype=bool) & (label[None] >= 0)
    alike = others & (label[:, None] == label[None])
    values = _log_sum_where(to_class, to_samples, others) - _log_sum_where(to_class, to_samples, alike)
    return of_labelled(values, label)


def conditional_contrastive_discriminator(
    real_embedding: jax.Array, real_class_embedding: jax.Array, label: jax.Array, *, temperature: float = 1.0
) -> jax.Array:
    """Pulls real samples to the embedding of their class and to each other within a class.

    Kang and Park 2020, arXiv:2006.12681, eq. 8 (2C loss of ContraGAN). This function scales both embeddings
    to unit length. The class embedding is a head of the discriminator that looks up the label.

    Args:
        real_embedding: Embeddings of real samples, [B, D].
        real_class_embedding: Embeddings of their classes, [B, D].
        label: Their classes, int32 [B].
        temperature: Divides the cosines, above 0.

    Returns:
        One loss per sample, float32 [B], at least 0.
    """
    return _conditional_contrastive(real_embedding, real_class_embedding, label, temperature)


def conditional_contrastive_generator(
    fake_embedding: jax.Array, fake_class_embedding: jax.Array, label: jax.Array, *, temperature: float = 1.0
) -> jax.Array:
    """Pulls fakes to the embedding of their class and to each other within a class.

    Kang and Park 2020, arXiv:2006.12681, eq. 8 (2C loss of ContraGAN).

    Args:
        fake_embedding: Embeddings of fake samples, [B, D].
        fake_class_embedding: Embeddings of the classes that the generator was conditioned on, [B, D].
        label: These classes, int32 [B].
        temperature: Divides the cosines, above 0.

    Returns:
        One loss per sample, float32 [B], at least 0.
    """
    return _conditional_contrastive(fake_embedding, fake_class_embedding, label, temperature)


def _data_to_data(embedding, class_embedding, label, temperature, positive_margin, negative_margin):
    check_labelled(embedding, label)
    to_class, to_samples = _similarities(embedding, class_embedding)
    to_class = jnp.minimum(to_class - positive_margin, 0.0) / temperature
    to_samples = relu(to_samples - negative_margin) / temperature
    of_others = (label[:, None] != label[None]) & (label[None] >= 0)
    return of_labelled(_log_sum_where(to_class, to_samples, of_others) - to_class[:, 0], label)


def data_to_data_cross_entropy_discriminator(
    real_embedding: jax.Array,
    real_class_embedding: jax.Array,
    label: jax.Array,
    *,
    temperature: float = 0.5,
    positive_margin: float = 0.98,
    negative_margin: float = 0.02,
) -> jax.Array:
    """Cross entropy of a sample's own class against the samples of other classes, with margins.

    Kang et al. 2021, arXiv:2111.01118, section 3.2 (D2D-CE of ReACGAN): easy positives, with a cosine above
    `positive_margin`, and easy negatives, below `negative_margin`, give no gradient. Weight 0.5 in StudioGAN.

    Args:
        real_embedding: Embeddings of real samples, [B, D]; scaled to unit length here.
        real_class_embedding: Embeddings of their classes, the paper's proxies, [B, D].
        label: Their classes, int32 [B].
        temperature: Divides the cosines, above 0.
        positive_margin: A sample and its class with a higher cosine give no gradient; in [-1, 1].
        negative_margin: Two samples of different classes with a lower cosine give no gradient; in [-1, 1].

    Returns:
        One loss per sample, float32 [B], at least 0.
    """
    return _data_to_data(
        real_embedding, real_class_embedding, label, temperature, positive_margin, negative_margin
    )


def data_to_data_cross_entropy_generator(
    fake_embedding: jax.Array,
    fake_class_embedding: jax.Array,
    label: jax.Array,
    *,
    temperature: float = 0.5,
    positive_margin: float = 0.98,
    negative_margin: float = 0.02,
) -> jax.Array:
    """Cross entropy of a fake's own class against the fakes of other classes, with margins.

    Kang et al. 2021, arXiv:2111.01118, section 3.2 (D2D-CE of ReACGAN).

    Args:
        fake_embedding: Embeddings of fake samples, [B, D]; scaled to unit length here.
        fake_class_embedding: Embeddings of the classes that the generator was conditioned on, [B, D].
        label: These classes, int32 [B].
        temperature: Divides the cosines, above 0.
        positive_margin: A sample and its class with a higher cosine give no gradient; in [-1, 1].
        negative_margin: Two samples of different classes with a lower cosine give no gradient; in [-1, 1].

    Returns:
        One loss per sample, float32 [B], at least 0.
    """
    return _data_to_data(
        fake_embedding, fake_class_embedding, label, temperature, positive_margin, negative_margin
    )


def _own_place(queries, keys, temperature):
    """Cross entropy of finding the own place among all places of the image, [B]."""
    queries, keys = pair(queries, keys)
    logits = jnp.einsum("bqd,bkd->bqk", queries, keys, precision="highest") / temperature
    of_own = jnp.diagonal(logits, axis1=1, axis2=2)
    return jnp.mean(jax.nn.logsumexp(logits, axis=2) - of_own, axis=1)


def patch_contrastive(queries: Any, keys: Any, *, temperature: float = 0.07) -> jax.Array:
    """Cross entropy of recognising, by a place in a translation, the same place in its source.

    Park et al. 2020, arXiv:2007.15651, eq. 3 and 4 (PatchNCE of CUT, weight 1/2 beside the identity's; 10
    alone in FastCUT). The other places of the same image are the negatives.

    Args:
        queries: Vectors of places in translations, of length 1: [B, N, D], or any pytree with one leaf of
            that shape per layer.
        keys: Vectors of the same places in their sources, of the same structure.
        temperature: Divides the cosines, above 0.

    Returns:
        One loss per sample, the mean over places and layers, float32 [B], at least 0; log N at chance.
    """
    each = jax.tree.leaves(
        jax.tree.map(lambda query, key: _own_place(query, key, temperature), queries, keys)
    )
    return jnp.mean(jnp.stack(each), axis=0)


def identity_patch_contrastive(
    identity_queries: Any, identity_keys: Any, *, temperature: float = 0.07
) -> jax.Array:
    """`patch_contrastive` of samples that are translated to their own domain.

    Park et al. 2020, arXiv:2007.15651, eq. 5 (CUT, weight 1/2): it keeps a translator from needless changes.

    Args:
        identity_queries: Vectors of places in translated samples of the target domain, as in
            `patch_contrastive`.
        identity_keys: Vectors of the same places in these samples.
        temperature: Divides the cosines, above 0.

    Returns:
        One loss per sample, float32 [B], at least 0.
    """
    return patch_contrastive(identity_queries, identity_keys, temperature=temperature)
