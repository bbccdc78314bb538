import jax
import jax.numpy as jnp
import numpy as np
import pytest
import sources

from gan_jax.errors import UsageError
from gan_jax.features.extract import extractor
from gan_jax.features.types import Features, fingerprint


def _mean_and_deviation(params, images):
    flat = images.reshape(len(images), -1)
    features = jnp.stack([flat.mean(1), flat.std(1)], axis=1) * params["gain"]
    return {"features": features, "class_logits": -features}


PLAIN = Features("plain", {"gain": np.float32(2.0)}, _mean_and_deviation, {})


@pytest.mark.parametrize("count", [1, 255, 256, 600])
def test_every_image_once_in_order(count):
    source = sources.noise(count, classes=3)
    found = extractor(PLAIN, source.modality)(source)
    read = source.read(np.arange(count))
    flat = read["real"].reshape(count, -1) / 127.5 - 1.0
    expected = 2.0 * np.stack([flat.mean(1), flat.std(1)], axis=1)
    np.testing.assert_allclose(found["features"], expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(found["class_logits"], -expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(found["labels"], read["label"])


def test_one_device_equals_eight():
    source = sources.noise(300)
    one, eight = (
        extractor(PLAIN, source.modality, devices)(source) for devices in (jax.devices()[:1], jax.devices())
    )
    assert len(jax.devices()) == 8 and "labels" not in one
    np.testing.assert_allclose(one["features"], eight["features"], rtol=1e-6, atol=1e-7)


def test_one_program_for_all_batches_and_sets():
    traced = []

    def apply(params, images):
        traced.append(images.shape)
        return _mean_and_deviation(params, images)

    extract = extractor(PLAIN._replace(apply=apply), sources.modality())
    for count in (300, 20, 513):
        extract(sources.noise(count))
    assert traced == [(256, 8, 8, 1)]


def test_mistakes():
    with pytest.raises(UsageError, match="arrays holds no images"):
        extractor(PLAIN, sources.modality())(sources.of_arrays(np.zeros((0, 8, 8, 1), np.uint8)))
    images = np.zeros((5, 8, 8, 1), np.uint8)
    images[3:] = 255
    inverse = PLAIN._replace(apply=lambda _, x: {"features": jnp.log(0.9 - x.mean((1, 2)))})
    with pytest.raises(
        UsageError, match="features of 2 of 5 images of arrays are not finite, first in row 3"
    ):
        extractor(inverse, sources.modality())(sources.of_arrays(images))
    maps = PLAIN._replace(apply=lambda _, x: {"features": x})
    with pytest.raises(
        UsageError, match=r"features of plain have the shape \(5, 8, 8, 1\); expected \[N, D\]"
    ):
        extractor(maps, sources.modality())(sources.of_arrays(images))


def test_fingerprint_knows_names_shapes_types_and_values():
    tree = {"a": np.arange(4.0), "b": np.zeros(2)}
    others = [
        {"a": np.arange(4.0), "c": np.zeros(2)},
        {"a": np.arange(4.0).reshape(2, 2), "b": np.zeros(2)},
        {"a": np.arange(4.0, dtype=np.float32), "b": np.zeros(2)},
        {"a": np.arange(4.0), "b": np.array([0, 1e-9])},
    ]
    assert len({fingerprint(t) for t in [tree, *others]}) == 5 and len(fingerprint(tree)) == 16
    on_device = jax.tree.map(jnp.asarray, {"b": np.ones(2, np.float32)})
    assert fingerprint(on_device) == fingerprint({"b": np.ones(2, np.float32)})
