"""Conditions on histories made by hand, and what real runs, sick and healthy, are told."""

import jax
import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from gan_jax.sampling import loading
from gan_jax.training import alerts, report, train

# Numbers of a run in which nothing is wrong, and by condition the ones that would be.
HEALTHY = {
    "game": dict(discriminator_accuracy=0.85, logit_gap=2.0, logit_gradient=0.5, diversity=0.9),
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
}
# Extreme, and all right.
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
}


def _with(subject, changes):
    return {**HEALTHY, subject: {**HEALTHY[subject], **changes}}


def _told(looks, every=100):
    """What is said at each look, the first one at step `every`."""
    history, said = alerts.History(), []
    for number, numbers in enumerate(looks, 1):
        history, lines = alerts.update(history, number * every, numbers)
        said.append(lines)
    return said


def _condition(name):
    return next(each for each in alerts.CONDITIONS if each.holds.__name__ == name)


def test_every_condition_is_tested_here():
    assert list(SICK) == list(FINE) == [condition.holds.__name__ for condition in alerts.CONDITIONS]


@pytest.mark.parametrize("name", SICK)
def test_said_once_when_it_has_lasted_and_once_when_it_ends(name):
    subject, changes = SICK[name]
    lasting = _condition(name).lasting // 100
    sick = [_with(subject, changes)] * (lasting + 5)
    said = _told([HEALTHY, *sick, HEALTHY, HEALTHY])
    # It begins with the second look.
    (begins,), (ends,) = said[1 + lasting], said[-2]
    says = _condition(name).says.format(subject=subject)
    assert begins.startswith(f"{says}, for {100 * lasting} steps now (") and "{" not in begins
    assert ends == f"no longer so: {says}"
    assert sum(map(len, said)) == 2


@pytest.mark.parametrize("name", SICK)
def test_not_said_if_it_passes_sooner_or_is_not_as_bad(name):
    subject, changes = SICK[name]
    sick, lasting = _with(subject, changes), _condition(name).lasting // 100
    assert not any(_told([HEALTHY, *[sick] * lasting, HEALTHY, *[sick] * lasting, HEALTHY]))
    for fine in FINE[name]:
        assert not any(_told([HEALTHY, *[_with(subject, fine)] * 30]))


def test_numbers_stand_in_the_line():
    subject, changes = SICK["discriminator_saturated"]
    (line,) = _told([_with(subject, changes)] * 6)[-1]
    assert line.startswith(
        "the discriminator tells all real from fake, for 500 steps now (discriminator accuracy 0.995, logit "
        "gap 23, logit gradient 0.01): the generator may get no useful gradient; try "
    )


def test_one_look_is_never_enough_and_rare_looks_need_two():
    wrong = _with(*SICK["discriminator_saturated"])
    assert [len(lines) for lines in _told([wrong, wrong, wrong], every=10_000)] == [0, 1, 0]


def test_what_a_run_does_not_offer_is_not_asked_and_nothing_is_said_of_what_is_not_a_number():
    assert not any(_told([{"game": {}, "generator": {"update_ratio": 0.01}}] * 20))
    nothing = jax.tree.map(lambda value: np.nan, HEALTHY)
    assert not any(_told([HEALTHY, *[nothing] * 20]))


def test_the_worse_player_is_named():
    numbers = {"generator": {"update_ratio": 1e-3}, "discriminator": {"update_ratio": 0.5}}
    ((line,),) = [lines for lines in _told([numbers] * 10) if lines]
    assert line.startswith(
        "every update changes the discriminator by more than a tenth of itself, for 500 steps"
    )


def _said(workdir):
    return [
        (record["step"], line)
        for record in report.read_metrics(f"{workdir}/alerts.jsonl")
        for line in record["said"]
    ]


@pytest.fixture(scope="module", autouse=True)
def without_curves():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(report, "curves", lambda *args: None)
        yield


def test_a_hopeless_generator_is_told_of(tiny, tmp_path, caplog):
    optimizers = dict(
        discriminator=dict(adam=dict(learning_rate=0.01)), generator=dict(sgd=dict(learning_rate=0.0))
    )
    rare = dict(log_every=20, grid_every=2000, checkpoint_every=2000)
    recipe = tiny(optimizers=optimizers, steps=800, **rare)
    train.run(recipe, str(tmp_path))
    said = _said(tmp_path)
    still = "the parameters of the generator do not move, for 500 steps now (update ratio 0): its updates "
    assert (600, f"{still}are lost in rounding; see its learning rate and its schedule") in said
    assert any(
        line.startswith("the discriminator tells all real from fake, for 500 steps now") for _, line in said
    )
    events = EventAccumulator(str(tmp_path)).Reload()
    for step, line in said:
        assert f"step {step}/800  alert: {line}" in caplog.messages
    assert [e.step for e in events.Scalars("diagnostics/game/logit_gap")] == list(range(100, 900, 100))
    texts = [e.tensor_proto.string_val[0].decode() for e in events.Tensors("diagnostics/0/text_summary")]
    assert set(texts) <= {line for _, line in said} and texts


def test_looking_changes_nothing_and_a_resumed_run_has_every_look_once(tiny, tmp_path):
    train.run(tiny(diagnostics_every=0), str(tmp_path / "blind"))
    for steps in (7, 10):
        train.run(tiny(diagnostics_every=2, steps=steps), str(tmp_path / "looked"))
        # As if more had been looked at before the run was killed.
        with open(tmp_path / "looked" / "alerts.jsonl", "a") as file:
            file.write('{"step": 8, "said": []}\n' * (steps == 7))
    blind, looked = (loading.load(str(tmp_path / name), 10).state for name in ("blind", "looked"))
    jax.tree.map(np.testing.assert_array_equal, blind, looked)
    assert not (tmp_path / "blind" / "alerts.jsonl").exists()
    records = report.read_metrics(tmp_path / "looked" / "alerts.jsonl")
    assert [record["step"] for record in records] == [2, 4, 6, 8, 10]
    assert all(set(record) == {"step", "game", "generator", "discriminator", "said"} for record in records)
