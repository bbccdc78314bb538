import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from gan_jax import terms
from gan_jax.errors import UsageError
from gan_jax.types import Term


def scaled(fake_logits, *, factor=2.0):
    return factor * fake_logits


def constant():
    return jnp.float32(3.0)


TABLE = {"fake_logits": jnp.array([1.0, 2.0, 6.0])}


def test_reads_positional_names_only():
    assert terms.reads(scaled) == ("fake_logits",)
    assert terms.reads(functools.partial(scaled, factor=4.0)) == ("fake_logits",)
    assert terms.reads(constant) == ()


def test_a_function_reads_other_values_than_those_of_its_own_names():
    fn = terms.reading(functools.partial(scaled, factor=3.0), {"fake_logits": "past_logits"}, "reads")
    assert terms.reads(fn) == ("past_logits",)
    np.testing.assert_allclose(terms.call(fn, {"past_logits": jnp.ones(2)}), [3.0, 3.0])
    with pytest.raises(UsageError, match="reads.*'fakes'.*did you mean fake_logits"):
        terms.reading(scaled, {"fakes": "past_logits"}, "reads")
    with pytest.raises(UsageError, match="reads=.*: expected different values, not one value twice"):
        terms.reading(lambda left, right: left, {"left": "right"}, "reads")


def test_total_weighs_means():
    total, values = terms.total(
        {"scaled": Term(scaled, 10.0), "constant": Term(constant, 0.5)}, TABLE, jnp.int32(0)
    )
    assert values == {"scaled": 6.0, "constant": 3.0}
    assert total == 61.5


def test_weight_follows_a_schedule():
    term = {"scaled": Term(scaled, optax.linear_schedule(0.0, 1.0, 10))}
    totals = [float(terms.total(term, TABLE, jnp.int32(step))[0]) for step in (0, 5, 10, 99)]
    np.testing.assert_allclose(totals, [0.0, 3.0, 6.0, 6.0], rtol=1e-6)


def test_lazy_term_has_the_same_mean_and_the_same_mean_gradient():
    def total(factor, step):
        lazy = {"scaled": Term(functools.partial(scaled, factor=factor), 1.0, every=4)}
        return terms.total(lazy, TABLE, step)[0]

    steps = jnp.arange(8)
    values, gradients = jax.vmap(jax.value_and_grad(total), (None, 0))(2.0, steps)
    np.testing.assert_allclose(values, [24, 0, 0, 0, 24, 0, 0, 0])
    assert values.mean() == 6.0
    assert gradients.mean() == 3.0


def test_check_names_the_player_the_term_and_what_is_offered():
    with pytest.raises(
        UsageError, match="losses.generator.scaled.*'fake_logits'.*did you mean fake_logit.*real"
    ):
        terms.check("generator", {"scaled": Term(scaled)}, ["fake_logit", "real"])
    terms.check("generator", {"scaled": Term(scaled)}, ["fake_logits"])
