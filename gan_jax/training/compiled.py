"""The functions of a run under `jit`: one program on one device and on many."""

from typing import Any, Callable, NamedTuple

import jax
import jax.numpy as jnp

from gan_jax import build
from gan_jax.accumulation import cut
from gan_jax.data.source import facts
from gan_jax.runtime import cpu, parallel
from gan_jax.training.diagnostics import diagnostics


class Programs(NamedTuple):
    """A run's compiled functions.

    Attributes:
        init: Key to first TrainState.
        step: `(state, resident, fed, key) -> (state, scalars)`; the state is donated.
        finite: Params to bool by player: is every parameter finite?
        vitals: `(state, resident, fed, key) -> numbers`, from the first slice of the round's first batch.
        abstract: Shapes, dtypes and shardings of the state.
    """

    init: Callable
    step: Callable
    finite: Callable
    diagnostics: Callable
    abstract: Any


def playing(train_spec, decode):
    """A round as a pure function of what a run feeds it; nothing is compiled.

    Args:
        rules: The TrainSpec.
        decode: `(resident, fed, key) -> batches`.

    Returns:
        Function `(state, resident, fed, key) -> (state, scalars)`.
    """

    def step(state, resident, fed, key):
        drawn = jax.random.fold_in(jax.random.fold_in(key, state.step), 2**31)
        return train_spec.play(state, decode(resident, fed, drawn), key)

    return step


def compiled(train_spec, source, batch_size, decode, mesh, key, *, slices=1):
    """A run's functions under `jit` over a mesh: the same program on one device and on many.

    Args:
        rules: The TrainSpec.
        source: The Source trained on.
        batch_size: Images a move, over all devices.
        decode: `(resident, fed, key) -> batches`.
        mesh: Mesh with the axes `data` and `model`.
        key: Random key of the run.
        slices: Of a batch, as many as fit in memory one by one.

    Returns:
        The Programs.
    """
    everywhere, rows = parallel.replicated(mesh), parallel.sharded(mesh, axis=1)
    start = build.start(train_spec, facts(source), batch_size)
    abstract = parallel.partitioned(parallel.abstract(start, key, everywhere), mesh)
    placed = jax.tree.map(lambda leaf: leaf.sharding, abstract)

    def look(state, resident, fed, key):
        drawn = jax.random.fold_in(jax.random.fold_in(key, state.step), 2**31 + 1)
        batch = jax.tree.map(lambda leaf: cut(leaf[0], slices)[0], decode(resident, fed, drawn))
        return diagnostics(train_spec, state, batch, drawn)

    def finite(params):
        each = jax.tree.map(lambda leaf: jnp.all(jnp.isfinite(leaf)), params)
        return {player: jnp.array(jax.tree.leaves(each[player])).all() for player in params}

    return Programs(
        init=jax.jit(start, out_shardings=placed),
        step=jax.jit(
            playing(train_spec, decode),
            in_shardings=(placed, everywhere, rows, everywhere),
            out_shardings=(placed, everywhere),
            donate_argnums=0,
            compiler_options=cpu.compiler_options(),
        ),
        finite=jax.jit(finite, out_shardings=everywhere),
        diagnostics=jax.jit(
            look,
            in_shardings=(placed, everywhere, rows, everywhere),
            out_shardings=everywhere,
            compiler_options=cpu.compiler_options(),
        ),
        abstract=abstract,
    )
