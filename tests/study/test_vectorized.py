"""Seeds that train together have the results of sequential training."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax import build
from gan_jax.data.batches import batches
from gan_jax.runtime import parallel
from gan_jax.sampling import loading
from gan_jax.study import vectorized
from gan_jax.training import report, train

pytestmark = pytest.mark.usefixtures("without_curves")

SEEDS = (3, 0, 5)


@pytest.fixture(scope="module")
def recipe(tiny):
    """Rows of three epochs, a shorter last chunk, two moves per step, noise and an average."""
    return tiny(
        optimizer=dict(sgd=dict(learning_rate=0.05)),
        data=dict(name="grid", side=3, size=100),
        nets=dict(
            generator=dict(name="points.Generator", widths=(8,)),
            discriminator=dict(name="mlp.Discriminator", widths=(8,), dropout=0.2),
        ),
        updates=dict(discriminator=2, generator=1),
        steps=10,
        eval_every=4,
        eval_metrics=dict(captured_modes={}, uniform_modes_kl={}),
        eval_samples=200,
        grid_size=5,
        diagnostics_every=0,
    )


@pytest.fixture(scope="module")
def parts(recipe):
    """`init` and `advance`, resident data, rows and keys of the three seeds."""
    source = build.source(recipe)
    mesh = parallel.mesh(8, jax.devices()[:1])
    modality = source.modality
    fed = batches(source, 8, 2, 0, mesh, build.decoder(recipe, modality))
    train_spec = build.train_spec(recipe, modality)
    init, advance = vectorized.compiled(train_spec, modality, 8, fed.decode, mesh)
    keys = jnp.stack([jax.random.key(seed) for seed in SEEDS])
    rows = vectorized.rows_of(source.size, 8, 2, 10, SEEDS)(0)
    return init, advance, fed.resident, rows, keys


@pytest.fixture(scope="module")
def outcomes(recipe):
    return vectorized.trained(recipe, SEEDS, build.source(recipe), lambda done: False)


def test_rows_are_those_of_sequential_training():
    """Against the definition: step t has the next rows of an order that is new in every epoch."""
    rows = vectorized.rows_of(10, 3, 2, 4, SEEDS)
    assert rows(1).shape == (4, 3, 2, 3) and rows(1).dtype == np.int32
    for place, seed in enumerate(SEEDS):
        epochs = [np.random.default_rng([seed, epoch]).permutation(10) for epoch in range(5)]
        expected = np.concatenate(epochs)[: 8 * 6].reshape(8, 2, 3)
        np.testing.assert_array_equal(np.concatenate([rows(0), rows(1)])[:, place], expected)


def test_states_are_those_of_sequential_training(recipe, parts, tmp_path, tiny):
    init, advance, resident, rows, keys = parts
    together = advance(init(keys), resident, rows, keys)
    for place, seed in enumerate(SEEDS[:2]):
        workdir = str(tmp_path / str(seed))
        train.run(dataclasses.replace(recipe, seed=seed, eval_every=0), workdir)
        state = loading.load(workdir).state
        jax.tree.map(
            lambda here, there, place=place: np.testing.assert_allclose(here[place], there, 1e-4, 1e-6),
            (together.params, together.carry, together.average),
            (state.params, state.carry, state.average),
        )


def test_chunks_share_one_program(parts):
    """States keep the sharding of `init`: with another one the second chunk would be compiled again."""
    init, advance, resident, rows, keys = parts
    places = jax.tree.map(lambda leaf: leaf.sharding, init(keys))
    advanced = advance(init(keys), resident, rows, keys)
    assert jax.tree.map(lambda leaf: leaf.sharding, advanced) == places


def test_evaluations_are_those_of_sequential_training(recipe, outcomes, tmp_path):
    train.run(dataclasses.replace(recipe, seed=5), str(tmp_path))
    records = report.evaluations(str(tmp_path))
    assert [record["step"] for record in outcomes[5].evaluations] == [4, 8, 10]
    for here, there in zip(outcomes[5].evaluations, records, strict=True):
        assert here["step"] == there["step"] and list(here["values"]) == list(there["values"])
        for name, value in here["values"].items():
            # A point near a border may lie on its other side.
            assert value["value"] == pytest.approx(there["values"][name]["value"], rel=0.02, abs=0.01)
    assert outcomes[5].protocol == records[-1]["protocol"]
    assert outcomes[5].samples.shape == (5, 1, 1, 2) and outcomes[5].seconds > 0


def _poisoned(states, player):
    """The states with parameters of a player that are NaN for the second seed."""
    poison = jax.tree.map(lambda leaf: leaf.at[1].set(jnp.nan), states.params[player])
    return states.replace(params={**states.params, player: poison})


def test_a_diverging_seed_does_not_affect_the_others(parts):
    init, advance, resident, rows, keys = parts
    healthy = jax.device_get(advance(init(keys), resident, rows, keys))
    poisoned = jax.device_get(advance(_poisoned(init(keys), "discriminator"), resident, rows, keys))
    assert all(np.isnan(leaf[1]).all() for leaf in jax.tree.leaves(poisoned.params["generator"]))
    for seed in (0, 2):
        jax.tree.map(
            lambda a, b, seed=seed: np.testing.assert_array_equal(a[seed], b[seed]),
            poisoned.params, healthy.params,
        )  # fmt: skip


def test_a_seed_that_diverges_is_no_longer_evaluated(recipe, outcomes, monkeypatch):
    compiled = vectorized.compiled

    def breaking(*arguments):
        init, advance = compiled(*arguments)

        def advance_and_break(*arguments):
            states = advance(*arguments)
            # Too late for the average that is sampled at step 4.
            return _poisoned(states, "generator") if states.step[0] == 4 else states

        return init, advance_and_break

    monkeypatch.setattr(vectorized, "compiled", breaking)
    broken = vectorized.trained(recipe, SEEDS, build.source(recipe), lambda done: False)
    assert [len(outcome.evaluations) for outcome in broken.values()] == [3, 1, 3]
    assert broken[3].evaluations == outcomes[3].evaluations
    assert broken[0].samples is None and broken[5].samples is not None


def test_stops_when_asked(recipe):
    asked = []

    def stop(done):
        asked.append(done)
        return done >= 4

    assert vectorized.trained(recipe, SEEDS, build.source(recipe), stop) == {}
    assert asked == [0, 4]
