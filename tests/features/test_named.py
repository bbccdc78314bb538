"""Features by name: the user's function or exported program, and the Inception network's weight file."""

import hashlib
import os

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import sources

from gan_jax import features
from gan_jax.errors import UsageError
from gan_jax.features import inception, inception_weights
from gan_jax.features.extract import extractor


def pooled(images):
    """A user's features: mean colour of the four quarters."""
    count, side, _, channels = images.shape
    return images.reshape(count, 2, side // 2, 2, side // 2, channels).mean((2, 4)).reshape(count, -1)


def _expected(source):
    images = source.read(np.arange(source.size))["real"] / 127.5 - 1.0
    return images.reshape(len(images), 2, 4, 2, 4, 1).mean((2, 4)).reshape(len(images), 4)


def test_a_function_by_its_dotted_path():
    source = sources.noise(9)
    made = features.named(f"{__name__}.pooled", source, None)
    np.testing.assert_allclose(
        extractor(made, source.modality)(source)["features"], _expected(source), atol=1e-6
    )


def test_pixels_averaged_down():
    small, large = sources.noise(5), sources.noise(5, side=32, channels=3)
    as_floats = [source.read(np.arange(5))["real"] / 127.5 - 1.0 for source in (small, large)]
    found = extractor(features.named("pixels", small, None), small.modality)(small)["features"]
    np.testing.assert_allclose(found, as_floats[0].reshape(5, 64), atol=1e-6)
    found = extractor(features.pixels(), large.modality)(large)["features"].reshape(5, 16, 16, 3)
    # Halving with antialiasing weighs four neighbours 1, 3, 3, 1 in either direction; ends renormalise.
    weights = np.array([1, 3, 3, 1]) / 8
    inner = sum(
        a * b * as_floats[1][:, 1 + i : 29 + i : 2, 1 + j : 29 + j : 2]
        for i, a in enumerate(weights)
        for j, b in enumerate(weights)
    )
    np.testing.assert_allclose(found[:, 1:-1, 1:-1], inner, atol=1e-5)


def test_an_exported_program(tmp_path):
    batch = jax.export.symbolic_shape("b, 8, 8, 1")
    program = jax.export.export(jax.jit(lambda images: {"features": pooled(images)}))
    path = tmp_path / "pooled.stablehlo"
    path.write_bytes(program(jax.ShapeDtypeStruct(batch, jnp.float32)).serialize())
    source = sources.noise(9)
    made = features.named(str(path), source, None)
    found = extractor(made, source.modality, jax.devices()[:1])(source)["features"]
    np.testing.assert_allclose(found, _expected(source), atol=1e-6)
    assert len(made.facts["weights"]) == 16


def test_a_program_that_calls_python_is_refused(tmp_path):
    """Its callback is an address in the memory of another process."""
    name = "xla_ffi_python_cpu_callback"

    def calling(images):
        shape = jax.ShapeDtypeStruct(images.shape, images.dtype)
        return jax.ffi.ffi_call(name, shape)(images, index=np.uint64(7))

    unchecked = [jax.export.DisabledSafetyCheck.custom_call(name)]
    program = jax.export.export(jax.jit(calling), disabled_checks=unchecked)
    (tmp_path / "program").write_bytes(program(jax.ShapeDtypeStruct((2, 8), np.float32)).serialize())
    with pytest.raises(UsageError, match=f"calls back into Python .{name}., which a file cannot"):
        features.exported(str(tmp_path / "program"))


def test_what_is_no_features(tmp_path):
    with pytest.raises(UsageError, match="features: unknown name 'inceptoin'; did you mean inception or .*"):
        features.named("inceptoin", None, None)
    with pytest.raises(UsageError, match="features: unknown name 'absent.pth'"):
        features.named("absent.pth", None, None)
    path = tmp_path / "text.stablehlo"
    path.write_text("no program")
    with pytest.raises(UsageError, match=f"features: {path} is no program written by jax.export: "):
        features.named(str(path), None, None)


def test_inception_without_weights_says_what_to_fetch(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    place = os.path.join(tmp_path, "gan_jax", "inception", inception_weights.NAME)
    message = (
        f"no Inception weights at {place}: fetch {inception_weights.URL} and put it there, or add --download"
    )
    with pytest.raises(UsageError) as caught:
        features.named("inception", None, None)
    assert str(caught.value) == message


@pytest.mark.parametrize("name, layer", [("inception", 2048), ("inception_768", 768), ("inception_192", 192)])
def test_inception_layers(name, layer, monkeypatch, tmp_path):
    path = tmp_path / "weights.pth"
    path.write_bytes(b"stands for the weights")
    params = jax.tree.map(lambda leaf: np.zeros(leaf.shape, np.float32), inception.shapes())
    monkeypatch.setattr(inception_weights, "load", lambda found: params)
    monkeypatch.setattr(inception_weights, "default_path", lambda: str(path))
    made = features.named(name, None, None)
    shapes = jax.eval_shape(made.apply, made.params, jax.ShapeDtypeStruct((2, 28, 28, 1), jnp.float32))
    assert shapes["features"].shape == (2, layer) and shapes["class_logits"].shape == (2, 1008)
    # Only the last layer is what the literature calls FID.
    assert made.standard == (layer == 2048)
    assert made.facts["weights"] == hashlib.sha256(path.read_bytes()).hexdigest()[:16]
