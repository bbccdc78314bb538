"""What a run says: one line that is rewritten on a terminal, log lines elsewhere."""

import logging
import sys
from collections.abc import Mapping

from gan_jax.recipe import Recipe
from gan_jax.runtime.progress import clock
from gan_jax.training.reporters import Reporter

log = logging.getLogger("gan_jax")


def lines(recipe: Recipe, unit: str, first: int, eval_every: int) -> Reporter:
    """The log of a run as a Reporter; on a terminal, a bar takes the place of the lines about scalars.

    Args:
        recipe: The Recipe.
        unit: What a sample is, such as `images`.
        first: Steps taken before this start.
        eval_every: Steps between evaluations; 0 if there are none.

    Returns:
        The Reporter.
    """

    def scalars(step, values, samples_per_second, seconds_left):
        terms = "  ".join(f"{name} {value:.4f}" for name, value in values.items())
        speed = f"{samples_per_second:,.0f} {unit}/s  {clock(seconds_left)} left"
        log.info("step %d/%d  %s  %s", step, recipe.steps, terms, speed)

    def evaluation(step, values, protocol):
        shown = "  ".join(f"{name} {value['value']:.4g}{_baseline(value)}" for name, value in values.items())
        log.info("step %d/%d  evaluation: %s", step, recipe.steps, shown)

    def alerts(step, numbers, news):
        for line in news:
            log.warning("step %d/%d  alert: %s", step, recipe.steps, line)

    plain = Reporter(scalars=scalars, evaluation=evaluation, alerts=alerts)
    return _with_bar(plain, recipe, unit, first, eval_every) if sys.stderr.isatty() else plain


def _baseline(value):
    return f" (real baseline {value['real_baseline']:.4g})" if "real_baseline" in value else ""


def _with_bar(plain, recipe, unit, first, eval_every):
    """The same, with a bar instead of lines about scalars."""
    from tqdm import tqdm

    bar = tqdm(
        total=recipe.steps, initial=first, dynamic_ncols=True,
        bar_format="step {n_fmt}/{total_fmt} |{bar:16}| {desc}",
    )  # fmt: skip

    def scalars(step, values, samples_per_second, seconds_left):
        text = state(step, recipe.steps, values, unit, samples_per_second, seconds_left, eval_every)
        bar.set_description_str(text)

    return plain._replace(advance=bar.update, scalars=scalars, close=lambda failed: bar.close())


def state(
    step: int,
    steps: int,
    values: Mapping[str, float],
    unit: str,
    samples_per_second: float,
    seconds_left: float,
    eval_every: int,
) -> str:
    """Speed, rest, the next evaluation and the losses; the most important first, as terminals cut lines.

    Args:
        step: Steps taken.
        steps: Steps of the whole run.
        values: Means of the terms by `player/term`; the first one of each player is shown.
        unit: What a sample is, such as `images`.
        samples_per_second: Speed; 0 if it is not known yet.
        seconds_left: Until the end of the run at this speed.
        eval_every: Steps between evaluations; 0 if there are none.

    Returns:
        The text.
    """
    parts = []
    if samples_per_second:
        parts += [f"{samples_per_second:,.0f} {unit}/s", f"{clock(seconds_left)} left"]
    if eval_every and step < steps:
        following = min(steps, (step // eval_every + 1) * eval_every)
        wait = seconds_left * (following - step) / (steps - step)
        parts.append(f"evaluation in {clock(wait)}" if samples_per_second else f"evaluation at {following}")
    first_terms: dict[str, float] = {}
    for name, value in values.items():
        first_terms.setdefault(name.partition("/")[0], value)
    return "  ".join([*parts, *[f"{player} {value:.4f}" for player, value in first_terms.items()]])
