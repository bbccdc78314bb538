"""Evaluations while a model trains: they tell which checkpoint is best."""

import logging

from gan_jax import features, metrics
from gan_jax.data.source import facts
from gan_jax.evaluation import reports
from gan_jax.evaluation.evaluator import Evaluator, select
from gan_jax.metrics import HIGHER_IS_BETTER
from gan_jax.runtime import parallel, processes
from gan_jax.sampling import samples
from gan_jax.terms import reads
from gan_jax.training import alerts

log = logging.getLogger("gan_jax")


def watch(recipe, game, source, sample):
    """A function that evaluates a state when that is due, on the first process alone.

    Args:
        recipe: The Recipe.
        game: Its Game.
        source: The Source trained on.
        sample: From `sample.sampler`.

    Returns:
        Function `(step, state, reporter) -> cost`, for steps at which an evaluation is due: what the best
        checkpoint has least of, the same on every process, or None where there is nothing to judge by.

    Raises:
        UsageError: A metric that does not exist, or reads what there is not.
    """
    reason = obstacle(recipe, source)
    if reason and recipe.eval_every:
        log.warning("no evaluation in training: %s", reason)
    if reason or not recipe.eval_every:
        return lambda step, state, reporter: None
    evaluate = _evaluator(recipe, game, source, sample) if processes.is_first() else None

    def look(step, state, reporter):
        return processes.from_first(lambda: evaluate(step, parallel.local(state), reporter))

    return look


def due(recipe, step):
    """Is there to be an evaluation after so many rounds?

    Args:
        recipe: The Recipe.
        step: Rounds played.

    Returns:
        bool: after every `eval_every` rounds, and after the last one.
    """
    return bool(recipe.eval_every) and (step % recipe.eval_every == 0 or step == recipe.steps)


def judging(recipe, game, source, sample):
    """How a recipe wants states to be evaluated.

    Args:
        recipe: The Recipe.
        game: Its Game.
        source: The Source trained on.
        sample: From `sample.sampler`.

    Returns:
        Function from a state to what metrics say of its samples, by name of a value a dict of `value` and
        perhaps `real_baseline`, and to the protocol that belongs beside these.

    Raises:
        UsageError: A metric that does not exist, or reads what there is not.
    """
    heldout, told = source.heldout(), "labels" in game.hears
    network = features.named(recipe.eval_features, source, heldout)
    evaluator = Evaluator(source, heldout, network)
    table = evaluator.table(source if told else source._replace(classes=()))
    chosen = select(recipe.eval_metrics, (), network)
    evaluator.check(chosen, table)
    if set(reads(metrics.modes)) <= set(table):
        chosen = {**chosen, "modes": metrics.modes}  # What health asks for, where a classifier is at hand.
    # No more than are held out, so that the floor is of the same size.
    size = min(recipe.eval_images, evaluator.real_baseline_size(recipe.eval_images))

    def evaluate(state):
        labels = evaluator.labels(size) if told else None
        fake = samples.source("this run", sample, state, facts(source), size=size, seed=0, labels=labels)
        return evaluator(chosen, fake), reports.protocol(evaluator, fake)

    return evaluate


def _evaluator(recipe, game, source, sample):
    """Function `(step, state, reporter) -> cost`; every value is also reported."""
    evaluator, history = judging(recipe, game, source, sample), alerts.History()

    def evaluate(step, state, reporter):
        nonlocal history
        judged, protocol = evaluator(state)
        reporter.evaluation(step, judged, protocol)
        if "real_baseline" in judged.get("modes", {}):
            modes = {"classes": judged["modes"]["value"], "real_classes": judged["modes"]["real_baseline"]}
            history = alerts.report(history, step, {"samples": modes}, reporter)
        name = next(iter(judged))
        value = float(judged[name]["value"])
        return -value if name in HIGHER_IS_BETTER else value

    return evaluate


def obstacle(recipe, source):
    """Why a recipe's evaluations are not possible: a classifier needs labels.

    Args:
        recipe: The Recipe.
        source: The Source trained on.

    Returns:
        One line for people, or None if they are possible.
    """
    if recipe.eval_features == "classifier" and not source.classes:
        return f"{source.name} has no labels; eval_features=pixels needs none"
    return None


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
    real_baseline = f", real baseline {values[last]['real_baseline']:.4g}" if "real_baseline" in values[last] else ""
    said = (
        f"best {values[best]['value']:.4g} at step {best}, final {values[last]['value']:.4g} at step {last}"
    )
    return f"{name}: {said}{real_baseline}"
