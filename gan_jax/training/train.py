"""The loop: batches in; scalars, images and checkpoints out."""

import contextlib
import logging
import os
import sys

import jax

from gan_jax import recipe as recipe_lib
from gan_jax.checkpoints import checkpoint
from gan_jax.data.batches import batches
from gan_jax.data.source import facts
from gan_jax.errors import Divergence
from gan_jax.runtime import folders, lock, memory, parallel, processes, signals
from gan_jax.training import alerts, evaluating, report, rollback
from gan_jax.training.compiled import compiled
from gan_jax.training.meter import Meter
from gan_jax.training.setup import prepare

log = logging.getLogger("gan_jax")


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
    made = processes.together(lambda: prepare(recipe, workdir, data_dir))
    processes.check_alike("data", [made.source.name, made.source.size, facts(made.source)])
    folders.share(workdir)
    with lock.held(workdir):
        _go_on(recipe, workdir, made, jax.random.key(recipe.seed))


def _go_on(recipe, workdir, made, key):
    """Trains from where the workdir, in which no other run is, has come to."""
    mesh, source = made.mesh, made.source
    rounds = recipe.batches_per_step
    fed = batches(source, recipe.batch_size, rounds, recipe.seed, mesh, flip=recipe.data.get("flip", False))
    programs = compiled(
        made.train_spec, source, recipe.batch_size, fed.decode, mesh, key, slices=recipe.accumulate
    )
    state = checkpoint.restore_latest(workdir, programs.abstract)
    first = int(state.step) if state else 0
    _introduce(recipe, source, programs.abstract, workdir, first)
    if processes.is_first():
        checkpoint.write_recipe(workdir, recipe, facts(source))
    if first < recipe.steps:
        first = _trained(recipe, workdir, made, fed, programs, state, key)
    _conclude(recipe, workdir, first)


def _trained(recipe, workdir, made, fed, programs, state, key):
    """The loop with what it opens, again from the last good checkpoint if it diverges; rounds played."""
    with contextlib.ExitStack() as stack:
        manager = stack.enter_context(checkpoint.manager(workdir, recipe.keep_checkpoints))
        # Before the manager is closed, which waits for all processes.
        stack.enter_context(processes.or_end())
        stack.enter_context(folders.told_of(workdir))
        stop = stack.enter_context(
            processes.stop_requests(manager) if jax.process_count() > 1 else signals.stop_requests()
        )

        def play(state, keys):
            state = state or programs.init(keys(0))
            with _reporter(recipe, workdir, int(state.step)) as reporter:
                return loop(recipe, made, programs, fed, state, keys, manager, reporter, stop)

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
    """Says in a few lines how far a run has come, and what it took."""
    log.info("memory    %s", memory.summary())
    if first < recipe.steps:
        log.info("stopped at step %d of %d; the same command goes on from there", first, recipe.steps)
        return
    if evaluations := report.evaluations(workdir):
        log.info("%s", evaluating.conclusion(evaluations))
    log.info(
        "finished %d steps; %s holds checkpoints, grids, metrics.jsonl, curves.png and TensorBoard events; "
        "sample with: %s -m gan_jax.main --mode=sample --workdir=%s --num_images=64",
        recipe.steps, workdir, _python(), workdir,
    )  # fmt: skip


def _python():
    """This interpreter as a person would type it here."""
    near = os.path.relpath(sys.executable)
    return sys.executable if near.startswith("..") else near


def loop(recipe, made, programs, fed, state, keys, manager, reporter, stop):
    """Plays rounds until the recipe's last, or until somebody asks to stop.

    Args:
        recipe: The Recipe.
        made: The Prepared.
        programs: The Programs.
        fed: The Batches.
        state: The TrainState to start from.
        keys: Function from rounds played to the random key of the next round.
        manager: The checkpoint manager.
        reporter: The Report.
        stop: Function of rounds played to bool: has somebody asked to stop?

    Returns:
        Rounds played.

    Raises:
        Divergence: A loss or a parameter is no longer finite.
    """
    first, done = int(state.step), int(state.step)
    fixed_latents = jax.random.key(recipe.seed + 1)
    meter, least = Meter(recipe, reporter), checkpoint.best_cost(manager)
    history = alerts.History()
    with contextlib.closing(fed.feed(first, recipe.steps)) as feed:
        for done, step_feed in enumerate(feed, first + 1):
            state, scalars = programs.step(state, fed.resident, step_feed, keys(done - 1))
            meter.add(done, scalars)
            last = stop(done) or done == recipe.steps
            judging, saving = evaluating.due(recipe, done), last or done % recipe.checkpoint_every == 0
            if judging or saving or done % recipe.log_every == 0:
                meter.flush()
            if judging or saving:
                _check_finite(programs.finite(state.params), done)
            cost = made.watch(done, state, reporter) if judging else None
            best = cost is not None and cost < least
            least = cost if best else least
            if recipe.diagnostics_every and done % recipe.diagnostics_every == 0:
                numbers = programs.diagnostics(state, fed.resident, step_feed, keys(done))
                history = alerts.report(history, done, numbers, reporter)
            if done == recipe.steps or done % recipe.grid_every == 0:
                reporter.grid(done, lambda: made.show(parallel.local(state), fixed_latents, recipe.grid_size))
            if saving or best:
                checkpoint.save(manager, done, state, cost)
            if last:
                break
    return done


def _check_finite(by_player, step):
    """Keeps a state that would not go on out of the checkpoints and the evaluations."""
    for player, finite in jax.device_get(by_player).items():
        if not finite:
            raise Divergence(f"step {step}: a parameter of {player} is not finite")


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
