"""A mixture as a classifier, against SciPy's densities."""

import jax
import numpy as np
from scipy.stats import multivariate_normal

from gan_jax import data, features
from gan_jax.features.extract import extractor

CENTRES = np.array([(0.0, 1.0), (-0.5, 0.25), (2.0, -1.0)])


def test_distances_and_posterior():
    made = features.mixture(CENTRES, 0.2)
    points = np.random.default_rng(0).normal(size=(20, 2))
    outputs = jax.jit(made.apply)(made.params, np.float32(points)[:, None, None])
    np.testing.assert_allclose(outputs["features"], points, rtol=1e-6)
    expected = np.linalg.norm(points[:, None] - CENTRES, axis=-1) / 0.2
    np.testing.assert_allclose(outputs["mode_distances"], expected, rtol=1e-5)
    densities = [multivariate_normal(centre, 0.04 * np.eye(2)).logpdf(points) for centre in CENTRES]
    found = jax.nn.log_softmax(outputs["class_logits"])
    expected = np.stack(densities, 1) - np.logaddexp.reduce(densities)[:, None]
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


def test_distances_of_points_that_are_far_off_are_finite():
    points = np.float32([(3e38, -1.0), (0.0, -1e30)])[:, None, None]
    made = features.mixture(CENTRES, 1e-3)
    outputs = jax.jit(made.apply)(made.params, points)
    assert np.isfinite(outputs["mode_distances"]).all() and np.min(outputs["mode_distances"]) > 1e8
    assert np.isnan(made.apply(made.params, np.float32([[[[np.nan, 0.0]]]]))["mode_distances"]).all()


def test_a_world_brings_its_own_classifier_and_it_is_right():
    source = data.grid(size=1000, scale=1.0)
    made = features.named("classifier", source, source.heldout())
    outputs = extractor(made, source.modality)(source)
    np.testing.assert_array_equal(outputs["class_logits"].argmax(axis=1), outputs["labels"])
    assert made.facts["weights"] != features.mixture(CENTRES, 0.2).facts["weights"]
