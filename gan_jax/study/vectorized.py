"""The seeds of a variant together: one compiled program, `vmap` over seeds of the step that `train` takes.

Seeds do not affect each other: each has its own order of data, and a diverging seed changes no other. Up to
the rounding of float32, each result is that of sequential training. The steps between two evaluations are one
`scan`: no batch is sent and no program is called between them. For networks without convolutions, since
XLA:CPU is slow at convolutions in `vmap` and in `scan`.
"""

import time
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax import build
from gan_jax.data.batches import batches, row_order
from gan_jax.data.source import Source
from gan_jax.errors import Divergence
from gan_jax.recipe import Recipe
from gan_jax.runtime import cpu, parallel
from gan_jax.sampling.samples import first_of, grid_conditions, sampler
from gan_jax.step import TrainSpec, TrainState
from gan_jax.study.trials import Outcome
from gan_jax.training import evaluating
from gan_jax.training.compiled import decoded_step
from gan_jax.types import Modality


def compiled(
    train_spec: TrainSpec,
    modality: Modality,
    batch_size: int,
    decode: Callable[..., dict],
    mesh: jax.sharding.Mesh,
) -> tuple[Callable[[jax.Array], TrainState], Callable[..., TrainState]]:
    """A variant's functions over all its seeds, under `jit`.

    Args:
        train_spec: The TrainSpec.
        modality: Of the data.
        batch_size: Samples per move.
        decode: `(resident, rows, key) -> batches` of one seed.
        mesh: Mesh of one device.

    Returns:
        `init`, from keys [S] to TrainStates whose arrays all have the leading dimension S; and `advance`,
        from these states, the resident arrays, row numbers int32 [T, S, batches per step, B] and the keys to
        the states T steps later. Its input states are donated.
    """
    step = jax.vmap(decoded_step(train_spec, decode), in_axes=(0, None, 0, 0))

    def advance(states, resident, rows, keys):
        def one(states, rows):
            return step(states, resident, rows, keys)[0], None

        return jax.lax.scan(one, states, rows)[0]

    start, everywhere = jax.vmap(build.start(train_spec, modality, batch_size)), parallel.replicated(mesh)
    return (
        # The sharding of the states that `advance` returns; another one would compile it a second time.
        jax.jit(start, out_shardings=everywhere),
        jax.jit(advance, donate_argnums=0, compiler_options=cpu.compiler_options()),
    )


def rows_of(
    size: int, batch_size: int, batches_per_step: int, chunk: int, seeds: Sequence[int]
) -> Callable[[int], np.ndarray]:
    """The rows of several seeds in chunks of steps, for each seed in the order of `batches`.

    Args:
        size: Rows in the data set.
        batch_size: Rows per batch.
        batches_per_step: Batches per step.
        chunk: Steps per chunk.
        seeds: The seeds.

    Returns:
        Function from n to the rows of the steps from n * chunk on, int32 [chunk, S, batches_per_step, B].
    """
    orders = [row_order(size, chunk * batches_per_step * batch_size, seed) for seed in seeds]

    def rows(number):
        each = [order(number).reshape(chunk, batches_per_step, batch_size) for order in orders]
        return np.stack(each, axis=1).astype(np.int32)

    return rows


def trained(
    recipe: Recipe, seeds: Sequence[int], source: Source, stop: Callable[[int], bool]
) -> dict[int, Outcome]:
    """Trains one recipe with several seeds.

    Args:
        recipe: The Recipe; its own seed is not used.
        seeds: The seeds.
        source: The Source trained on.
        stop: Function from steps taken to bool: has a signal asked to stop?

    Returns:
        The Outcomes by seed; empty if a signal asked to stop. A seed has diverged at the first evaluation
        whose samples are not finite.
    """
    began, modality, batch_size = time.monotonic(), source.modality, recipe.batch_size
    mesh, count = parallel.mesh(batch_size, jax.local_devices()[:1]), recipe.batches_per_step
    fed = batches(source, batch_size, count, 0, mesh, build.decoder(recipe, modality))
    train_spec = build.train_spec(recipe, modality)
    init, advance = compiled(train_spec, modality, batch_size, fed.decode, mesh)
    rows = rows_of(source.size, batch_size, count, recipe.eval_every, seeds)
    evaluations = _Evaluations(recipe, train_spec.game, source, seeds)
    keys = jnp.stack([jax.random.key(seed) for seed in seeds])
    states = init(keys)
    for number, start in enumerate(range(0, recipe.steps, recipe.eval_every)):
        if stop(start):
            return {}
        states = advance(states, fed.resident, rows(number)[: recipe.steps - start], keys)
        evaluations.add(min(start + recipe.eval_every, recipe.steps), states)
    return evaluations.outcomes(states, (time.monotonic() - began) / len(seeds))


class _Evaluations:
    """Evaluations of all seeds, of each one as long as it is finite."""

    def __init__(self, recipe, game, source, seeds):
        self.game, self.source, self.count = game, source, recipe.grid_size
        self.sample = _finite(sampler(game, source.modality))
        self.evaluator = evaluating.state_evaluator(recipe, game, source, self.sample)
        self.evaluations: dict[int, list[dict[str, Any]]] = {seed: [] for seed in seeds}
        self.protocols: dict[int, dict[str, Any]] = {seed: {} for seed in seeds}
        self.alive = dict(enumerate(seeds))
        self.pick = jax.jit(lambda states, number: jax.tree.map(lambda leaf: leaf[number], states))

    def add(self, step, states):
        """Evaluates every seed that has been finite so far."""
        for number, seed in list(self.alive.items()):
            try:
                values, self.protocols[seed] = self.evaluator.evaluate(self.pick(states, number))
                self.evaluations[seed].append({"step": step, "values": values})
            except Divergence:
                del self.alive[number]

    def outcomes(self, states, seconds):
        """The Outcomes by seed."""
        rows, first = np.arange(self.count), first_of(lambda: self.source.heldout() or self.source)
        conditions = grid_conditions(self.game, self.source.modality, self.count, first)
        samples = {
            seed: self.sample(self.pick(states, number), jax.random.key(0), rows, conditions)
            for number, seed in self.alive.items()
        }
        return {
            seed: Outcome(evaluations, self.protocols[seed], samples.get(seed), seed not in samples, seconds)
            for seed, evaluations in self.evaluations.items()
        }


def _finite(sample):
    """A sampler that raises a Divergence where samples are not finite."""

    def checked(*args, **options):
        samples = sample(*args, **options)
        if not np.isfinite(samples).all():
            raise Divergence("samples are not finite")
        return samples

    return checked
