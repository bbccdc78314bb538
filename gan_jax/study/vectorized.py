"""The seeds of a variant together: one compiled program, `vmap` over seeds of the step that `train` plays.

What one seed does touches no other: not its data, which come in an order of its own, nor a value that is not
finite. Up to the rounding of float32 each is what it would be alone. Rounds between two evaluations are one
`scan`: no batch is sent, no program called in between. For networks without convolutions, which XLA:CPU is
slow at in both.
"""

import time

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax import build
from gan_jax.data.batches import batches, row_order
from gan_jax.errors import Divergence
from gan_jax.runtime import cpu, parallel
from gan_jax.sampling.samples import first_of, grid_conditions, sampler
from gan_jax.study.trials import Outcome
from gan_jax.training import evaluating
from gan_jax.training.compiled import decoded_step


def compiled(train_spec, modality, batch_size, decode, mesh):
    """A variant's functions of all its seeds, under `jit`.

    Args:
        train_spec: The TrainSpec.
        modality: Of the data.
        batch_size: Images a move.
        decode: `(resident, rows, key) -> batches` of one seed.
        mesh: Mesh of one device.

    Returns:
        `init`, from keys [S] to TrainStates, whose every array has S in front, and `advance`, from these,
        what is resident, row numbers int32 [T, S, rounds, B] and keys to the states T rounds later. The
        states given are donated.
    """
    play = jax.vmap(decoded_step(train_spec, decode), in_axes=(0, None, 0, 0))

    def advance(states, resident, rows, keys):
        def one(states, rows):
            return play(states, resident, rows, keys)[0], None

        return jax.lax.scan(one, states, rows)[0]

    start, everywhere = jax.vmap(build.start(train_spec, modality, batch_size)), parallel.replicated(mesh)
    return (
        # Where `advance` leaves its states, or the second chunk would compile it again.
        jax.jit(start, out_shardings=everywhere),
        jax.jit(advance, donate_argnums=0, compiler_options=cpu.compiler_options()),
    )


def rows_of(size, batch_size, rounds, chunk, seeds):
    """The rows of several seeds in chunks of steps, each seed's as `batches` orders them.

    Args:
        size: Rows in the data set.
        batch_size: Rows a batch.
        rounds: Batches a step.
        chunk: Steps at a time.
        seeds: The seeds.

    Returns:
        Function from n to the rows of the steps from n * chunk on, int32 [chunk, S, rounds, B].
    """
    orders = [row_order(size, chunk * rounds * batch_size, seed) for seed in seeds]

    def rows(number):
        each = [order(number).reshape(chunk, rounds, batch_size) for order in orders]
        return np.stack(each, axis=1).astype(np.int32)

    return rows


def trained(recipe, seeds, source, stop):
    """One recipe, with several seeds.

    Args:
        recipe: The Recipe; its own seed does not count.
        seeds: The seeds.
        source: The Source trained on.
        stop: Function from rounds played to bool: has somebody asked to stop?

    Returns:
        The Outcomes by seed; empty if somebody asked to stop. A seed has diverged at the first evaluation
        whose samples are not finite.
    """
    began, modality, batch_size = time.monotonic(), source.modality, recipe.batch_size
    mesh, count = parallel.mesh(batch_size, jax.local_devices()[:1]), recipe.batches_per_step
    fed = batches(source, batch_size, count, 0, mesh, build.decoder(recipe, modality))
    train_spec = build.train_spec(recipe, modality)
    init, advance = compiled(train_spec, modality, batch_size, fed.decode, mesh)
    rows = rows_of(source.size, batch_size, count, recipe.eval_every, seeds)
    look = _Look(recipe, train_spec.game, source, seeds)
    keys = jnp.stack([jax.random.key(seed) for seed in seeds])
    states = init(keys)
    for number, start in enumerate(range(0, recipe.steps, recipe.eval_every)):
        if stop(start):
            return {}
        states = advance(states, fed.resident, rows(number)[: recipe.steps - start], keys)
        look.evaluate(min(start + recipe.eval_every, recipe.steps), states)
    return look.outcomes(states, (time.monotonic() - began) / len(seeds))


class _Look:
    """Evaluations of all seeds as far as they are finite."""

    def __init__(self, recipe, game, source, seeds):
        self.game, self.source, self.count = game, source, recipe.grid_size
        self.sample = _finite(sampler(game, source.modality))
        self.evaluator = evaluating.state_evaluator(recipe, game, source, self.sample)
        self.evaluations, self.protocols = {seed: [] for seed in seeds}, {seed: {} for seed in seeds}
        self.alive = dict(enumerate(seeds))
        self.pick = jax.jit(lambda states, number: jax.tree.map(lambda leaf: leaf[number], states))

    def evaluate(self, step, states):
        """Judges every seed that has been finite so far."""
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
        made = sample(*args, **options)
        if not np.isfinite(made).all():
            raise Divergence("samples are not finite")
        return made

    return checked
