"""Evaluations while a model trains: they decide which checkpoint is best."""

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from gan_jax import features, metrics
from gan_jax.data import classes
from gan_jax.data.source import Source
from gan_jax.errors import UsageError
from gan_jax.evaluation import rehearsal, reports
from gan_jax.evaluation.evaluator import Evaluator, select
from gan_jax.metrics.direction import is_higher_better
from gan_jax.recipe import Recipe
from gan_jax.runtime import parallel, processes, signals
from gan_jax.sampling import samples
from gan_jax.step import TrainState
from gan_jax.terms import reads
from gan_jax.training import alerts
from gan_jax.types import Game

log = logging.getLogger("gan_jax")


class StateEvaluator(NamedTuple):
    """Evaluates states as a recipe says.

    Attributes:
        evaluate: Function from a state to values of metrics, by name a dict of `value` and perhaps
            `real_baseline`, and to their protocol. The first call loads the features, and trains a classifier
            of data that have none.
        size: Samples generated for an evaluation.
        warnings: What makes the values less than they seem, a line each.
    """

    evaluate: Callable[[TrainState], tuple[dict[str, dict[str, Any]], dict[str, Any]]]
    size: int = 0
    warnings: tuple[str, ...] = ()


NOTHING = StateEvaluator(lambda state: ({}, {}))


class Watch(NamedTuple):
    """Evaluates a run while it trains, on the first process alone.

    Attributes:
        announce: Function without arguments that logs what makes the values less than they seem; not before
            the last mistake is excluded.
        evaluate: `(step, state, reporter) -> cost`, called by every process at steps at which an evaluation
            is due. The best checkpoint has the least cost; None if there is no evaluation, or if it failed.
        every: Steps between evaluations; 0 if there are none.
    """

    announce: Callable[[], None]
    evaluate: Callable[[int, TrainState, Any], float | None]
    every: int = 0


def watch(recipe: Recipe, game: Game, source: Source, sample: Callable) -> Watch:
    """The evaluations of a run; nothing is loaded or trained yet.

    Args:
        recipe: The Recipe.
        game: Its Game.
        source: The Source trained on.
        sample: From `samples.sampler`.

    Returns:
        The Watch.

    Raises:
        UsageError: A metric that does not exist, whose inputs are not available, or that has too few samples.
    """
    reason = obstacle(recipe, source)
    if reason and recipe.eval_every:
        log.warning("no evaluation in training: %s", reason)
    if reason or not recipe.eval_every:
        return Watch(lambda: None, lambda step, state, reporter: None)
    # The first process alone evaluates, and so needs the features.
    first = state_evaluator(recipe, game, source, sample) if processes.is_first() else NOTHING
    reported = _reported(first.evaluate)

    def evaluate(step, state, reporter):
        return processes.from_first(lambda: reported(step, parallel.local(state), reporter))

    return Watch(lambda: _say(first, recipe.eval_samples), evaluate, recipe.eval_every)


def _say(evaluator, wanted):
    """Logs what makes the values of evaluations less than they seem."""
    if 0 < evaluator.size < wanted:
        log.info(
            "evaluate  %d samples, not eval_samples=%d: there are no more real ones", evaluator.size, wanted
        )
    for line in evaluator.warnings:
        log.warning("evaluations in training: %s", line)


def due(recipe: Recipe, step: int) -> bool:
    """Tells if an evaluation is due: after every `eval_every` steps, and after the last one.

    Args:
        recipe: The Recipe.
        step: Steps taken.

    Returns:
        bool.
    """
    return bool(recipe.eval_every) and (step % recipe.eval_every == 0 or step == recipe.steps)


def state_evaluator(recipe: Recipe, game: Game, source: Source, sample: Callable) -> StateEvaluator:
    """The evaluations that a recipe asks for; nothing is loaded or trained yet.

    Args:
        recipe: The Recipe.
        game: Its Game.
        source: The Source trained on.
        sample: From `samples.sampler`.

    Returns:
        The StateEvaluator.

    Raises:
        UsageError: A metric that does not exist, whose inputs are not available, or that has too few samples.
    """
    heldout = classes.heldout(source)
    network = features.named(recipe.eval_features, source, heldout)
    evaluator = Evaluator(source, heldout, network)

    def made_of(state, size):
        conditions = evaluator.conditions(game.conditions, size)
        return samples.source(
            "this run", sample, state, source.modality, size=size, seed=0, conditions=conditions
        )

    # No sample is made of it: metrics only ask what there will be.
    inputs = evaluator.inputs(made_of(None, evaluator.usual_size(recipe.eval_samples)))
    chosen = select(recipe.eval_metrics, {}, network)
    evaluator.check(chosen, inputs)
    if set(reads(metrics.modes)) <= set(inputs):
        chosen = {**chosen, "modes": metrics.modes}  # Alerts read it, where a classifier is at hand.
    size = _size(recipe, game, evaluator, chosen)

    def evaluate(state):
        fake = made_of(state, size)
        return evaluator(chosen, fake), reports.protocol(evaluator, fake)

    reason = evaluator.baseline_obstacle(size)
    warnings = [f"no real baseline: {reason}"] if reason else []
    return StateEvaluator(evaluate, size, (*warnings, *reports.few(evaluator, size)))


def _size(recipe, game, evaluator, chosen):
    """Samples of an evaluation: no more than are held out, unless that is too few for a metric."""

    def check(size):
        conditions = evaluator.conditions(game.conditions, size)
        rehearsal.check(chosen, evaluator, size, rehearsal.labels_of(game, conditions, size))
        return size

    try:
        return check(evaluator.usual_size(recipe.eval_samples))
    except UsageError:
        return check(recipe.eval_samples)  # A value without a real baseline is better than none.


def _reported(evaluate):
    """Function `(step, state, reporter) -> cost`; every value is also reported.

    An evaluation that cannot be computed is a warning: it must not end the training, nor again at every
    restart.
    """
    history = alerts.History()

    def reported(step, state, reporter):
        nonlocal history
        try:
            with signals.interruptible():
                values, protocol = evaluate(state)
        except signals.Interrupted:
            log.info("step %d: no evaluation: interrupted", step)
            return None
        except UsageError as error:
            log.warning("step %d: no evaluation: %s", step, error)
            return None
        reporter.evaluation(step, values, protocol)
        if "real_baseline" in values.get("modes", {}):
            modes = {"classes": values["modes"]["value"], "real_classes": values["modes"]["real_baseline"]}
            history = alerts.report(history, step, {"samples": modes}, reporter)
        name = next(iter(values))
        value = float(values[name]["value"])
        return -value if is_higher_better(name) else value

    return reported


def obstacle(recipe: Recipe, source: Source) -> str | None:
    """The reason why a recipe's evaluations are not possible: a classifier needs labelled images.

    Args:
        recipe: The Recipe.
        source: The Source trained on.

    Returns:
        One line for people, or None if they are possible.
    """
    if recipe.eval_features != "classifier" or source.classifier:
        return None
    if len(source.spec["real"].shape) != 3:
        return f"{source.name} has no images for a classifier; set eval_features"
    if not source.classes:
        return f"{source.name} has no labels; eval_features=pixels needs none"
    if "real" not in source.label_of:
        return f"the labels of {source.name} are those of sources; eval_features=pixels needs none"
    return None


def conclusion(records: Sequence[Mapping[str, Any]]) -> str:
    """The best and the last of a run's evaluations, in one line.

    Args:
        records: From `Report.evaluations`, at least one.

    Returns:
        str.
    """
    name = next(iter(records[0]["values"]))
    values = {record["step"]: record["values"][name] for record in records}
    choose = max if is_higher_better(name) else min
    best, last = choose(values, key=lambda step: values[step]["value"]), records[-1]["step"]
    baseline = values[last].get("real_baseline")
    line = (
        f"best {values[best]['value']:.4g} at step {best}, final {values[last]['value']:.4g} at step {last}"
    )
    return f"{name}: {line}" + ("" if baseline is None else f", real baseline {baseline:.4g}")
