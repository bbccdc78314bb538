"""The loop: batches in; scalars, samples and checkpoints out."""

import concurrent.futures
import contextlib
import functools
import logging
import os
import shlex
import sys
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax

from gan_jax import build
from gan_jax import recipe as recipe_lib
from gan_jax import stages as stages_lib
from gan_jax.checkpoints import checkpoint
from gan_jax.data import fingerprint
from gan_jax.data.batches import Batches, batches
from gan_jax.data.classes import listed
from gan_jax.errors import Divergence
from gan_jax.recipe import Recipe
from gan_jax.runtime import folders, lock, memory, parallel, processes, signals
from gan_jax.sampling import samples
from gan_jax.step import TrainState
from gan_jax.training import alerts, calls, evaluating, initial, report, rollback
from gan_jax.training import trackers as trackers_lib
from gan_jax.training.announced import announced
from gan_jax.training.compiled import Programs, compiled, unchanged
from gan_jax.training.meter import Meter
from gan_jax.training.setup import Prepared, prepare

log = logging.getLogger("gan_jax")

# Keys of steps and rollbacks are folded with smaller numbers, and no `sample_seed` gives the key of the
# grids.
PREVIEW = 2**32 - 1


class Opened(NamedTuple):
    """A stage of a run on the devices.

    Attributes:
        batches: The Batches.
        programs: The Programs; any stage's can make the first state of the run.
        step: The step of the programs; calls that compile it are announced.
    """

    batches: Batches
    programs: Programs
    step: Callable[..., Any]


class Run(NamedTuple):
    """A run whose functions are compiled when they are called.

    Attributes:
        recipe: The Recipe.
        workdir: Its folder.
        prepared: The Prepared.
        opened: Function from the number of a stage to what it is fed and its compiled functions.
        trackers: Names of the trackers that it also reports to.
    """

    recipe: Recipe
    workdir: str
    prepared: Prepared
    opened: Callable[[int], Opened]
    trackers: Sequence[str] = ()


def run(
    recipe: Recipe,
    workdir: str,
    data_dir: str | None = None,
    *,
    accept_changed_data: bool = False,
    init_from: initial.Origin | None = None,
    trackers: Sequence[str] = (),
) -> int:
    """Trains from the workdir's last checkpoint, or from the start, to the recipe's last step.

    All processes of a run call it with the same arguments; the first one reports, evaluates and previews.

    Args:
        recipe: The Recipe.
        workdir: Folder of the run; made if it does not exist.
        data_dir: Folder of prepared TFDS data; None for TFDS's own.
        accept_changed_data: Go on although the data is not that of the run's last start.
        init_from: Another run whose parameters this one begins with; where the workdir has a checkpoint
            already, nothing is taken again.
        trackers: Names of trackers that the run also reports to: `wandb`, `mlflow`.

    Returns:
        Steps taken, over all starts of the run.

    Raises:
        UsageError: A mistake in the recipe, the workdir or the trackers; nothing has been written or trained.
        Divergence: A loss or a parameter is no longer finite, and was so after each of the rollbacks that the
            recipe allows; the last good checkpoint is kept.
        Fault: A disk, the workdir or data failed, or memory is exhausted; the last good checkpoint is kept.
    """
    processes.together(lambda: recipe_lib.validate(recipe))
    processes.check_alike("recipe", recipe_lib.to_dict(recipe))
    processes.from_first(lambda: trackers_lib.check(trackers))
    prepared = processes.together(lambda: prepare(recipe, workdir, data_dir, accept_changed_data, init_from))
    source = prepared.source
    data = fingerprint.describe(source)
    processes.check_alike("data", [source.name, data])
    folders.share(workdir)
    with lock.held(workdir), memory.exhaustion_as_fault():
        prepared.watch.announce()
        return _resume(recipe, workdir, prepared, data, trackers)


def _resume(recipe, workdir, prepared, data, trackers):
    """Resumes training; the caller holds the workdir's lock."""
    key = jax.random.key(recipe.seed)
    opened = _opener(prepared, key)
    state = checkpoint.restore_latest(workdir, opened(0).programs.abstract)
    step = int(state.step) if state else 0
    for line in (*introduction(recipe, prepared, workdir, step), *initial.lines(prepared.begins)):
        log.info("%s", line)
    for line in initial.advice(prepared.parts[0].train_spec.terms, prepared.begins) if step == 0 else ():
        log.warning("%s", line)
    if processes.is_first():
        checkpoint.write_recipe(workdir, recipe, data, prepared.begins.record)
    if step < recipe.steps or _owes_evaluation(recipe, workdir, step):
        step = _trained(Run(recipe, workdir, prepared, opened, trackers), state, key)
    _conclude(recipe, workdir, step)
    return step


def _opener(prepared, key):
    """Function from the number of a stage to its Opened. All stages share the rows that lie on the device."""
    whole = prepared.whole
    start = build.start(whole.train_spec, whole.modality, whole.stage.recipe.batch_size)

    @functools.cache
    def opened(number):
        part = prepared.parts[number]
        stage, recipe = part.stage, part.stage.recipe
        fed = batches(
            prepared.source, recipe.batch_size, recipe.batches_per_step, recipe.seed, prepared.mesh,
            part.decode, skipped=stage.skipped, resident=opened(0).batches.resident if number else None,
        )  # fmt: skip
        progressed = functools.partial(stages_lib.progressed, stage) if stage.name else unchanged
        programs = compiled(
            part.train_spec, part.diagnose, part.modality, recipe.batch_size, fed.decode, prepared.mesh, key,
            slices=recipe.accumulate, start=start, progressed=progressed,
        )  # fmt: skip
        what = f"the train step of stage {stage.name}" if stage.name else "the train step"
        return Opened(fed, programs, announced(programs.step, what))

    return opened


def _owes_evaluation(recipe, workdir, step):
    """Was the run killed between the checkpoint of this step and its evaluation?"""
    return processes.from_first(
        lambda: evaluating.due(recipe, step) and checkpoint.is_without_cost(workdir, step)
    )


def _trained(run, state, key):
    """The loop with everything that it opens; it resumes from the last good checkpoint if it diverges."""
    recipe, workdir = run.recipe, run.workdir
    with contextlib.ExitStack() as stack:
        manager = stack.enter_context(checkpoint.manager(workdir, recipe.keep_checkpoints))
        # Before the manager is closed, which waits for all processes.
        stack.enter_context(processes.or_end())
        stack.enter_context(folders.errors_as_faults(workdir))
        stack.enter_context(memory.exhaustion_as_fault())
        stop = stack.enter_context(
            processes.stop_requests(manager) if jax.process_count() > 1 else signals.stop_requests()
        )
        followers = stack.enter_context(
            trackers_lib.opened(run.trackers if processes.is_first() else (), workdir, recipe)
        )

        def play(state, keys):
            state = state or _begun(run, keys(0))
            with _reporter(run, int(state.step), followers) as reporter:
                return _played(run, state, keys, manager, reporter, stop)

        def restore():
            manager.wait_until_finished()
            restored = checkpoint.restore_latest(workdir, run.opened(0).programs.abstract)
            manager.reload()  # Damaged checkpoints may have been put aside.
            return restored

        return rollback.persist(play, restore, state, key, workdir, recipe.max_rollbacks)


def _begun(run, key):
    """The state before the first step."""
    state = initial.begun(run.opened(0).programs.init(key), run.prepared.begins)
    return initial.with_features(state, run.prepared.features)


def _reporter(run, first, followers):
    """The Report, which only the first process has."""
    if not processes.is_first():
        return contextlib.nullcontext(report.Silence())
    unit, every = run.prepared.source.modality.unit, run.prepared.watch.every
    return report.opened(report.Report(run.workdir, run.recipe, unit, first, every, followers))


def _played(run, state, keys, manager, reporter, stop):
    """Trains through the stages, from the one of the state on; steps taken."""
    done = int(state.step)
    if _owes_evaluation(run.recipe, run.workdir, done):
        cost = run.prepared.watch.evaluate(done, state, reporter)
        checkpoint.add_cost(manager, done, cost, run.recipe.keep_checkpoints)
    with concurrent.futures.ThreadPoolExecutor(1, "compiler") as compiler:
        for number, part in enumerate(run.prepared.parts):
            for steps in part.stage.pieces(run.recipe.steps):
                if done >= steps.stop:
                    continue
                if part.stage.reset and done == steps.start > 0:
                    state = run.opened(number).programs.reset(state)
                ahead = compiler.submit(_compile_ahead, run, number + 1, keys)
                state, done = loop(run, number, state, steps.stop, keys, manager, reporter, stop)
                if done < steps.stop:
                    return done
                ahead.result()
    return done


def _compile_ahead(run, number, keys):
    """Compiles the step of a stage, if there is one, while the one before it trains."""
    if number == len(run.prepared.parts):
        return
    fed, programs, _ = run.opened(number)
    steps = run.prepared.parts[number].stage
    planned = functools.partial(calls.planned, run.recipe, keys)
    with contextlib.closing(fed.feed(steps.first, min(steps.last, run.recipe.steps), planned)) as feed:
        inputs = programs.abstract, fed.resident, next(feed), keys(steps.first)
    with contextlib.suppress(Exception):  # The step itself will say what is wrong.
        programs.step.lower(*inputs).compile()


def _conclude(recipe, workdir, step):
    """Logs how far a run has come."""
    log.info("memory    %s", memory.summary())
    if step < recipe.steps:
        log.info("stopped at step %d of %d; the same command resumes from there", step, recipe.steps)
        return
    if evaluations := report.evaluations(workdir):
        log.info("%s", evaluating.conclusion(evaluations))
    if step > recipe.steps:
        log.warning(
            "steps=%d: %s stands at step %d already, so nothing was trained", recipe.steps, workdir, step
        )
    log.info(
        "finished %d steps; %s holds %s and TensorBoard events; "
        "sample with: %s -m gan_jax.main --mode=sample --workdir=%s --num_images=64",
        step, workdir, ", ".join(report.contents(workdir)), _python(), shlex.quote(workdir),
    )  # fmt: skip


def _python():
    """This interpreter as a person would type it here."""
    near = os.path.relpath(sys.executable)
    return sys.executable if near.startswith("..") else near


def loop(
    run: Run,
    number: int,
    state: TrainState,
    until: int,
    keys: Callable[[int], jax.Array],
    manager: Any,
    reporter: Any,
    stop: Callable[[int], bool],
) -> tuple[TrainState, int]:
    """Takes steps of a stage, until a signal asks to stop.

    Args:
        run: The Run.
        number: Of the stage whose steps these are.
        state: The TrainState to start from; donated.
        until: Steps of the run after the last of these.
        keys: Function from steps taken to the random key of the next step.
        manager: The checkpoint manager.
        reporter: The Report.
        stop: Function from steps taken to bool: has a signal asked to stop?

    Returns:
        The state, and steps taken.

    Raises:
        Divergence: A loss or a parameter is no longer finite.
    """
    recipe, prepared, (fed, programs, step) = run.recipe, run.prepared, run.opened(number)
    first, done = int(state.step), int(state.step)
    preview_key = jax.random.fold_in(jax.random.key(recipe.seed), PREVIEW)
    manager.wait_until_finished()  # No save may be in progress where the least cost is read.
    meter, least = (
        Meter(recipe, prepared.parts[number].stage.samples, reporter),
        checkpoint.best_cost(manager),
    )
    history = alerts.History()
    planned = functools.partial(calls.planned, recipe, keys)
    with contextlib.closing(fed.feed(first, until, planned)) as feed:
        for steps, call_feed in zip(planned(first, until), feed):
            state, scalars = step(state, fed.resident, call_feed, keys(steps.start))
            done = steps.stop
            meter.add(len(steps), scalars)
            # Processes agree on a step at which to stop, and ask at every one of them.
            last = any([stop(step + 1) for step in steps]) or done == recipe.steps
            evaluated, saving = evaluating.due(recipe, done), last or done % recipe.checkpoint_every == 0
            if evaluated or saving or done == until or done % recipe.log_every == 0:
                meter.flush(done)
            if evaluated or saving:
                _check_finite(programs.finite(state.params), done)
            if saving:  # Before the evaluation, which may take long, fail or be killed.
                checkpoint.save(manager, done, state)
            cost = prepared.watch.evaluate(done, state, reporter) if evaluated else None
            if best := cost is not None and cost < least:
                least = cost
            if recipe.diagnostics_every and done % recipe.diagnostics_every == 0:
                numbers = programs.diagnose(state, fed.resident, call_feed, keys(done))
                history = alerts.report(history, done, numbers, reporter)
            if done == recipe.steps or done % recipe.grid_every == 0:
                reporter.grid(
                    done,
                    lambda: prepared.preview(parallel.local(state), preview_key, recipe.grid_size),
                    lambda: prepared.real(recipe.grid_size),
                )
            if saving:
                checkpoint.add_cost(manager, done, cost, recipe.keep_checkpoints)
            elif best:
                checkpoint.save(manager, done, state, cost)
            if last:
                break
    return state, done


def _check_finite(by_player, step):
    """Keeps a state that has diverged out of the checkpoints and the evaluations."""
    for player, finite in jax.device_get(by_player).items():
        if not finite:
            raise Divergence(f"step {step}: a parameter of {player} is not finite")


def _sources(source):
    """What the images are made of: of data without pairs, how many there are."""
    if "source" not in source.spec:
        return ""
    own = [f"{part.size:,} " for part in source.parts if "source" in part.spec and "real" not in part.spec]
    return f" from {''.join(own)}sources of {'x'.join(map(str, source.spec['source'].shape))}"


def _line(part, steps):
    """A stage of a run for people."""
    stage, shape = part.stage, "x".join(map(str, part.modality.spec["real"].shape))
    until = min(stage.last, steps)
    images = (until - stage.first) * stage.samples
    details = [f"{shape}, batch size {stage.recipe.batch_size}, {images:,} {part.modality.unit}"]
    details += [f"fading over {stage.fade:,}"] if stage.fade else []
    return f"stage     {stage.name}, steps {stage.first:,} to {until:,}: {', '.join(details)}"


def introduction(recipe: Recipe, prepared: Prepared, workdir: str, step: int) -> list[str]:
    """A summary of a run: its data, networks, devices and workdir.

    Args:
        recipe: The Recipe.
        prepared: The Prepared.
        workdir: Folder of the run.
        step: Steps taken before this start.

    Returns:
        Lines for people.
    """
    source, modality = prepared.source, prepared.whole.modality
    shape, classes = "x".join(map(str, source.spec["real"].shape)), len(source.classes)
    labels = f"{classes} classes: {listed(source.classes)}" if classes else "no labels"
    counts = {
        player: sum(leaf.size for leaf in jax.tree.leaves(params))
        for player, params in prepared.whole.abstract.params.items()
    }
    devices = jax.devices()
    where = f" in {jax.process_count()} processes" if jax.process_count() > 1 else ""
    computes = f"{recipe.precision}, matmul precision {recipe.matmul_precision}"
    grids = []
    if "label" in prepared.whole.game.conditions:
        rows = samples.rows_of_classes(recipe.grid_size, modality)
        grids = [f"grids     classes of samples, from 0 on: {samples.of_rows(rows, source.classes)}"]
    return [
        f"data      {source.name}: {source.size:,} {modality.unit} of {shape}{_sources(source)}, {labels}",
        *(f"network   {player}: {count:,} parameters" for player, count in counts.items()),
        f"devices   {len(devices)} x {devices[0].device_kind}{where}, batch size {recipe.batch_size}, "
        f"{computes}",
        *(_line(part, recipe.steps) for part in prepared.parts if part.stage.name),
        *grids,
        f"workdir   {workdir}, {f'resuming from step {step}' if step else 'new'}",
    ]
