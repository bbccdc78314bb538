"""Calls of several steps never pass an event, and every step is in one call."""

import functools

import jax
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gan_jax.training import calls, rollback


def _sizes(recipe, start=0, rollbacks=()):
    keys = rollback.keys(jax.random.key(0), [{"step": step, "why": ""} for step in rollbacks])
    return [len(steps) for steps in calls.planned(recipe, keys, start, recipe.steps)]


@pytest.fixture
def plain(tiny):
    """A recipe whose only event is its last step, unless told otherwise."""
    return functools.partial(
        tiny, log_every=100, grid_every=100, checkpoint_every=100, diagnostics_every=0, steps=12
    )


def test_calls_are_of_four_steps_and_of_one_where_four_would_pass_an_event(plain):
    assert _sizes(plain(steps_per_call=4)) == [4, 4, 4]
    assert _sizes(plain(steps_per_call=4, steps=11)) == [4, 4, 1, 1, 1]
    for event in ("log_every", "grid_every", "checkpoint_every", "diagnostics_every", "eval_every"):
        assert _sizes(plain(steps_per_call=4, **{event: 5})) == [4, 1, 4, 1, 1, 1], event
    assert _sizes(plain(steps_per_call=4, log_every=5, grid_every=8)) == [4, 1, 1, 1, 1, 1, 1, 1, 1]
    assert _sizes(plain(steps_per_call=1)) == [1] * 12


def test_a_call_has_one_random_key(plain):
    """Steps 0 to 4 have a key of before the rollback: a damaged checkpoint may make a run repeat them."""
    assert _sizes(plain(steps_per_call=4), rollbacks=(5,)) == [4, 1, 4, 1, 1, 1]


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 7), st.integers(1, 9), st.integers(0, 9), st.integers(1, 40))
def test_every_step_is_in_one_call_and_a_resumed_run_makes_the_same_calls(
    tiny, count, log_every, every, steps
):
    recipe = tiny(
        steps_per_call=count, log_every=log_every, grid_every=50, checkpoint_every=50,
        diagnostics_every=every, steps=steps,
    )  # fmt: skip
    key = jax.random.key(0)
    planned = list(calls.planned(recipe, lambda step: key, 0, steps))
    assert [step for each in planned for step in each] == list(range(steps))
    for number, each in enumerate(planned):
        assert len(each) in (1, count)
        inside = [step for step in range(each.start + 1, each.stop)]
        assert not [step for step in inside if step % log_every == 0 or (every and step % every == 0)]
        assert list(calls.planned(recipe, lambda step: key, each.stop, steps)) == planned[number + 1 :]
