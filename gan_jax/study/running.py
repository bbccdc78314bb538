"""A study from its first missing cell to its report."""

import logging

import jax

from gan_jax import build, folders, lock, preparation, signals
from gan_jax.data.source import facts
from gan_jax.errors import UsageError
from gan_jax.study import alone, cells, cohort, definition, report

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
            trained or written then.
    """
    definition.validate(study)
    wanted = {name: definition.variant(study, name) for name in only or study.variants}
    folders.check_writable(output)
    missing = {name: _missing(study, output, name) for name in study.variants}
    pending = {name: recipe for name, recipe in wanted.items() if missing[name]}
    for name, recipe in pending.items():
        _check(name, recipe, data_dir)
    folders.make_writable(output)
    with lock.held(output), signals.stop_requests() as stop:
        for number, name in enumerate(pending, 1):
            log.info("variant %d of %d, %s: %d seeds", number, len(pending), name, len(missing[name]))
            _train(study, output, name, missing[name], stop, data_dir)
            if _missing(study, output, name):
                log.info("stopped; the same command goes on from there")
                return
        report.write(study, output, data_dir)


def _missing(study, output, name):
    """Seeds of a variant that have no cell yet; cells that are of another study are refused."""
    recipes = (definition.cell(study, name, seed) for seed in range(study.seeds))
    return [recipe.seed for recipe in recipes if cells.read(output, name, recipe) is None]


def _check(name, recipe, data_dir):
    """Finds a variant's mistakes before the first one is trained."""
    try:
        source = build.source(recipe, data_dir)
        rules = build.rules(recipe, facts(source))
        preparation.check(recipe, rules, facts(source), jax.random.key(0))
    except UsageError as error:
        raise UsageError(f"variant {name}: {error}") from None


def _train(study, output, name, seeds, stop, data_dir):
    """Trains seeds of a variant and puts them on disk, unless somebody asks to stop.

    Points train together, everything else one after the other: XLA:CPU is slow at convolutions in a `scan`
    and at those of many networks at once, which other platforms have not been measured at.
    """
    recipe = definition.variant(study, name)
    source = build.source(recipe, data_dir)
    if source.kind == "points":
        for seed, outcome in cohort.trained(recipe, seeds, source, stop).items():
            cells.write(output, name, definition.cell(study, name, seed), outcome)
        return
    for seed in seeds:
        cell = definition.cell(study, name, seed)
        outcome = alone.trained(cell, cells.folder(output, name, seed), data_dir)
        if outcome is None:
            return
        cells.write(output, name, cell, outcome)
