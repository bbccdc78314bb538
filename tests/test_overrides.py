"""Changes of recipes by dotted paths."""

import pytest

from gan_jax import overrides
from gan_jax.errors import UsageError


def _tree(tiny):
    return overrides.fields(tiny())


def test_a_part_that_is_not_there_is_added_last(tiny):
    tree = _tree(tiny)
    overrides.assign(tree, "losses.discriminator.r1", 1.0)
    overrides.assign(tree, "optimizers.generator.adam.b2", 0.9)
    overrides.assign(tree, "game.augment.diffaugment.policy", ("cutout",))
    assert list(tree["losses"]["discriminator"].items())[-1] == ("r1", 1.0)
    assert tree["optimizers"]["generator"]["adam"]["b2"] == 0.9
    assert "b2" not in tree["optimizers"]["discriminator"]["adam"]  # tiny() has one dict for both players.
    assert tree["game"]["augment"] == dict(diffaugment=dict(policy=("cutout",)))


def test_a_weight_becomes_a_dict_when_something_else_of_its_loss_is_set(tiny):
    tree = _tree(tiny)
    overrides.assign(tree, "losses.discriminator.r1", 2.0)
    overrides.assign(tree, "losses.discriminator.r1.every", 16)
    assert tree["losses"]["discriminator"]["r1"] == dict(weight=2.0, every=16)


def test_none_removes_and_a_dict_replaces(tiny):
    tree = _tree(tiny)
    overrides.assign(tree, "losses.discriminator.non_saturating_discriminator", None)
    overrides.assign(tree, "losses.generator", dict(hinge_generator=1.0))
    assert tree["losses"] == dict(discriminator={}, generator=dict(hinge_generator=1.0))


def test_names_with_dots_and_functions_are_found_where_they_are():
    def mine():
        pass

    tree = dict(losses=dict(generator={"a.b.loss": 1.0, mine: 2.0}))
    overrides.assign(tree, "losses.generator.a.b.loss.margin", 3.0)
    overrides.assign(tree, "losses.generator.mine", 4.0)
    assert tree["losses"]["generator"] == {"a.b.loss": dict(weight=1.0, margin=3.0), mine: 4.0}
    assert overrides.at(tree, "losses.generator.a.b.loss.margin") == 3.0
    assert overrides.at(tree, "losses.generator.a.c") is None


@pytest.mark.parametrize(
    "path, value, message",
    [
        ("stepz", 3, "recipe: unknown name 'stepz'; did you mean steps"),
        ("stepz.a", 3, "recipe: unknown name 'stepz'"),
        ("nets.critic.width", 3, "nets: unknown name 'critic'; these exist: discriminator, generator"),
        ("steps.many", 3, "steps=10 has no parts, so no 'many'"),
        ("losses.generator.r1", None, "losses.generator: unknown name 'r1'; these exist: non_saturating_gen"),
        ("colour", None, "recipe: unknown name 'colour'"),
    ],
)
def test_mistakes(tiny, path, value, message):
    with pytest.raises(UsageError, match=f"^{message}"):
        overrides.assign(_tree(tiny), path, value)


def test_nested_changes_are_the_same_as_paths(tiny):
    by_path = overrides.changed(tiny(), {"data.resolution": 16, "losses.discriminator.r1": 1.0})
    nested = overrides.merged(tiny(), dict(data=dict(resolution=16), losses=dict(discriminator=dict(r1=1.0))))
    assert by_path == nested and nested.data["resolution"] == 16
    with pytest.raises(UsageError, match="^losses.generator: unknown name 'r1'"):
        overrides.merged(tiny(), dict(losses=dict(generator=dict(r1=None))))


def test_lengths_that_do_not_follow_the_number_of_steps_are_named(tiny):
    rate = dict(cosine_decay_schedule=dict(init_value=1.0, decay_steps=10))
    recipe = tiny(optimizer=dict(sgd=dict(learning_rate=rate)))
    said = overrides.stale(recipe, overrides.changed(recipe, dict(steps=20)))
    paths = [f"optimizers.{p}.sgd.learning_rate.cosine_decay_schedule.decay_steps=10" for p in recipe.updates]
    assert said.startswith("steps=20 instead of 10, but these are as before: ")
    assert sorted(said.partition("before: ")[2].split(", ")) == sorted(paths)
    assert overrides.stale(recipe, recipe) == ""
    longer = {path.partition("=")[0]: 20 for path in paths}
    assert overrides.stale(recipe, overrides.changed(recipe, dict(longer, steps=20))) == ""
    # The length of the run alone is no other length.
    late = dict(linear_schedule=dict(init_value=1.0, end_value=0.0, transition_steps=5, transition_begin=5))
    falling = tiny(optimizer=dict(sgd=dict(learning_rate=late)))
    said = overrides.stale(falling, overrides.changed(falling, dict(steps=20)))
    assert said.count("transition_begin=5") == 2 and said.count("transition_steps=5") == 2
    assert overrides.stale(tiny(), overrides.changed(tiny(), dict(steps=20))) == ""
