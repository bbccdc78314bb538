"""Alerts about a run that trains badly: conditions on its diagnostics, with thresholds and plain messages.

A condition reads diagnostics as a term reads a game's outputs: it is a pure function whose positional
parameters name the numbers that it reads of one subject. A subject is a player, the `game` or its `samples`;
`first_<name>` is the number at the first check. A condition is checked for every subject that has all these
numbers. Its hyperparameters are its thresholds.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import jax

from gan_jax.terms import call, reads


class Condition(NamedTuple):
    """A condition that is a problem if it lasts.

    Attributes:
        holds: Function of numbers to bool.
        lasting: Steps for which it must hold before it is reported; at least 1, hence at least two checks.
        message: Description of the problem; `{subject}` stands for the subject's name.
        advice: Its likely meaning, and possible changes.
    """

    holds: Callable[..., bool]
    lasting: int
    message: str
    advice: str


class History(NamedTuple):
    """The state between checks.

    Attributes:
        first: Numbers at the first check, by subject.
        since: Step since which a condition holds, by `(subject, function's name)`.
        reported: The pairs that have been reported and still hold.
    """

    first: dict[str, Mapping[str, float]] = {}
    since: dict[tuple[str, str], int] = {}
    reported: frozenset[tuple[str, str]] = frozenset()


def discriminator_saturated(
    discriminator_accuracy: float,
    logit_gap: float,
    logit_gradient: float,
    *,
    accuracy: float = 0.99,
    slope: float = 0.05,
) -> bool:
    """The discriminator ranks all samples correctly, and its loss has almost no gradient at their logits.

    Arjovsky and Bottou 2017, arXiv:1701.04862, theorems 2.4 and 2.6: the better the discriminator, the
    smaller the generator's gradient; with the non-saturating loss, the noisier. The thresholds are a rule of
    thumb: slope 0.05 is a cross entropy that gives the wrong side a probability of 0.025. Accuracy alone is
    no sign: the dcgan recipe on digits always has at least 0.99, and a slope of at least 0.18. A Wasserstein
    critic's slope is 2, so that the condition never holds for it.
    """
    del logit_gap  # Read only to appear in the message.
    return discriminator_accuracy >= accuracy and logit_gradient <= slope


def discriminator_at_chance(discriminator_accuracy: float, *, margin: float = 0.1) -> bool:
    """The discriminator ranks samples no better than a coin.

    A rule of thumb: with n = 64 real and 64 fake samples, a coin's share is within 0.1 of a half in 19 of 20
    checks; its standard deviation is sqrt((2 n + 1) / (12 n^2)).
    """
    return abs(discriminator_accuracy - 0.5) <= margin


def vanishing_gradient(gradient_norm: float, first_gradient_norm: float, *, share: float = 1e-3) -> bool:
    """The gradient is at most a thousandth of the first one: a rule of thumb. Adam still makes full steps."""
    return gradient_norm <= share * first_gradient_norm


def gradient_enormous(gradient_norm: float, first_gradient_norm: float, *, times: float = 1e3) -> bool:
    """The gradient is a thousand times the first one: a rule of thumb. Divergence often follows."""
    return gradient_norm > times * first_gradient_norm


def frozen_parameters(update_ratio: float, *, least: float = 2.0**-24) -> bool:
    """Updates are smaller than the rounding of float32 parameters, whose unit roundoff is 2^-24."""
    return update_ratio <= least


def update_too_large(update_ratio: float, *, most: float = 0.1) -> bool:
    """An update is over a tenth of the parameters: a rule of thumb. In good training it is about 0.001."""
    return update_ratio > most


def singular_value_grown(
    largest_singular_value: float, first_largest_singular_value: float, *, times: float = 30.0
) -> bool:
    """A kernel has a singular value of more than thirty times the largest one at first.

    Brock et al. 2019, arXiv:1809.11096, section 4: when BigGAN collapses, the generator's largest singular
    values explode. The factor is a rule of thumb; the dcgan recipe on digits reaches 3.7.
    """
    return largest_singular_value > times * first_largest_singular_value


def ema_lag(average_distance: float, *, most: float = 0.5) -> bool:
    """Live parameters are over half a norm away from their average: a rule of thumb for a useless average."""
    return average_distance > most


def low_diversity(diversity: float, *, least: float = 0.3) -> bool:
    """Samples differ from each other less than a third as much as real ones: a rule of thumb for collapse.

    Distances of pixels reveal only a total collapse: samples of two equally likely modes still reach 0.7.
    """
    return diversity < least


def classes_missing(classes: float, real_classes: float, *, share: float = 0.95) -> bool:
    """A classifier finds fewer classes among samples than among equally many held-out real images.

    Srivastava et al. 2017, arXiv:1705.07761, count missing modes in this way. The share is a rule of thumb
    that allows for chance if there are hundreds of classes; of up to 20 classes none may be missing.
    """
    return classes < share * real_classes


def colours_inverted(
    luma_correlation: float, target_luma_correlation: float, *, below: float = -0.3, apart: float = 0.3
) -> bool:
    """Samples are dark where their source is light, more so than real samples of the target domain are.

    A rule of thumb. Negatives deceive a discriminator that knows no pairs, and a cycle undoes them. Where the
    domains themselves are each other's negatives, real samples have a negative correlation with any source.
    """
    return luma_correlation < below and luma_correlation < target_luma_correlation - apart


def colours_shifted(
    colour_shift: float, chance_shift: float, *, most: float = 0.2, deviations: float = 4.0
) -> bool:
    """A channel's mean is off by over a tenth of its range, and by more than chance explains.

    A rule of thumb. The chance is that of two batches of the same images; both numbers are in units of [-1,
    1].
    """
    return colour_shift > most and colour_shift > deviations * chance_shift


def source_copied(change: float, *, least: float = 0.02) -> bool:
    """Samples differ from their sources less than a fiftieth as much as real ones do: a rule of thumb."""
    return change < least


def known_pixels_judged(
    known_error: float, discriminator_accuracy: float, *, least: float = 0.01, accuracy: float = 0.99
) -> bool:
    """The discriminator separates all samples, and could do so by pixels that the source shows.

    A rule of thumb: one level of 255 is 0.008. Pathak et al. 2016, arXiv:1604.07379, section 3.2, let the
    discriminator see the hole alone.
    """
    return known_error > least and discriminator_accuracy >= accuracy


def cycle_hides_data(
    cycle_error: float,
    cycle_error_after_rounding: float,
    rounding_change: float,
    *,
    gain: float = 4.0,
    times: float = 2.0,
) -> bool:
    """Noise that nobody sees doubles the cycle's error, by over four times the size of the noise itself.

    Chu et al. 2017, arXiv:1712.02950, show such cycles. The factors are a rule of thumb: a way back that
    doubles contrasts amplifies noise twice.
    """
    more = cycle_error_after_rounding - cycle_error
    return more > gain * rounding_change and cycle_error_after_rounding > times * cycle_error


CONDITIONS = (
    Condition(
        discriminator_saturated, 500, "the discriminator separates all real and fake samples",
        "the generator may get no useful gradient; try a lower learning rate of the discriminator, r1, "
        "spectral_norm, or instance_noise",
    ),
    Condition(
        discriminator_at_chance, 1000, "the discriminator does not separate real and fake samples",
        "training may be at its end, or the generator may get no useful gradient; if samples are bad, try a "
        "higher learning rate or more updates of the discriminator, or less augmentation",
    ),
    Condition(
        vanishing_gradient, 500, "the gradient of the {subject} has almost vanished",
        "its updates may be noise; try another loss, or less regularisation",
    ),
    Condition(
        gradient_enormous, 200, "the gradient of the {subject} has grown by a factor of a thousand",
        "the run may be about to diverge; try clip_by_global_norm, or a lower learning rate",
    ),
    Condition(
        frozen_parameters, 500, "the parameters of the {subject} do not change",
        "its updates are lost in rounding; check its learning rate and its schedule",
    ),
    Condition(
        update_too_large, 500, "every update changes the {subject} by more than a tenth of its norm",
        "try a lower learning rate",
    ),
    Condition(
        singular_value_grown, 500,
        "the largest singular value of the {subject} has grown by a factor of thirty",
        "the run may be about to collapse; try spectral_norm, r1, or weight_decay",
    ),
    Condition(
        ema_lag, 500, "the {subject} is far from its moving average",
        "the average mixes very different models; try a shorter half_life, or a lower learning rate",
    ),
    Condition(
        low_diversity, 1000, "samples are much less diverse than real images",
        "the generator may have collapsed; try a lower learning rate, r1, packed, or diffaugment",
    ),
    Condition(
        classes_missing, 1000, "some classes are missing from the samples",
        "the generator may have dropped modes; try packed, conditioning on labels, or a larger batch",
    ),
    Condition(
        colours_inverted, 500, "samples are dark where their sources are light",
        "the translation may be a negative, which a cycle allows; try identity_mapping, or another seed",
    ),
    Condition(
        colours_shifted, 1000, "samples have other colours on average than real ones",
        "try identity_mapping, a higher weight of l1 or a lower one of the cycle, or a longer run",
    ),
    Condition(
        source_copied, 1000, "samples are their sources",
        "the translator may have learned to copy; try a lower weight of identity_mapping or of the cycle, or a "
        "stronger discriminator",
    ),
    Condition(
        known_pixels_judged, 500, "the discriminator may judge by pixels that the source shows",
        "samples differ from real ones outside the hole; try game.paste=True",
    ),
    Condition(
        cycle_hides_data, 1000, "the way back reads what nobody sees in samples",
        "the cycle may hide the source in noise; try a lower weight of cycle_consistency, or input_noise",
    ),
)  # fmt: skip


def update(
    history: History,
    step: int,
    numbers: Mapping[str, Mapping[str, float]],
    conditions: Iterable[Condition] = CONDITIONS,
) -> tuple[History, list[str]]:
    """Checks all conditions: which have lasted long enough to be reported, and which have ended?

    Args:
        history: The History; `History()` before the first check.
        step: Finished training steps.
        numbers: Numbers by subject and name.
        conditions: The Conditions.

    Returns:
        The History after this check, and lines for people: one when a condition has lasted, and one when it
        ends after that.
    """
    first = {subject: history.first.get(subject, values) for subject, values in numbers.items()}
    history, lines = history._replace(first={**history.first, **first}), []
    for subject, values in numbers.items():
        inputs = {**values, **{f"first_{name}": value for name, value in first[subject].items()}}
        for condition in conditions:
            if set(reads(condition.holds)) <= set(inputs):
                history, line = _check(history, step, subject, condition, inputs)
                lines += [line] if line else []
    return history, lines


def _check(history, step, subject, condition, inputs):
    """Checks one condition of one subject: the History, and a line or None."""
    pair, message = (subject, condition.holds.__name__), condition.message.format(subject=subject)
    if not call(condition.holds, inputs):
        since = {other: begun for other, begun in history.since.items() if other != pair}
        line = f"resolved: {message}" if pair in history.reported else None
        return history._replace(since=since, reported=history.reported - {pair}), line
    begun = history.since.get(pair, step)
    history = history._replace(since={**history.since, pair: begun})
    if pair in history.reported or step - begun < condition.lasting:
        return history, None
    read = ", ".join(f"{name.replace('_', ' ')} {inputs[name]:.3g}" for name in reads(condition.holds))
    line = f"{message}, for {step - begun} steps now ({read}): {condition.advice}"
    return history._replace(reported=history.reported | {pair}), line


def report(history: History, step: int, numbers: Any, reporter: Any) -> History:
    """Checks all conditions and reports the numbers and the alerts.

    Args:
        history: The History.
        step: Finished training steps.
        numbers: Dict of scalars by subject and name.
        reporter: The Report.

    Returns:
        The History after this check.
    """
    numbers = jax.tree.map(float, jax.device_get(numbers))
    history, lines = update(history, step, numbers)
    reporter.alerts(step, numbers, lines)
    return history
