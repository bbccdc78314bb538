import functools
import json
import os
import sys
import types

import command_line
import jax
import optax
import pytest

from gan_jax import recipe as recipe_lib
from gan_jax.errors import UsageError
from gan_jax.training import train


def _loss(fake_logits):
    return fake_logits


@pytest.mark.parametrize(
    "change, message",
    [
        (dict(batch_size=0), "batch_size=0: expected at least 1"),
        (dict(batch_size=2.5), "batch_size=2.5: expected int"),
        (dict(batch_size=True), "batch_size=True: expected int"),
        (dict(steps=-1), "steps=-1: expected at least 1"),
        (dict(steps_per_call=0), "steps_per_call=0: expected at least 1"),
        (dict(steps_per_call=6), "steps_per_call=6: expected at most log_every=5, since no call passes such"),
        (dict(steps_per_call=4, eval_every=3), "steps_per_call=4: expected at most eval_every=3"),
        (dict(seed=-1), "seed=-1: expected at least 0"),
        (dict(seed=2**31), "seed=2147483648: expected a whole number of 32 bits, or a decimal point"),
        (dict(data="digits"), "data='digits': expected dict"),
        (dict(data=dict(name=3)), "data.name=3: expected a name or a function"),
        (dict(data=dict(resolution=8)), "data={'resolution': 8}: expected a dict with a 'name'"),
        (dict(data=dict(name="digits", flip=1)), "data.flip=1: expected bool"),
        (dict(data=dict(name="digits", crop=-1)), "data.crop=-1: expected a whole number of pixels"),
        (
            dict(data=dict(name="digits", crop=(8, 0))),
            "data.crop=.*: expected a whole number of pixels, a pair",
        ),
        (dict(data=dict(name="digits", crop=True)), "data.crop=True: expected"),
        (
            dict(data=dict(name="digits", degrade="blur")),
            "data.degrade='blur': expected a dict of degradations",
        ),
        (dict(nets=dict(generator="mlp")), "nets.generator='mlp': expected a dict with a 'name'"),
        (
            dict(data=dict(name="digits", per_class=-1)),
            "data.per_class=-1: expected a whole number, at least 0",
        ),
        (dict(data=dict(name="digits", per_class=2.0)), "data.per_class=2.0: expected a whole number"),
        (dict(data=dict(name="digits", per_class=True)), "data.per_class=True: expected a whole number"),
        (dict(updates={}), "updates is empty"),
        (
            dict(updates=dict(generator=1, discriminator=0)),
            "updates.discriminator=0: expected a whole number",
        ),
        (dict(updates=dict(generator=1)), "losses: unknown name 'discriminator'"),
        (dict(updates=dict(generator=1, discriminator=1, critic=1)), "losses: nothing for 'critic'"),
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
    ],
)
def test_mistakes_name_the_field(tiny, change, message):
    with pytest.raises(UsageError, match=message):
        recipe_lib.validate(tiny(**change))


def test_a_good_recipe_passes(tiny):
    recipe_lib.validate(tiny())


def test_a_player_of_several_networks(tiny):
    layers = dict(name="mlp.Generator", widths=(16,))
    nets = dict(tiny().nets, generator=dict(there=layers, back=layers))
    recipe_lib.validate(tiny(nets=nets))
    nets["generator"] = dict(there=layers, back=dict(widths=(16,)))
    with pytest.raises(UsageError, match="^nets.generator.back={.*}: expected a dict with a 'name'$"):
        recipe_lib.validate(tiny(nets=nets))
    nets["generator"] = dict(there=layers, back=dict(name=3))
    with pytest.raises(UsageError, match="^nets.generator.back.name=3: expected a name or a function$"):
        recipe_lib.validate(tiny(nets=nets))
    nets["generator"] = {}
    with pytest.raises(UsageError, match="^nets.generator={}: expected a dict with a 'name'$"):
        recipe_lib.validate(tiny(nets=nets))


def test_not_a_recipe():
    with pytest.raises(UsageError, match="must return a gan_jax.recipe.Recipe, got dict"):
        recipe_lib.validate({})


def _written(folder, text):
    (folder / "config.py").write_text(text)
    return f"{folder}/config.py"


def test_load_returns_what_a_config_file_returns(tmp_path):
    path = _written(tmp_path, command_line.CONFIG)
    assert recipe_lib.load(path).data == dict(name="digits", resolution=8)
    assert recipe_lib.load(f"{path}:mnist").data["name"] == "mnist"
    assert recipe_lib.load(f"{path}:mnist").batch_size == 8


@pytest.mark.parametrize(
    "text, message",
    [
        ("def get_config(:\n", "config {path}: SyntaxError: .*"),
        ("x = 1\n", "config {path}: KeyError: 'get_config'"),
        ("def get_config(): return 1 / 0\n", "config {path}: ZeroDivisionError: division by zero"),
        ("get_config = dict\n", "get_config must return a gan_jax.recipe.Recipe, got dict"),
        (
            "from gan_jax.errors import UsageError\ndef get_config(): raise UsageError('no such data')\n",
            "no such data",
        ),
    ],
)
def test_load_says_in_one_line_why_a_config_file_gives_no_recipe(tmp_path, text, message):
    path = _written(tmp_path, text)
    with pytest.raises(UsageError, match=f"^{message.format(path=path)}$"):
        recipe_lib.load(path)


def test_a_recipe_of_the_package_is_found_by_its_name_from_anywhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    named = recipe_lib.load(os.path.join(command_line.ROOT, "configs", "dcgan.py:mnist"))
    assert recipe_lib.load("dcgan:mnist") == named
    assert recipe_lib.load("tricks/dropout").nets["discriminator"]["dropout"] == 0.3
    (tmp_path / "dcgan").write_text("raise OSError('a file of this name comes first')")
    with pytest.raises(UsageError, match="a file of this name comes first"):
        recipe_lib.load("dcgan")
    with pytest.raises(
        UsageError, match="^config file 'dcgna' does not exist, nor a recipe .*; did you mean dcgan"
    ):
        recipe_lib.load("dcgna")


def test_load_of_a_config_file_that_does_not_exist(tmp_path):
    with pytest.raises(UsageError, match=f"^config file '{tmp_path}/none.py' does not exist$"):
        recipe_lib.load(f"{tmp_path}/none.py:mnist")


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


@pytest.mark.parametrize(
    "function",
    [lambda fake_logits: fake_logits, functools.partial(_loss), optax.linear_schedule(1.0, 0.0, 3)],
)
def test_functions_that_nobody_could_find_again_are_refused(tiny, function):
    """Two schedules made by one function have one name, and a resumed run must not take one for the other."""
    with pytest.raises(UsageError, match="cannot be imported again later: put it at the top level"):
        recipe_lib.to_dict(tiny(optimizer=dict(sgd=dict(learning_rate=function))))


def test_functions_of_a_config_file_are_refused_before_anything_is_written(tiny, tmp_path, monkeypatch):
    """Its module has a name under which no other process can import it."""
    module = types.ModuleType("config_config")
    exec("def mine(fake_logits):\n    return fake_logits", vars(module))
    recipe = tiny(losses=dict(tiny().losses, generator={module.mine: 1.0}))
    with pytest.raises(UsageError, match="^mine of config_config cannot be imported again"):
        train.run(recipe, str(tmp_path / "unborn"))
    assert not (tmp_path / "unborn").exists()


def test_functions_of_a_script_or_notebook_are_refused(tiny, monkeypatch):
    """Its module is there, but in this process alone."""

    def mine(fake_logits):
        return fake_logits

    mine.__module__, mine.__qualname__ = "__main__", "mine"
    monkeypatch.setattr(sys.modules["__main__"], "mine", mine, raising=False)
    message = (
        "^mine of this script or notebook cannot be imported again later: put it at the top level of a module"
    )
    with pytest.raises(UsageError, match=message):
        recipe_lib.to_dict(tiny(losses=dict(tiny().losses, generator={mine: 1.0})))


def test_stored_recipe_of_another_version(tiny):
    plain = recipe_lib.to_dict(tiny())
    with pytest.raises(UsageError, match="recipe: unknown name 'colour'"):
        recipe_lib.from_dict({**plain, "colour": 1})
    del plain["nets"]
    with pytest.raises(UsageError, match="incomplete recipe: .*nets"):
        recipe_lib.from_dict(plain)


def test_what_a_recipe_leaves_out_is_no_difference(tiny):
    short = recipe_lib.to_dict(tiny(data=dict(name="digits")))
    whole = recipe_lib.to_dict(tiny(data=dict(name="digits", flip=False, per_class=0, crop=0, degrade={})))
    assert recipe_lib.differences(short, whole) == recipe_lib.differences(whole, short) == []
    other = recipe_lib.to_dict(tiny(data=dict(name="digits", per_class=20)))
    assert recipe_lib.differences(short, other) == ["data.per_class: 0 -> 20"]


def test_a_recipe_that_gets_other_data_resumes(tiny):
    """Nothing is filled in where a Recipe is made and left out where its data is replaced."""
    recipe = tiny()
    recipe.data = dict(name="digits")
    stored = recipe_lib.to_dict(recipe)
    assert recipe_lib.differences(recipe_lib.to_dict(recipe_lib.from_dict(stored)), stored) == []


def test_differences(tiny):
    plain = recipe_lib.to_dict(tiny())
    assert recipe_lib.differences(plain, recipe_lib.to_dict(tiny(steps=99, log_every=1))) == []
    other = recipe_lib.to_dict(tiny(batch_size=16, updates=dict(discriminator=2, generator=1)))
    assert recipe_lib.differences(plain, other) == ["updates.discriminator: 1 -> 2", "batch_size: 8 -> 16"]
    swapped = recipe_lib.to_dict(tiny(updates=dict(generator=1, discriminator=1)))
    assert recipe_lib.differences(plain, swapped) == ["updates: another order"]


def test_order_counts_where_a_recipe_is_read_in_order(tiny):
    def recipe_of(ordered):
        wrap = ordered(input_noise=dict(deviation=0.1), input_dropout=dict(rate=0.1))
        terms = dict(
            non_saturating_generator=dict(weight=1.0, wrap=ordered(top_k=dict(k=2), smooth=dict(amount=0.1)))
        )
        recipe = tiny(
            eval_metrics=ordered(modes={}, frechet_distance={}),
            losses=dict(tiny().losses, generator=terms),
            optimizer=ordered(clip=dict(max_delta=1.0), sgd=dict(learning_rate=0.1)),
        )
        recipe.nets["generator"]["wrap"] = wrap
        recipe.game["augment"] = ordered(diffaugment={}, instance_noise=dict(start=0.1, end=0.0, steps=9))
        return recipe_lib.to_dict(recipe)

    plain, turned = recipe_of(dict), recipe_of(lambda **options: dict(reversed(options.items())))
    assert recipe_lib.differences(plain, recipe_of(dict)) == []
    assert sorted(recipe_lib.differences(plain, turned)) == [
        f"{path}: another order"
        for path in (
            "eval_metrics", "game.augment", "losses.generator.non_saturating_generator.wrap",
            "nets.generator.wrap", "optimizers.discriminator", "optimizers.generator",
        )
    ]  # fmt: skip
    # The order of hyperparameters does not count.
    one, other = (
        tiny(optimizer=dict(adam=given))
        for given in (dict(b1=0.5, b2=0.9, learning_rate=1.0), dict(b2=0.9, learning_rate=1.0, b1=0.5))
    )
    assert recipe_lib.differences(recipe_lib.to_dict(one), recipe_lib.to_dict(other)) == []


def test_samples_and_batches_of_a_step(tiny):
    recipe = tiny(updates=dict(discriminator=5, generator=2), batch_size=8)
    assert (recipe.batches_per_step, recipe.samples_per_step) == (5, 40)


def test_functions_of_libraries_are_written_by_their_public_names(tiny):
    recipe = tiny()
    recipe.nets["generator"]["activation"] = jax.nn.relu
    recipe.optimizers["generator"] = {optax.adam: dict(learning_rate=1e-3)}
    plain = recipe_lib.to_dict(recipe)
    assert plain["nets"]["generator"]["activation"] == "jax.nn.relu"
    assert list(plain["optimizers"]["generator"]) == ["optax.adam"]
