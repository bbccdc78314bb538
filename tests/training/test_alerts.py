"""Conditions on histories made by hand, and the alerts of real runs, sick and healthy."""

import jax
import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from gan_jax.sampling import loading
from gan_jax.training import alerts, report, train

pytestmark = pytest.mark.usefixtures("without_curves")

# Numbers of a healthy run, and for each condition numbers for which it holds.
HEALTHY = {
    "game": dict(
        discriminator_accuracy=0.85,
        logit_gap=2.0,
        logit_gradient=0.5,
        diversity=0.9,
        change=0.6,
        luma_correlation=0.5,
        target_luma_correlation=0.1,
        colour_shift=0.05,
        chance_shift=0.04,
        known_error=0.0,
        cycle_error=0.05,
        cycle_error_after_rounding=0.07,
        rounding_change=0.012,
    ),
    "generator": dict(
        gradient_norm=3.0, update_ratio=1e-3, largest_singular_value=4.0, average_distance=0.02
    ),
    "samples": dict(classes=10.0, real_classes=10.0),
}
SICK = {
    "discriminator_saturated": (
        "game",
        dict(discriminator_accuracy=0.995, logit_gap=23.0, logit_gradient=0.01),
    ),
    "discriminator_at_chance": ("game", dict(discriminator_accuracy=0.41, logit_gap=0.0)),
    "vanishing_gradient": ("generator", dict(gradient_norm=2.9e-3)),
    "gradient_enormous": ("generator", dict(gradient_norm=3.1e3)),
    "frozen_parameters": ("generator", dict(update_ratio=5e-8)),
    "update_too_large": ("generator", dict(update_ratio=0.11)),
    "singular_value_grown": ("generator", dict(largest_singular_value=121.0)),
    "ema_lag": ("generator", dict(average_distance=0.51)),
    "low_diversity": ("game", dict(diversity=0.29)),
    "classes_missing": ("samples", dict(classes=9.0)),
    "colours_inverted": ("game", dict(luma_correlation=-0.31)),
    "colours_shifted": ("game", dict(colour_shift=0.21)),
    "source_copied": ("game", dict(change=0.019)),
    "known_pixels_judged": ("game", dict(known_error=0.011, discriminator_accuracy=0.99)),
    "cycle_hides_data": ("game", dict(cycle_error_after_rounding=0.11)),
}
# Extreme numbers for which the condition does not hold.
FINE = {
    "discriminator_saturated": [
        dict(discriminator_accuracy=1.0, logit_gap=23.0, logit_gradient=2.0),  # a Wasserstein critic
        dict(discriminator_accuracy=0.98, logit_gradient=0.01),
    ],
    "discriminator_at_chance": [dict(discriminator_accuracy=0.39), dict(discriminator_accuracy=0.61)],
    "vanishing_gradient": [dict(gradient_norm=3.1e-3)],
    "gradient_enormous": [dict(gradient_norm=2.9e3)],
    "frozen_parameters": [dict(update_ratio=7e-8)],
    "update_too_large": [dict(update_ratio=0.09)],
    "singular_value_grown": [dict(largest_singular_value=119.0)],
    "ema_lag": [dict(average_distance=0.49)],
    "low_diversity": [dict(diversity=0.31), dict(diversity=1.5)],
    "classes_missing": [dict(classes=11.0), dict(classes=960.0, real_classes=1000.0)],
    "colours_inverted": [
        dict(luma_correlation=-0.29),
        dict(luma_correlation=-0.9, target_luma_correlation=-0.7),  # to the negative, as in the data
    ],
    "colours_shifted": [dict(colour_shift=0.19), dict(colour_shift=0.5, chance_shift=0.13)],
    "source_copied": [dict(change=0.021)],
    "known_pixels_judged": [
        dict(known_error=0.009, discriminator_accuracy=0.99),
        dict(known_error=0.5, discriminator_accuracy=0.98),
    ],
    "cycle_hides_data": [
        dict(cycle_error_after_rounding=0.097),  # less than four times the noise
        dict(cycle_error=0.2, cycle_error_after_rounding=0.39),  # less than twice the error
    ],
}


def _with(subject, changes):
    return {**HEALTHY, subject: {**HEALTHY[subject], **changes}}


def _lines(checks, every=100):
    """The lines of each check, the first one at step `every`."""
    history, lines = alerts.History(), []
    for number, numbers in enumerate(checks, 1):
        history, new = alerts.update(history, number * every, numbers)
        lines.append(new)
    return lines


def _condition(name):
    return next(each for each in alerts.CONDITIONS if each.holds.__name__ == name)


def test_every_condition_is_tested_here():
    assert list(SICK) == list(FINE) == [condition.holds.__name__ for condition in alerts.CONDITIONS]


@pytest.mark.parametrize("name", SICK)
def test_reported_once_when_it_has_lasted_and_once_when_it_ends(name):
    subject, changes = SICK[name]
    lasting = _condition(name).lasting // 100
    sick = [_with(subject, changes)] * (lasting + 5)
    lines = _lines([HEALTHY, *sick, HEALTHY, HEALTHY])
    # It begins with the second check.
    (begins,), (ends,) = lines[1 + lasting], lines[-2]
    message = _condition(name).message.format(subject=subject)
    assert begins.startswith(f"{message}, for {100 * lasting} steps now (") and "{" not in begins
    assert ends == f"resolved: {message}"
    assert sum(map(len, lines)) == 2


@pytest.mark.parametrize("name", SICK)
def test_not_reported_if_it_ends_sooner_or_is_not_as_bad(name):
    subject, changes = SICK[name]
    sick, lasting = _with(subject, changes), _condition(name).lasting // 100
    assert not any(_lines([HEALTHY, *[sick] * lasting, HEALTHY, *[sick] * lasting, HEALTHY]))
    for fine in FINE[name]:
        assert not any(_lines([HEALTHY, *[_with(subject, fine)] * 30]))


def test_numbers_stand_in_the_line():
    subject, changes = SICK["discriminator_saturated"]
    (line,) = _lines([_with(subject, changes)] * 6)[-1]
    assert line.startswith(
        "the discriminator separates all real and fake samples, for 500 steps now (discriminator accuracy "
        "0.995, logit gap 23, logit gradient 0.01): the generator may get no useful gradient; try "
    )


def test_one_check_is_never_enough_and_rare_checks_need_two():
    wrong = _with(*SICK["discriminator_saturated"])
    assert [len(lines) for lines in _lines([wrong, wrong, wrong], every=10_000)] == [0, 1, 0]


def test_conditions_without_their_numbers_are_skipped_and_nan_is_not_reported():
    assert not any(_lines([{"game": {}, "generator": {"update_ratio": 0.01}}] * 20))
    nothing = jax.tree.map(lambda value: np.nan, HEALTHY)
    assert not any(_lines([HEALTHY, *[nothing] * 20]))


def test_the_worse_player_is_named():
    numbers = {"generator": {"update_ratio": 1e-3}, "discriminator": {"update_ratio": 0.5}}
    ((line,),) = [lines for lines in _lines([numbers] * 10) if lines]
    assert line.startswith(
        "every update changes the discriminator by more than a tenth of its norm, for 500 steps"
    )


def _reported(workdir):
    return [
        (record["step"], line)
        for record in report.read_metrics(f"{workdir}/alerts.jsonl")
        for line in record["lines"]
    ]


def test_a_hopeless_generator_is_reported(tiny, tmp_path, caplog):
    optimizers = dict(
        discriminator=dict(adam=dict(learning_rate=0.01)), generator=dict(sgd=dict(learning_rate=0.0))
    )
    rare = dict(log_every=20, grid_every=2000, checkpoint_every=2000)
    recipe = tiny(optimizers=optimizers, steps=800, **rare)
    train.run(recipe, str(tmp_path))
    reported = _reported(tmp_path)
    frozen = "the parameters of the generator do not change, for 500 steps now (update ratio 0): its updates "
    assert (600, f"{frozen}are lost in rounding; check its learning rate and its schedule") in reported
    saturated = "the discriminator separates all real and fake samples, for 500 steps now"
    assert any(line.startswith(saturated) for _, line in reported)
    events = EventAccumulator(str(tmp_path)).Reload()
    for step, line in reported:
        assert f"step {step}/800  alert: {line}" in caplog.messages
    assert [e.step for e in events.Scalars("diagnostics/game/logit_gap")] == list(range(100, 900, 100))
    texts = [e.tensor_proto.string_val[0].decode() for e in events.Tensors("diagnostics/0/text_summary")]
    assert set(texts) <= {line for _, line in reported} and texts


def test_diagnostics_change_nothing_and_a_resumed_run_has_every_check_once(tiny, tmp_path):
    train.run(tiny(diagnostics_every=0), str(tmp_path / "without"))
    for steps in (7, 10):
        train.run(tiny(diagnostics_every=2, steps=steps), str(tmp_path / "with"))
        # A later check, as if the run had been killed after it.
        with open(tmp_path / "with" / "alerts.jsonl", "a") as file:
            file.write('{"step": 8, "lines": []}\n' * (steps == 7))
    without, checked = (loading.load(str(tmp_path / name), 10).state for name in ("without", "with"))
    jax.tree.map(np.testing.assert_array_equal, without, checked)
    assert not (tmp_path / "without" / "alerts.jsonl").exists()
    records = report.read_metrics(tmp_path / "with" / "alerts.jsonl")
    assert [record["step"] for record in records] == [2, 4, 6, 8, 10]
    assert all(set(record) == {"step", "game", "generator", "discriminator", "lines"} for record in records)
