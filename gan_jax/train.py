"""The loop: batches in; scalars, images and checkpoints out."""

import contextlib
import functools
import logging
import math
import os
import signal
import sys
import threading
import time
from typing import Any, Callable, NamedTuple

import jax
import jax.numpy as jnp

from gan_jax import (
    build, checkpoint, cpu, faults, health, lock, parallel, processes, report, rollback, terms, watching,
)  # fmt: skip
from gan_jax import recipe as recipe_lib
from gan_jax.data.batches import batches
from gan_jax.data.source import facts
from gan_jax.errors import Divergence, UsageError
from gan_jax.sample import exhibitor, first_of, pictured, sampler
from gan_jax.step import train_step
from gan_jax.vitals import vitals

log = logging.getLogger("gan_jax")


class Programs(NamedTuple):
    """A run's compiled functions.

    Attributes:
        init: Key to first TrainState.
        step: `(state, resident, fed, key) -> (state, scalars)`; the state is donated.
        finite: Params to bool by player: is every parameter finite?
        vitals: `(state, resident, fed, key) -> numbers`, from the first batch of the round.
        abstract: Shapes, dtypes and shardings of the state.
    """

    init: Callable
    step: Callable
    finite: Callable
    vitals: Callable
    abstract: Any


class Prepared(NamedTuple):
    """What a run needs before anything is written.

    Attributes:
        mesh: Mesh over the devices of all processes.
        source: The Source trained on.
        rules: The Rules.
        watch: From `watching.watch`.
        show: From `sample.pictured`.
    """

    mesh: Any
    source: Any
    rules: Any
    watch: Callable
    show: Callable


def run(recipe, workdir, data_dir=None):
    """Trains from the workdir's last checkpoint, or from the start, to the recipe's last step.

    All processes of a run call it with the same; the first one reports, evaluates and shows.

    Args:
        recipe: The Recipe.
        workdir: Folder of the run; made if it does not exist.
        data_dir: Folder of prepared TFDS data; None for TFDS's own.

    Raises:
        UsageError: A mistake in the recipe or the workdir; nothing has been written then.
        Divergence: A loss or a parameter is no longer finite, and was so after each of the rollbacks that the
            recipe allows; the last good checkpoint is kept.
        Fault: A disk, the workdir or data failed; the last good checkpoint is kept.
    """
    processes.together(lambda: recipe_lib.validate(recipe))
    processes.check_alike("recipe", recipe_lib.to_dict(recipe))
    made = processes.together(lambda: _prepared(recipe, workdir, data_dir))
    processes.check_alike("data", [made.source.name, made.source.size, facts(made.source)])
    checkpoint.share(workdir)
    with lock.held(workdir):
        _go_on(recipe, workdir, made, jax.random.key(recipe.seed))


def _go_on(recipe, workdir, made, key):
    """Trains from where the workdir, in which no other run is, has come to."""
    mesh, source = made.mesh, made.source
    rounds = max(recipe.turns.values())
    fed = batches(source, recipe.batch_size, rounds, recipe.seed, mesh, flip=recipe.data.get("flip", False))
    programs = compiled(made.rules, source, recipe.batch_size, fed.decode, mesh, key)
    state = checkpoint.restore_latest(workdir, programs.abstract)
    first = int(state.step) if state else 0
    _introduce(recipe, source, programs.abstract, workdir, first)
    if processes.is_first():
        checkpoint.write_recipe(workdir, recipe, facts(source))
    if first < recipe.steps:
        first = _trained(recipe, workdir, made, fed, programs, state, key)
    _conclude(recipe, workdir, first)


def _prepared(recipe, workdir, data_dir):
    """The Prepared, once everything that a user can get wrong is known to be right."""
    checkpoint.check_writable(workdir)
    _check_same_run(recipe, workdir)
    mesh = parallel.mesh(recipe.batch_size)
    source = build.source(recipe, data_dir)
    rules = build.rules(recipe, facts(source), parallel.spread(mesh))
    check(recipe, rules, facts(source), jax.random.key(recipe.seed))
    # Samples are drawn on one device; a game whose latents are spread over all of them would not do.
    game = build.rules(recipe, facts(source)).game
    sample, real = sampler(game, facts(source)), first_of(lambda: source.heldout() or source)
    watch = watching.watch(recipe, game, source, sample)
    show = pictured(exhibitor(game, facts(source), sample, real), facts(source), real)
    return Prepared(mesh, source, rules, watch, show)


def _trained(recipe, workdir, made, fed, programs, state, key):
    """The loop with what it opens, again from the last good checkpoint if it diverges; rounds played."""
    with contextlib.ExitStack() as stack:
        manager = stack.enter_context(checkpoint.manager(workdir, recipe.keep_checkpoints))
        stack.enter_context(
            processes.or_end()
        )  # Before the manager is closed, which waits for all processes.
        stack.enter_context(faults.told_of(workdir))
        stop = stack.enter_context(
            processes.stop_requests(manager) if jax.process_count() > 1 else stop_requests()
        )

        def play(state, keys):
            state = state or programs.init(keys(0))
            with _reporter(recipe, workdir, int(state.step)) as reporter:
                return loop(
                    recipe, programs, fed, state, keys, manager, reporter, made.watch, made.show, stop
                )

        def restore():
            manager.wait_until_finished()
            found = checkpoint.restore_latest(workdir, programs.abstract)
            manager.reload()  # Damaged checkpoints may have been put aside.
            return found

        return rollback.persist(play, restore, state, key, workdir, recipe.max_rollbacks)


def _reporter(recipe, workdir, first):
    """The Report, which only the first process has."""
    return (
        report.opened(workdir, recipe, first)
        if processes.is_first()
        else contextlib.nullcontext(report.Silence())
    )


def _conclude(recipe, workdir, first):
    """Says in a line or two how far a run has come."""
    if first < recipe.steps:
        log.info("stopped at step %d of %d; the same command goes on from there", first, recipe.steps)
        return
    if evaluations := report.evaluations(workdir):
        log.info("%s", watching.conclusion(evaluations))
    log.info(
        "finished %d steps; %s holds checkpoints, grids, metrics.jsonl, curves.png and TensorBoard events; "
        "sample with: %s -m gan_jax.main --mode=sample --workdir=%s --num_images=64",
        recipe.steps, workdir, _python(), workdir,
    )  # fmt: skip


def _python():
    """This interpreter as a person would type it here."""
    near = os.path.relpath(sys.executable)
    return sys.executable if near.startswith("..") else near


def _check_same_run(recipe, workdir):
    """A workdir belongs to one recipe; only its PACE may change."""
    stored, _ = checkpoint.read_recipe(workdir)
    # Through a Recipe, so that fields which are younger than the run have their defaults.
    old = recipe_lib.to_dict(recipe_lib.from_dict(stored)) if stored else None
    lines = recipe_lib.differences(old, recipe_lib.to_dict(recipe)) if stored else []
    if lines:
        raise UsageError(
            f"{workdir} holds a run of another recipe ({'; '.join(lines)}); give another --workdir"
        )


def check(recipe, rules, facts, key):
    """Traces one round on blank data: every term finds what it reads, every shape fits. Compiles nothing.

    Args:
        recipe: The Recipe.
        rules: Its Rules.
        facts: Dict of `resolution`, `channels` and `classes` of the data.
        key: Random key.

    Raises:
        UsageError: A term reads what its game does not offer.
    """
    state = jax.eval_shape(build.start(rules, facts, recipe.batch_size), key)
    offered = build.offers(rules, facts, recipe.batch_size)
    for player, player_terms in rules.terms.items():
        terms.check(player, player_terms, [*offered, "params"])
    blank = build.blank(facts, max(recipe.turns.values()), recipe.batch_size)
    jax.eval_shape(functools.partial(train_step, *rules), state, blank, key)


def compiled(rules, source, batch_size, decode, mesh, key):
    """A run's functions under `jit` over a mesh: the same program on one device and on many.

    Args:
        rules: The Rules.
        source: The Source trained on.
        batch_size: Images a move, over all devices.
        decode: `(resident, fed, key) -> batches`.
        mesh: Mesh with the axis `data`.
        key: Random key of the run.

    Returns:
        The Programs.
    """
    everywhere, rows = parallel.replicated(mesh), parallel.sharded(mesh, axis=1)
    start = build.start(rules, facts(source), batch_size)

    def step(state, resident, fed, key):
        drawn = jax.random.fold_in(jax.random.fold_in(key, state.step), 2**31)
        return train_step(*rules, state, decode(resident, fed, drawn), key)

    def look(state, resident, fed, key):
        drawn = jax.random.fold_in(jax.random.fold_in(key, state.step), 2**31 + 1)
        batch = jax.tree.map(lambda leaf: leaf[0], decode(resident, fed, drawn))
        return vitals(rules, state, batch, drawn)

    def finite(params):
        each = jax.tree.map(lambda leaf: jnp.all(jnp.isfinite(leaf)), params)
        return {player: jnp.array(jax.tree.leaves(each[player])).all() for player in params}

    return Programs(
        init=jax.jit(start, out_shardings=everywhere),
        step=jax.jit(
            step,
            in_shardings=(everywhere, everywhere, rows, everywhere),
            out_shardings=(everywhere, everywhere),
            donate_argnums=0,
            compiler_options=cpu.compiler_options(),
        ),
        finite=jax.jit(finite),
        vitals=jax.jit(
            look,
            in_shardings=(everywhere, everywhere, rows, everywhere),
            out_shardings=everywhere,
            compiler_options=cpu.compiler_options(),
        ),
        abstract=parallel.abstract(start, key, everywhere),
    )


def loop(recipe, programs, fed, state, keys, manager, reporter, watch, show, stop):
    """Plays rounds until the recipe's last, or until somebody asks to stop.

    Args:
        recipe: The Recipe.
        programs: The Programs.
        fed: The Batches.
        state: The TrainState to start from.
        keys: Function from rounds played to the random key of the next round.
        manager: The checkpoint manager.
        reporter: The Report.
        watch: From `watching.watch`.
        show: From `sample.pictured`.
        stop: Function of rounds played to bool: has somebody asked to stop?

    Returns:
        Rounds played.

    Raises:
        Divergence: A loss or a parameter is no longer finite.
    """
    first, done = int(state.step), int(state.step)
    fixed_latents = jax.random.key(recipe.seed + 1)
    meter, least = Meter(recipe, reporter), checkpoint.best_cost(manager)
    history = health.History()
    with contextlib.closing(fed.feed(first, recipe.steps)) as feed:
        for done, step_feed in enumerate(feed, first + 1):
            state, scalars = programs.step(state, fed.resident, step_feed, keys(done - 1))
            meter.add(done, scalars)
            last = stop(done) or done == recipe.steps
            cost = watch(done, state, reporter)
            best = cost is not None and cost < least
            least = cost if best else least
            saving = last or best or done % recipe.checkpoint_every == 0
            if saving or done % recipe.log_every == 0:
                meter.flush()
            if recipe.health_every and done % recipe.health_every == 0:
                numbers = programs.vitals(state, fed.resident, step_feed, keys(done))
                history = health.attend(history, done, numbers, reporter)
            if done == recipe.steps or done % recipe.grid_every == 0:
                reporter.grid(done, lambda: show(parallel.local(state), fixed_latents, recipe.grid_size))
            if saving:
                _check_finite(programs.finite(state.params), done)
                checkpoint.save(manager, done, state, cost)
            if last:
                break
    return done


def _check_finite(by_player, step):
    """Keeps a state that would not go on out of the checkpoints."""
    for player, finite in jax.device_get(by_player).items():
        if not finite:
            raise Divergence(f"step {step}: a parameter of {player} is not finite")


class Meter:
    """Scalars of the steps since the last log line, and how long they took.

    The device runs ahead: scalars are looked at only when a line is due, and all of them then.
    """

    def __init__(self, recipe, reporter):
        self.recipe, self.reporter = recipe, reporter
        self.pending, self.since, self.timed = [], None, 0
        self.images = recipe.batch_size * max(recipe.turns.values())

    def add(self, step, scalars):
        """Takes the scalars of one step, still on the device."""
        self.pending.append((step, scalars))
        self.reporter.advance()
        if self.since is None:
            # The first step compiles; its time says nothing about the others.
            jax.block_until_ready(scalars)
            self.since = time.perf_counter()
        else:
            self.timed += 1

    def flush(self):
        """Reports the mean of every scalar since the last time.

        Raises:
            Divergence: Names the first step and term that is not finite.
        """
        if not self.pending:
            return
        seen = jax.device_get([scalars for _, scalars in self.pending])
        for (step, _), scalars in zip(self.pending, seen):
            for name, value in scalars.items():
                if not math.isfinite(value):
                    raise Divergence(f"step {step}: {name} is {value}")
        now = time.perf_counter()
        per_second = self.timed / (now - self.since) if self.timed else 0.0
        step = self.pending[-1][0]
        left = (self.recipe.steps - step) / per_second if per_second else 0.0
        means = {name: float(sum(s[name] for s in seen) / len(seen)) for name in seen[0]}
        self.reporter.scalars(step, means, per_second * self.images, left)
        self.pending, self.since, self.timed = [], now, 0


@contextlib.contextmanager
def stop_requests():
    """SIGTERM and Ctrl-C as a question; a second one ends the process at once. For a run of one process.

    Yields:
        Function from rounds played to bool.
    """
    event, kinds = threading.Event(), (signal.SIGTERM, signal.SIGINT)
    if threading.current_thread() is not threading.main_thread():
        yield lambda done: event.is_set()
        return
    before = {kind: signal.getsignal(kind) for kind in kinds}

    def ask(number, frame):
        event.set()
        log.info("%s: saving and stopping", signal.Signals(number).name)
        signal.signal(number, before[number])

    for kind in kinds:
        signal.signal(kind, ask)
    try:
        yield lambda done: event.is_set()
    finally:
        for kind, handler in before.items():
            signal.signal(kind, handler)


def _introduce(recipe, source, abstract, workdir, first):
    """Says in a few lines what is about to run, and where."""
    size, labels = f"{source.resolution}x{source.resolution}x{source.channels}", len(source.classes)
    log.info(
        "data      %s: %s %s of %s, %d classes", source.name, f"{source.size:,}", source.kind, size, labels
    )
    for player, params in abstract.params.items():
        count = sum(leaf.size for leaf in jax.tree.leaves(params))
        log.info("%-9s %s: %s parameters", "network", player, f"{count:,}")
    devices = jax.devices()
    where = f" in {jax.process_count()} processes" if jax.process_count() > 1 else ""
    kind = f"{devices[0].device_kind}{where}"
    log.info("devices   %d x %s, %d images a move", len(devices), kind, recipe.batch_size)
    log.info("workdir   %s, %s", workdir, f"going on from step {first}" if first else "new")
