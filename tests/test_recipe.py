import json

import pytest

from gan_jax import recipe as recipe_lib
from gan_jax.errors import UsageError


def _loss(fake_logits):
    return fake_logits


@pytest.mark.parametrize(
    "change, message",
    [
        (dict(batch_size=0), "batch_size=0: expected at least 1"),
        (dict(batch_size=2.5), "batch_size=2.5: expected int"),
        (dict(batch_size=True), "batch_size=True: expected int"),
        (dict(steps=-1), "steps=-1: expected at least 1"),
        (dict(seed=-1), "seed=-1: expected at least 0"),
        (dict(seed=2**31), "seed=2147483648: expected a whole number of 32 bits, or a decimal point"),
        (dict(data="digits"), "data='digits': expected dict"),
        (dict(data=dict(name=3)), "data.name=3: expected a name or a function"),
        (dict(data=dict(resolution=8)), "data={'resolution': 8}: expected a dict with a 'name'"),
        (dict(data=dict(name="digits", flip=1)), "data.flip=1: expected bool"),
        (dict(nets=dict(generator="mlp")), "nets.generator='mlp': expected a dict with a 'name'"),
        (
            dict(data=dict(name="digits", per_class=-1)),
            "data.per_class=-1: expected a whole number, at least 0",
        ),
        (dict(data=dict(name="digits", per_class=2.0)), "data.per_class=2.0: expected a whole number"),
        (dict(data=dict(name="digits", per_class=True)), "data.per_class=True: expected a whole number"),
        (dict(turns={}), "turns is empty"),
        (dict(turns=dict(generator=1, discriminator=0)), "turns.discriminator=0: expected a whole number"),
        (dict(turns=dict(generator=1)), "losses: unknown name 'discriminator'"),
        (dict(turns=dict(generator=1, discriminator=1, critic=1)), "losses: nothing for 'critic'"),
        (dict(average=dict(genrator={})), "average: unknown name 'genrator'; did you mean generator"),
        (dict(average=dict(generator=dict(half_life=float("inf")))), "average.generator.half_life=inf"),
        (
            dict(optimizers=dict(discriminator=[1], generator={})),
            r"optimizers.discriminator=\[1\]: expected a dict",
        ),
        (
            dict(optimizer=dict(adam=dict(learning_rate=-0.1))),
            "optimizers.discriminator.adam.learning_rate=-0.1: expected at least 0",
        ),
        (
            dict(losses=dict(discriminator=dict(a=dict(weight=1.0, every=0)), generator=dict(b=1.0))),
            "losses.discriminator.a.every=0: expected a whole number of steps",
        ),
    ],
)
def test_mistakes_name_the_field(tiny, change, message):
    with pytest.raises(UsageError, match=message):
        recipe_lib.validate(tiny(**change))


def test_a_good_recipe_passes(tiny):
    recipe_lib.validate(tiny())


def test_not_a_recipe():
    with pytest.raises(UsageError, match="must return a gan_jax.recipe.Recipe, got dict"):
        recipe_lib.validate({})


def test_json_round_trip_keeps_order_and_names_functions(tiny):
    chain = dict(
        clip=dict(max_delta=1.0), adam=dict(learning_rate=1e-3), add_noise=dict(eta=0.1, gamma=0.5, seed=1)
    )
    recipe = tiny(optimizer=chain, losses=dict(discriminator={"r1": 1.0}, generator={_loss: 1.0}))
    plain = json.loads(json.dumps(recipe_lib.to_dict(recipe)))
    back = recipe_lib.from_dict(plain)
    assert list(back.optimizers["generator"]) == ["clip", "adam", "add_noise"]
    assert list(back.losses["generator"]) == [f"{__name__}._loss"]
    assert recipe_lib.to_dict(back) == plain


def test_what_json_cannot_hold(tiny):
    with pytest.raises(UsageError, match="a recipe holds numbers, strings"):
        recipe_lib.to_dict(tiny(data=dict(name="digits", resolution=object())))


def test_stored_recipe_of_another_version(tiny):
    plain = recipe_lib.to_dict(tiny())
    with pytest.raises(UsageError, match="recipe: unknown name 'colour'"):
        recipe_lib.from_dict({**plain, "colour": 1})
    del plain["nets"]
    with pytest.raises(UsageError, match="incomplete recipe: .*nets"):
        recipe_lib.from_dict(plain)


def test_every_recipe_has_per_class_so_that_a_flag_can_change_it(tiny):
    given = dict(name="digits")
    recipe = tiny(data=given)
    assert recipe.data == {"name": "digits", "per_class": 0} and given == {"name": "digits"}
    assert tiny(data=dict(name="digits", per_class=20)).data["per_class"] == 20
    # A run older than the field goes on.
    older = recipe_lib.to_dict(recipe)
    del older["data"]["per_class"]
    again = recipe_lib.to_dict(recipe_lib.from_dict(older))
    assert recipe_lib.differences(again, recipe_lib.to_dict(recipe)) == []


def test_differences(tiny):
    plain = recipe_lib.to_dict(tiny())
    assert recipe_lib.differences(plain, recipe_lib.to_dict(tiny(steps=99, log_every=1))) == []
    other = recipe_lib.to_dict(tiny(batch_size=16, turns=dict(discriminator=2, generator=1)))
    assert recipe_lib.differences(plain, other) == ["turns.discriminator: 1 -> 2", "batch_size: 8 -> 16"]
    swapped = recipe_lib.to_dict(tiny(turns=dict(generator=1, discriminator=1)))
    assert recipe_lib.differences(plain, swapped) == ["turns: another order"]
