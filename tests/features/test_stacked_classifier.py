"""The classifier of stacked digits is the one of single digits, channel by channel."""

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax import data, features
from gan_jax.features.extract import extractor
from gan_jax.features.types import Features
from gan_jax.metrics import modes


def _corners(_, images):
    """A classifier by three pixels in the first row; its features are four."""
    return {"features": images[:, 0, :4, 0], "class_logits": images[:, 0, :3, 0]}


def test_sums_of_logits_over_all_triples():
    made = features.stacked(Features("corners", (), _corners, {"weights": "none"}), padding=2)
    images = np.random.default_rng(0).normal(size=(5, 8, 8, 3)).astype(np.float32)
    outputs = jax.jit(made.apply)((), images)
    inner = images[:, 2:6, 2:6]
    np.testing.assert_allclose(outputs["features"], np.concatenate(np.moveaxis(inner[:, 0], -1, 0), axis=1))
    for first, second, third in np.ndindex(3, 3, 3):
        expected = inner[:, 0, first, 0] + inner[:, 0, second, 1] + inner[:, 0, third, 2]
        found = outputs["class_logits"][:, first * 9 + second * 3 + third]
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def _nearest(real, heldout):
    """A classifier that is never wrong on what it knows: the class of the nearest image."""
    assert (real.size, heldout.size) == (1297, 500)
    known = real.read(np.arange(real.size))
    rows, classes = known["real"].reshape(1297, -1) / 127.5 - 1, np.eye(10)[known["label"]]

    def apply(_, images):
        flat = images.reshape(images.shape[0], -1)
        distances = jnp.sum(flat**2, axis=1)[:, None] - 2 * flat @ rows.T + np.sum(rows**2, axis=1)
        by_class = jnp.min(jnp.where(classes.T[:, None] == 1, distances, jnp.inf), axis=-1)
        return {"features": flat, "class_logits": -by_class.T}

    return Features("nearest", (), apply, {"weights": "1,297 digits"})


def test_digits_by_a_classifier_of_single_ones(monkeypatch):
    monkeypatch.setattr(features, "classifier", _nearest)
    source = data.stacked_digits(resolution=8, size=300, padding=1)
    made = features.named("classifier", source, source.heldout())
    assert (made.name, made.facts) == ("nearest, by channel", {"weights": "1,297 digits"})
    outputs = extractor(made, source.modality)(source)
    assert outputs["features"].shape == (300, 3 * 64) and outputs["class_logits"].shape == (300, 1000)
    np.testing.assert_array_equal(outputs["class_logits"].argmax(axis=1), outputs["labels"])
    found = modes(outputs["class_logits"], outputs["labels"])
    assert found == {"modes": len(set(outputs["labels"])), "modes_kl": 0.0}
