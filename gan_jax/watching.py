"""Evaluations while a model trains: they tell which checkpoint is best."""

import logging

from gan_jax import evaluation, features
from gan_jax import sample as samples
from gan_jax.data.source import facts
from gan_jax.judge import Judge, select
from gan_jax.metrics import HIGHER_IS_BETTER

log = logging.getLogger("gan_jax")


def watch(recipe, game, source):
    """A function that evaluates a state when that is due.

    Args:
        recipe: The Recipe.
        game: Its Game.
        source: The Source trained on.

    Returns:
        Function `(step, state, sample, reporter) -> cost`, `sample` from `sample.sampler`: what the best
        checkpoint has least of, or None where no evaluation is due or possible.

    Raises:
        UsageError: A metric that does not exist, or reads what there is not.
    """
    if not recipe.eval_every or not _possible(recipe, source):
        return lambda step, state, sample, reporter: None
    heldout, told = source.heldout(), "labels" in game.hears
    network = features.named(recipe.eval_features, source, heldout)
    judge = Judge(source, heldout, network)
    metrics = select(recipe.eval_metrics, (), network)
    judge.check(metrics, judge.table(source if told else source._replace(classes=())))
    # No more than are held out, so that the floor is of the same size.
    size = min(recipe.eval_images, judge.floor_size(recipe.eval_images))

    def look(step, state, sample, reporter):
        if step % recipe.eval_every and step != recipe.steps:
            return None
        labels = judge.labels(size) if told else None
        fake = samples.source("this run", sample, state, facts(source), size=size, seed=0, labels=labels)
        judged = judge(metrics, fake)
        reporter.evaluation(step, judged, evaluation.protocol(judge, fake))
        name = next(iter(judged))
        return -judged[name]["value"] if name in HIGHER_IS_BETTER else judged[name]["value"]

    return look


def _possible(recipe, source):
    """A classifier needs labels; a run without any goes on without evaluation, and says so."""
    if recipe.eval_features == "classifier" and not source.classes:
        log.warning(
            "no evaluation in training: %s has no labels; eval_features=pixels needs none", source.name
        )
        return False
    return True


def conclusion(records):
    """The best and the last of a run's evaluations, in one line.

    Args:
        records: From `Report.evaluations`, at least one.

    Returns:
        str.
    """
    name = next(iter(records[0]["values"]))
    values = {record["step"]: record["values"][name] for record in records}
    choose = max if name in HIGHER_IS_BETTER else min
    best, last = choose(values, key=lambda step: values[step]["value"]), records[-1]["step"]
    floor = f", floor {values[last]['floor']:.4g}" if "floor" in values[last] else ""
    said = (
        f"best {values[best]['value']:.4g} at step {best}, final {values[last]['value']:.4g} at step {last}"
    )
    return f"{name}: {said}{floor}"
