"""Numbers of translations against NumPy, and alerts that hold in made cases and in no sound one."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.terms import call, reads
from gan_jax.training import alerts, translations
from gan_jax.types import Game

RANDOM = np.random.default_rng(0)
# Soft shapes of their own colour: sources, and real images of the same and of another domain.
SOURCE, REAL = (
    np.float32(
        np.tanh(
            RANDOM.normal(size=(16, 1, 1, 3)) * 0.3
            + np.kron(RANDOM.normal(size=(16, 4, 4, 1)), np.ones((2, 2, 3)))
        )
    )
    for _ in range(2)
)
KEY = jax.random.key(0)


def _numbers(translate, back=None, real=REAL, **outputs):
    """All numbers of a game of two functions."""
    game = Game(
        None,
        None,
        lambda params, carry, latents, batch, key: translate(batch["source"]),
        conditions=("source",),
        backward=back and (lambda params, carry, latents, batch, key: back(batch["real"])),
    )
    batch = {"source": jnp.asarray(SOURCE), "real": jnp.asarray(real)}
    outputs = {"target": batch["real"], "fake": translate(batch["source"]), **outputs}
    return translations.numbers(game, {}, {}, outputs, batch, KEY)


def _holding(numbers, **others):
    """The names of the conditions that hold."""
    inputs = {**numbers, "discriminator_accuracy": 0.995, **others}
    return {
        condition.holds.__name__
        for condition in alerts.CONDITIONS
        if set(reads(condition.holds)) & set(numbers) and set(reads(condition.holds)) <= set(inputs)
        if call(condition.holds, inputs)
    }


def test_numbers_equal_numpy():
    found = _numbers(lambda x: 0.5 * x - 0.2, lambda y: 2 * y + 0.4)
    source, real, fake = (np.float64(each) for each in (SOURCE, REAL, 0.5 * SOURCE - np.float32(0.2)))
    luma = [each @ [0.299, 0.587, 0.114] for each in (source, real)]
    pairs = zip(luma[0].reshape(16, -1), luma[1].reshape(16, -1), strict=True)
    means = [each.mean((1, 2)) for each in (fake, real)]
    spread = np.sqrt(sum(mean.var(axis=0, ddof=1) / 16 for mean in means))
    expected = {
        "luma_correlation": 1.0,
        "target_luma_correlation": np.mean([np.corrcoef(a, b)[0, 1] for a, b in pairs]),
        "colour_shift": np.abs(means[0].mean(0) - means[1].mean(0)).max(),
        "chance_shift": spread.max(),
        "change": np.abs(fake - source).mean() / np.abs(real - source).mean(),
        "cycle_error": 0.0,
    }
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, rtol=1e-4, atol=1e-6)
    # Of a normal number the mean absolute value is sqrt(2 / pi); rounding adds a twelfth of a level's square.
    change = np.sqrt((4 + 1 / 12) * 2 / np.pi) / 127.5
    np.testing.assert_allclose(found["rounding_change"], change, rtol=0.05)
    np.testing.assert_allclose(found["cycle_error_after_rounding"], 2 * found["rounding_change"], rtol=1e-5)
    assert set(found) == {*expected, "rounding_change", "cycle_error_after_rounding"}


def test_no_alert_for_sound_translations():
    """The same shapes in other contrast, back with twice the noise."""
    assert _holding(_numbers(lambda x: 0.5 * x, lambda y: 2 * y)) == set()


@pytest.mark.parametrize(
    "alert, translate, back",
    [
        ("colours_inverted", lambda x: -x, lambda y: -y),
        ("colours_shifted", lambda x: jnp.clip(x + jnp.array([0.6, 0.0, -0.1]), -1, 1), None),
        ("source_copied", lambda x: x + 0.005, lambda y: y - 0.005),
        # The source is written into the lowest levels of another image.
        ("cycle_hides_data", lambda x: jnp.roll(x, 1, axis=0) * 0 + REAL[::-1] * 0.9 + x / 40,
         lambda y: (y - REAL[::-1] * 0.9) * 40),
    ],
)  # fmt: skip
def test_an_alert_in_a_made_case(alert, translate, back):
    assert _holding(_numbers(translate, back)) == {alert}


def test_domains_that_are_each_other_s_negatives_are_not_inverted():
    assert _holding(_numbers(lambda x: -x, real=-SOURCE)) == set()


@pytest.mark.parametrize("paste", [True, False])
def test_a_discriminator_that_can_see_known_pixels(paste):
    mask = np.zeros((16, 8, 8, 1), np.float32)
    mask[:, 2:6, 2:6] = 1
    output = REAL + np.float32(0.05) * np.sign(RANDOM.normal(size=REAL.shape)).astype(np.float32)
    fake = mask * output + (1 - mask) * REAL if paste else output
    numbers = translations.known_error({"mask": mask, "fake": fake, "target": REAL})
    np.testing.assert_allclose(numbers["known_error"], 0.0 if paste else 0.05, rtol=1e-4)
    assert _holding(numbers) == (set() if paste else {"known_pixels_judged"})
    assert _holding(numbers, discriminator_accuracy=0.9) == set()


def test_sources_of_another_size_and_games_of_no_images():
    small = SOURCE[:, ::2, ::2, :1]
    game = Game(None, None, lambda *args: jnp.asarray(SOURCE), conditions=("source",))
    found = translations.numbers(game, {}, {}, {}, {"source": small, "real": jnp.asarray(REAL)}, KEY)
    assert set(found) == {"luma_correlation", "target_luma_correlation", "colour_shift", "chance_shift"}
    assert found["luma_correlation"] > 0.5
    assert translations.numbers(game._replace(conditions=()), {}, {}, {}, {"real": REAL}, KEY) == {}
