"""Which steps one call of a program takes: several, as long as the host has nothing to do between them."""

from collections.abc import Callable, Iterator

import jax

from gan_jax.recipe import Recipe


def planned(recipe: Recipe, keys: Callable[[int], jax.Array], start: int, stop: int) -> Iterator[range]:
    """Steps by call: `steps_per_call` of them, or one where so many would pass a step that has an event.

    A call ends at every log line, grid, checkpoint, evaluation and diagnosis, and has one random key. It
    depends on nothing before its first step, so a resumed run makes the same calls.

    Args:
        recipe: The Recipe.
        keys: From `rollback.keys`: from steps taken to the random key of the next step, the same object as
            long as the key does not change.
        start: Steps taken.
        stop: Steps of the whole run.

    Yields:
        Ranges of steps, one after the other, from start to stop.
    """
    done = start
    while done < stop:
        count = recipe.steps_per_call
        if done + count > next_event(recipe, done, stop) or keys(done) is not keys(done + count - 1):
            count = 1
        yield range(done, done + count)
        done += count


def next_event(recipe: Recipe, done: int, stop: int) -> int:
    """The first number of steps after `done` at which the host looks at the state.

    Args:
        recipe: The Recipe.
        done: Steps taken.
        stop: Steps of the whole run, the last event.

    Returns:
        Steps taken at the event.
    """
    events = (
        recipe.log_every, recipe.grid_every, recipe.checkpoint_every, recipe.eval_every,
        recipe.diagnostics_every,
    )  # fmt: skip
    return min(stop, *[(done // every + 1) * every for every in events if every])
