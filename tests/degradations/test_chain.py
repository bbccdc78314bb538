"""Chains, and what holds of every degradation."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax import degradations
from gan_jax.degradations import chain, downscale, gaussian_blur, grayscale
from gan_jax.types import Degradation

IMAGE = np.random.default_rng(0).integers(0, 256, (32, 48, 3)).astype(np.float32) / np.float32(127.5) - 1
RANDOM = {"blur", "box_masks", "gaussian_noise", "jpeg", "poisson_noise", "real_esrgan", "stroke_masks"}


def test_links_come_one_after_the_other_and_the_end_is_8_bits():
    double = lambda key, entries: {**entries, "source": 2 * entries["source"]}  # noqa: E731
    add = Degradation(lambda key, entries: {**entries, "source": entries["source"] + 0.1})
    made = jax.jit(chain(double, add).apply)(jax.random.key(0), {"real": IMAGE})
    expected = np.clip(np.round((2.0 * IMAGE + 0.1 + 1) * 127.5), 0, 255) / 127.5 - 1
    np.testing.assert_allclose(made["source"], expected, atol=1e-6)
    np.testing.assert_array_equal(made["real"], IMAGE)


def test_a_source_of_the_data_is_degraded_further():
    entries = {"real": IMAGE, "source": -IMAGE[::2, ::2]}
    made = jax.jit(chain(grayscale()).apply)(jax.random.key(0), entries)["source"]
    np.testing.assert_allclose(made[..., 0], -IMAGE[::2, ::2] @ np.array([0.299, 0.587, 0.114]), atol=1 / 250)


def test_margins_are_in_pixels_of_the_image():
    whole = chain(downscale(factor=2), gaussian_blur(deviation=1.0), downscale(factor=3, method="area"))
    # Two pixels of bicubic at half the size, and four of the blur, each as wide as two.
    assert (whole.margin, whole.factor) == (2 * 2 + 2 * 4, 6)


def test_a_link_has_the_key_of_its_place():
    noise = degradations.gaussian_noise()
    alone, other = (
        jax.jit(chain(noise, last).apply)(jax.random.key(3), {"real": IMAGE})["source"]
        for last in (
            lambda key, entries: entries,
            lambda key, entries: {**entries, "source": entries["source"][:16]},
        )
    )
    np.testing.assert_array_equal(other, alone[:16])


@pytest.mark.parametrize("name", degradations.__all__)
def test_every_degradation_is_a_function_of_the_key_alone(name):
    link = getattr(degradations, name)()
    many = jax.jit(jax.vmap(lambda key, image: chain(link).apply(key, {"real": image}), in_axes=(0, None)))
    keys = jax.random.split(jax.random.key(0), 4)
    made = jax.tree.map(np.asarray, many(jnp.stack([keys[0], keys[0], keys[1]]), IMAGE))
    np.testing.assert_array_equal(made["source"][0], made["source"][1])
    assert (not np.array_equal(made["source"][0], made["source"][2])) == (name in RANDOM)
    for entry in made.values():
        assert entry.dtype == np.float32 and np.isfinite(entry).all() and np.abs(entry).max() <= 1
    height, width, channels = made["source"].shape[1:]
    assert (height * link.factor, width * link.factor) == (32, 48) and channels in (1, 3)
    if "mask" in made:
        assert made["mask"].shape == (3, 32, 48, 1) and set(np.unique(made["mask"])) == {0, 1}
    if name != "edges":  # Brightness stays but for noise; of many levels, since one alone is a single photon.
        ramp = np.linspace(-0.6, 0.8, 48, dtype=np.float32) * np.ones_like(IMAGE.swapaxes(1, 2))
        seen = np.asarray(many(keys[1:], ramp.swapaxes(1, 2))["source"])
        assert np.all(np.abs(seen.mean((1, 2, 3)) - 0.1) < 0.1)


def test_grey_images_stay_grey():
    for name in degradations.__all__:
        link, grey = getattr(degradations, name)(), jnp.zeros((32, 32, 1))
        made = jax.eval_shape(lambda key: link(key, {"source": grey, "real": grey}), jax.random.key(0))
        assert made["source"].shape[-1] == 1, name
