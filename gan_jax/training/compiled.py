"""The functions of a run under `jit`: one program on one device and on many."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from gan_jax import build
from gan_jax.accumulation import cut
from gan_jax.runtime import cpu, parallel
from gan_jax.step import TrainSpec, TrainState
from gan_jax.types import Modality


class Programs(NamedTuple):
    """A run's compiled functions.

    Attributes:
        init: Key to first TrainState.
        step: `(state, resident, fed, key) -> (state, scalars)`: as many steps as the inputs from the host are
            for, arrays [steps, ...], as the scalars are; the state is donated.
        finite: Params to bool by player: is every parameter finite?
        diagnose: `(state, resident, fed, key) -> numbers`, from the first slice of the last step's first
            batch.
        reset: State to the same state with optimizers as at the start; the state is donated.
        abstract: Shapes, dtypes and shardings of the state.
    """

    init: Callable[[jax.Array], TrainState]
    step: Callable[..., tuple[TrainState, dict[str, jax.Array]]]
    finite: Callable[[Any], dict[str, jax.Array]]
    diagnose: Callable[..., dict[str, dict[str, jax.Array]]]
    reset: Callable[[TrainState], TrainState]
    abstract: Any


def unchanged(state: TrainState, batches: dict) -> tuple[TrainState, dict]:
    """The state and the batches as they are: what a step begins with in a run without stages."""
    return state, batches


def decoded_step(
    train_spec: TrainSpec, decode: Callable[..., dict], progressed: Callable[..., Any] = unchanged
) -> Callable[..., tuple[TrainState, dict[str, jax.Array]]]:
    """A step as a pure function of the inputs that a run feeds it; nothing is compiled.

    Args:
        train_spec: The TrainSpec.
        decode: `(resident, fed, key) -> batches`.
        progressed: `(state, batches) -> (state, batches)` that a step of a stage begins with.

    Returns:
        Function `(state, resident, fed, key) -> (state, scalars)`.
    """

    def step(state, resident, fed, key):
        decode_key = jax.random.fold_in(jax.random.fold_in(key, state.step), 2**31)
        return train_spec.step(*progressed(state, decode(resident, fed, decode_key)), key)

    return step


def in_one_call(step: Callable[..., tuple[TrainState, dict[str, jax.Array]]]) -> Callable[..., Any]:
    """Several steps as one function: they cost one call of a program, and the host comes back after the last.

    Args:
        step: From `decoded_step`.

    Returns:
        Function `(state, resident, fed, key) -> (state, scalars)`; `fed` and `scalars` have a leading axis of
        steps.
    """

    def steps(state, resident, fed, key):
        if len(jax.tree.leaves(fed)[0]) == 1:  # A loop in the program would only cost time.
            state, scalars = step(state, resident, jax.tree.map(lambda leaf: leaf[0], fed), key)
            return state, jax.tree.map(lambda scalar: scalar[None], scalars)
        return jax.lax.scan(lambda state, fed: step(state, resident, fed, key), state, fed)

    return steps


def compiled(
    train_spec: TrainSpec,
    diagnose: Callable[..., dict[str, dict[str, jax.Array]]],
    modality: Modality,
    batch_size: int,
    decode: Callable[..., dict],
    mesh: jax.sharding.Mesh,
    key: jax.Array,
    *,
    slices: int = 1,
    start: Callable[[jax.Array], TrainState] | None = None,
    progressed: Callable[..., Any] = unchanged,
) -> Programs:
    """A run's functions under `jit` over a mesh: the same program on one device and on many.

    Args:
        train_spec: The TrainSpec.
        diagnose: `(state, batch, key) -> numbers`, from `diagnostics.diagnostics`.
        modality: Of the data.
        batch_size: Samples per move, over all devices.
        decode: `(resident, fed, key) -> batches`.
        mesh: Mesh with the axes `data` and `model`.
        key: Random key of the run.
        slices: Slices of a batch that are computed one after the other.
        start: From a key to the first state of a run of which this is a stage; that of `train_spec` if None.
        progressed: `(state, batches) -> (state, batches)` that a step of a stage begins with.

    Returns:
        The Programs.
    """
    everywhere, rows = parallel.replicated(mesh), parallel.sharded(mesh, axis=2)
    start = start or build.start(train_spec, modality, batch_size)
    abstract = parallel.partitioned(parallel.abstract(start, key, everywhere), mesh)
    placed = jax.tree.map(lambda leaf: leaf.sharding, abstract)

    def look(state, resident, fed, key):
        look_key = jax.random.fold_in(jax.random.fold_in(key, state.step), 2**31 + 1)
        state, batches = progressed(state, decode(resident, fed, look_key))
        return diagnose(state, jax.tree.map(lambda leaf: cut(leaf[0], slices)[0], batches), look_key)

    # By itself, so that the diagnostics are compiled once for calls of all lengths.
    last = jax.jit(
        lambda fed: jax.tree.map(lambda leaf: leaf[-1], fed), out_shardings=parallel.sharded(mesh, 1)
    )
    looked = jax.jit(
        look,
        in_shardings=(placed, everywhere, parallel.sharded(mesh, axis=1), everywhere),
        out_shardings=everywhere,
        compiler_options=cpu.compiler_options(),
    )

    def finite(params):
        each = jax.tree.map(lambda leaf: jnp.all(jnp.isfinite(leaf)), params)
        return {player: jnp.array(jax.tree.leaves(each[player])).all() for player in params}

    def reset(state):
        fresh = {player: each.init(state.params[player]) for player, each in train_spec.optimizers.items()}
        return state.replace(opt={**state.opt, **fresh})

    return Programs(
        init=jax.jit(start, out_shardings=placed, compiler_options=cpu.options_of_one_call()),
        step=jax.jit(
            in_one_call(decoded_step(train_spec, decode, progressed)),
            in_shardings=(placed, everywhere, rows, everywhere),
            out_shardings=(placed, everywhere),
            donate_argnums=0,
            compiler_options=cpu.compiler_options(),
        ),
        finite=jax.jit(finite, out_shardings=everywhere),
        diagnose=lambda state, resident, fed, key: looked(state, resident, last(fed), key),
        reset=jax.jit(reset, out_shardings=placed, donate_argnums=0),
        abstract=abstract,
    )
