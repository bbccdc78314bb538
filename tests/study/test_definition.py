"""Variants of a study, and mistakes in its definition."""

import dataclasses

import pytest

from gan_jax.errors import UsageError
from gan_jax.study import Study, definition


def _study(tiny, **changes):
    fields = dict(title="t", base=tiny(eval_every=5), variants=dict(plain={}), seeds=2)
    return Study(**{**fields, **changes})


def test_values_replace_everything_at_their_path(tiny):
    base = tiny()
    # One dict for both players, as in many recipes; only one of them is to change.
    assert base.optimizers["generator"] is base.optimizers["discriminator"]
    values = {
        "optimizers.generator.adam.learning_rate": 7.0,
        "losses.discriminator.r1": dict(weight=2.0),
        "losses.generator": dict(hinge_generator=1.0),
        "steps": 3,
    }
    recipe = definition.changed(base, values)
    assert recipe.optimizers["generator"] == dict(adam=dict(learning_rate=7.0, b1=0.5))
    assert recipe.optimizers["discriminator"] == dict(adam=dict(learning_rate=1e-3, b1=0.5))
    assert list(recipe.losses["discriminator"]) == ["non_saturating_discriminator", "r1"]
    assert recipe.losses["generator"] == dict(hinge_generator=1.0) and recipe.steps == 3
    assert base == tiny() and values["losses.discriminator.r1"] is not recipe.losses["discriminator"]["r1"]


def test_a_function_changes_its_own_recipe(tiny):
    def longer(recipe):
        recipe.steps *= 2
        recipe.losses["generator"]["hinge_generator"] = 1.0
        return recipe

    study = _study(tiny, variants=dict(longer=longer))
    recipe = definition.trial(study, "longer", 4)
    assert (recipe.steps, recipe.seed, recipe.max_rollbacks) == (20, 4, 0)
    assert study.base == tiny(eval_every=5)


@pytest.mark.parametrize(
    "changes, message",
    [
        (dict(seeds=0), "seeds=0: expected at least 1"),
        (dict(seeds=True), "seeds=True: expected int"),
        (dict(variants={}), "variants is empty"),
        (dict(measures=()), "measures is empty"),
        (dict(variants={"a/b": {}}), "variants: 'a/b': expected a name of letters"),
        (dict(variants={"..": {}}), r"variants: '\.\.': expected a name of letters"),
        (dict(variants=dict(v=3)), "variant v: 3: expected a dict of dotted paths"),
        (
            dict(variants=dict(v={"nets.critic.width": 1})),
            "variant v: nets: unknown name 'critic'; these exist: discriminator, generator",
        ),
        (dict(variants=dict(v={"stepz": 1})), "variant v: recipe: unknown name 'stepz'; did you mean steps"),
        (dict(variants=dict(v={"steps.many": 1})), "variant v: steps=10 has no parts, so no 'many'"),
        (dict(variants=dict(v={"batch_size": 0})), "variant v: batch_size=0: expected at least 1"),
        (dict(variants=dict(v={"eval_every": 0})), "variant v: eval_every=0: expected at least 1, since"),
        (dict(variants=dict(v={3: 1})), "variant v: 3: expected a dotted path"),
        (
            dict(variants=dict(v=lambda recipe: recipe.optimizers["critic"])),
            "variant v: variants: v: KeyError: 'critic'",
        ),
        (
            dict(variants=dict(v=lambda recipe: None)),
            "variant v: get_config must return a gan_jax.recipe.Recipe",
        ),
    ],
)
def test_mistakes(tiny, changes, message):
    definition.validate(_study(tiny))
    with pytest.raises(UsageError, match=message):
        definition.validate(_study(tiny, **changes))


def test_not_a_study(tiny):
    with pytest.raises(UsageError, match="get_config must return a gan_jax.study.Study, got Recipe"):
        definition.validate(tiny())
    with pytest.raises(UsageError, match="variants: unknown name 'plane'; did you mean plain"):
        definition.variant(_study(tiny), "plane")


def test_differences_are_of_decisive_fields(tiny):
    plain = definition.decides(tiny())
    reporting = definition.decides(tiny(log_every=1, grid_every=3, checkpoint_every=2, diagnostics_every=0))
    assert definition.differences(plain, reporting) == []
    other = definition.decides(dataclasses.replace(tiny(), steps=11, batch_size=4, eval_every=2))
    assert definition.differences(plain, other) == [
        "steps: 10 -> 11",
        "eval_every: 0 -> 2",
        "batch_size: 8 -> 4",
    ]
