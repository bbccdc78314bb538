"""What a run's numbers say of its health: conditions with thresholds, how long they hold, and plain words.

A condition is to these numbers what a term is to a game's table: a pure function whose positional parameters
name what it reads of one subject, which is a player, the `game` or its `samples`; `first_<name>` is the
number at the first look. It is asked of every subject that has all it reads, and its hyperparameters are its
thresholds.
"""

from typing import Callable, NamedTuple

import jax

from gan_jax.terms import reads


class Condition(NamedTuple):
    """Something that is wrong with a run if it lasts.

    Attributes:
        holds: Function of numbers to bool.
        lasting: Steps for which it must hold before anybody is told; at least 1, and so two looks.
        says: What is the matter, with `{subject}` in the place of the subject's name.
        advice: What that may mean and what to try.
    """

    holds: Callable
    lasting: int
    says: str
    advice: str


class History(NamedTuple):
    """What is remembered from look to look.

    Attributes:
        first: Numbers at the first look, by subject.
        since: Step since which a condition holds, by `(subject, function's name)`.
        told: The pairs of which people have been told.
    """

    first: dict = {}
    since: dict = {}
    told: frozenset = frozenset()


def discriminator_saturated(discriminator_accuracy, logit_gap, logit_gradient, *, accuracy=0.99, slope=0.05):
    """The discriminator ranks all samples rightly, and its loss has nothing left to learn from their logits.

    Arjovsky and Bottou 2017, arXiv:1701.04862, theorems 2.4 and 2.6: the better the discriminator, the
    smaller the generator's gradient, or of the non-saturating loss the noisier. The thresholds are a rule of
    thumb: slope 0.05 is a cross entropy that gives the wrong side a probability of 0.025. Accuracy alone says
    nothing: the dcgan recipe on digits has 0.99 and more all along, and a slope of at least 0.18. A
    Wasserstein critic's slope is 2, so that it is never meant.
    """
    del logit_gap  # For people.
    return discriminator_accuracy >= accuracy and logit_gradient <= slope


def discriminator_at_chance(discriminator_accuracy, *, margin=0.1):
    """The discriminator ranks samples as a coin would.

    A rule of thumb: with 64 real and 64 fake samples the share of a coin is within 0.1 of a half in 19 of 20
    looks, its standard deviation being sqrt((2 n + 1) / (12 n^2)).
    """
    return abs(discriminator_accuracy - 0.5) <= margin


def vanishing_gradient(gradient_norm, first_gradient_norm, *, share=1e-3):
    """The gradient is a thousandth of what it was: a rule of thumb. Adam makes full steps of the rest."""
    return gradient_norm <= share * first_gradient_norm


def gradient_enormous(gradient_norm, first_gradient_norm, *, times=1e3):
    """The gradient is a thousand times what it was: a rule of thumb. What comes next is often not finite."""
    return gradient_norm > times * first_gradient_norm


def frozen_parameters(update_ratio, *, least=2.0**-24):
    """Updates are smaller than the rounding of float32 parameters, whose unit roundoff is 2^-24."""
    return update_ratio <= least


def update_too_large(update_ratio, *, most=0.1):
    """An update is a tenth of the parameters: a rule of thumb. In training that works it is about 0.001."""
    return update_ratio > most


def singular_value_grown(largest_singular_value, first_largest_singular_value, *, times=30.0):
    """A kernel has a singular value of thirty times the largest at first.

    Brock et al. 2019, arXiv:1809.11096, section 4: at the collapse of BigGAN the generator's largest singular
    values explode. The factor is a rule of thumb; the dcgan recipe on digits comes to 3.7.
    """
    return largest_singular_value > times * first_largest_singular_value


def ema_lag(average_distance, *, most=0.5):
    """Live parameters are half a norm away from their average: a rule of thumb for a useless average."""
    return average_distance > most


def low_diversity(diversity, *, least=0.3):
    """Samples differ from each other less than a third as much as real ones: a rule of thumb for collapse.

    Pixels see a total collapse only: samples of two modes that are as likely still reach 0.7.
    """
    return diversity < least


def classes_missing(classes, real_classes, *, share=0.95):
    """A classifier finds fewer classes among samples than among as many real images that training never saw.

    Mode collapse as Srivastava et al. 2017, arXiv:1705.07761, count it. The share is a rule of thumb that
    leaves room for chance where there are hundreds of classes; of up to 20, not one may be missing.
    """
    return classes < share * real_classes


CONDITIONS = (
    Condition(
        discriminator_saturated, 500, "the discriminator tells all real from fake",
        "the generator may get no useful gradient; try a lower learning rate of the discriminator, r1, "
        "spectral_norm, or instance_noise",
    ),
    Condition(
        discriminator_at_chance, 1000, "the discriminator does not tell real from fake",
        "the game is at its end, or the generator is told nothing; if samples are bad, try a higher learning "
        "rate or more turns of the discriminator, or less augmentation",
    ),
    Condition(
        vanishing_gradient, 500, "the gradient of the {subject} has all but vanished",
        "it follows noise or stands still; try another loss, or less regularisation",
    ),
    Condition(
        gradient_enormous, 200, "the gradient of the {subject} has grown a thousandfold",
        "the run may be about to diverge; try clip_by_global_norm, or a lower learning rate",
    ),
    Condition(
        frozen_parameters, 500, "the parameters of the {subject} do not move",
        "its updates are lost in rounding; see its learning rate and its schedule",
    ),
    Condition(
        update_too_large, 500, "every update changes the {subject} by more than a tenth of itself",
        "try a lower learning rate",
    ),
    Condition(
        singular_value_grown, 500, "the largest singular value of the {subject} has grown thirtyfold",
        "the run may be about to collapse; try spectral_norm, r1, or weight_decay",
    ),
    Condition(
        ema_lag, 500, "the {subject} is far from its average",
        "samples are of an average of unlike models; try a shorter half_life, or a lower learning rate",
    ),
    Condition(
        low_diversity, 1000, "samples are much more alike than real images",
        "the generator may have collapsed; try a lower learning rate, r1, packed, or diffaugment",
    ),
    Condition(
        classes_missing, 1000, "whole classes are missing among samples",
        "the generator may have dropped modes; try packed, told labels, or a larger batch",
    ),
)  # fmt: skip


def update(history, step, numbers, conditions=CONDITIONS):
    """Which conditions have now lasted long enough to be told of, and which are over.

    Args:
        history: The History; `History()` before the first look.
        step: Rounds played.
        numbers: Dict of float by subject and name.
        conditions: The Conditions.

    Returns:
        The History after this look, and a list of lines for people: one when a condition has lasted, one
        when it has ended after that.
    """
    first = {subject: history.first.get(subject, values) for subject, values in numbers.items()}
    history, said = history._replace(first={**history.first, **first}), []
    for subject, values in numbers.items():
        table = {**values, **{f"first_{name}": value for name, value in first[subject].items()}}
        for condition in conditions:
            if set(reads(condition.holds)) <= set(table):
                history, lines = _ask(history, step, subject, condition, table)
                said += lines
    return history, said


def _ask(history, step, subject, condition, table):
    """The same for one condition of one subject."""
    case, says = (subject, condition.holds.__name__), condition.says.format(subject=subject)
    if not condition.holds(*(table[name] for name in reads(condition.holds))):
        since = {other: begun for other, begun in history.since.items() if other != case}
        over = [f"no longer so: {says}"] if case in history.told else []
        return history._replace(since=since, told=history.told - {case}), over
    begun = history.since.get(case, step)
    history = history._replace(since={**history.since, case: begun})
    if case in history.told or step - begun < condition.lasting:
        return history, []
    read = ", ".join(f"{name.replace('_', ' ')} {table[name]:.3g}" for name in reads(condition.holds))
    line = f"{says}, for {step - begun} steps now ({read}): {condition.advice}"
    return history._replace(told=history.told | {case}), [line]


def report(history, step, numbers, reporter):
    """Judges and reports.

    Args:
        history: The History.
        step: Rounds played.
        numbers: Dict of scalars by subject and name.
        reporter: The Report.

    Returns:
        The History after this look.
    """
    numbers = jax.tree.map(float, jax.device_get(numbers))
    history, said = update(history, step, numbers)
    reporter.alerts(step, numbers, said)
    return history
