"""A study from its first missing cell to its report."""

import logging

from gan_jax import build
from gan_jax.errors import UsageError
from gan_jax.runtime import folders, lock, signals
from gan_jax.sampling.samples import sampler
from gan_jax.study import definition, report, sequential, summary, trials, vectorized
from gan_jax.training import evaluating, setup

log = logging.getLogger("gan_jax")


def run(study, output, *, only=(), data_dir=None):
    """Trains every cell that is not on disk yet, and reports on all that are.

    Args:
        study: The Study.
        output: Its folder; made if it does not exist.
        only: Names of variants to train; empty for all.
        data_dir: Folder of prepared TFDS data; None for TFDS's own.

    Raises:
        UsageError: A mistake in the study, or cells in the folder that are another study's; nothing has been
            trained or written then. Or measures that the metrics do not have: that is found out when the
            first variant is trained.
    """
    definition.validate(study)
    wanted = {name: definition.variant(study, name) for name in only or study.variants}
    folders.check_writable(output)
    missing = {name: _missing(study, output, name) for name in study.variants}
    pending = {name: recipe for name, recipe in wanted.items() if missing[name]}
    for name, recipe in pending.items():
        _check(name, recipe, data_dir)
    folders.make_writable(output)
    with lock.held(output):
        for number, name in enumerate(pending, 1):
            log.info("variant %d of %d, %s: %d seeds", number, len(pending), name, len(missing[name]))
            _train(study, output, name, missing[name], data_dir)
            if _missing(study, output, name):
                log.info("stopped; the same command goes on from there")
                return
            summary.check(study.measures, trials.read(output, name, definition.cell(study, name, 0)))
        report.write(study, output, data_dir)


def _missing(study, output, name):
    """Seeds of a variant that have no cell yet; what is there of another study is refused."""
    recipes = (definition.cell(study, name, seed) for seed in range(study.seeds))
    missing = [recipe for recipe in recipes if trials.read(output, name, recipe) is None]
    for recipe in missing:
        trials.check_begun(output, name, recipe)
    return [recipe.seed for recipe in missing]


def _check(name, recipe, data_dir):
    """Finds a variant's mistakes before the first one is trained."""
    try:
        source = build.source(recipe, data_dir)
        modality = source.modality
        train_spec = build.train_spec(recipe, modality)
        state = setup.check(recipe, train_spec, modality)
        setup.check_samples(recipe, train_spec.game, modality, state)
        if reason := evaluating.obstacle(recipe, source):
            raise UsageError(f"nothing to compare by: {reason}")
        evaluating.state_evaluator(recipe, train_spec.game, source, sampler(train_spec.game, modality))
    except UsageError as error:
        raise UsageError(f"variant {name}: {error}") from None


def _train(study, output, name, seeds, data_dir):
    """Trains seeds of a variant and puts them on disk, unless somebody asks to stop.

    Points train together, everything else one after the other: XLA:CPU is slow at convolutions in a `scan`
    and at those of many networks at once, which other platforms have not been measured at.
    """
    recipe = definition.variant(study, name)
    source = build.source(recipe, data_dir)
    if source.facts["modality"] == "points":
        with signals.stop_requests() as stop:  # Runs of their own listen themselves.
            outcomes = vectorized.trained(recipe, seeds, source, stop)
        for seed, outcome in outcomes.items():
            trials.write(output, name, definition.cell(study, name, seed), outcome)
        return
    for seed in seeds:
        cell = definition.cell(study, name, seed)
        outcome = sequential.trained(cell, trials.folder(output, name, seed), data_dir)
        if outcome is None:
            return
        trials.write(output, name, cell, outcome)
