import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import sources

from gan_jax import build, names, overrides
from gan_jax import recipe as recipe_lib
from gan_jax import terms as terms_lib
from gan_jax.errors import UsageError
from gan_jax.training import setup
from gan_jax.types import Augment, Net

MODALITY = sources.modality(classes=10)


def _my_loss(fake_logits, *, power=2.0):
    return fake_logits**power


def test_terms_take_weights_hyperparameters_schedules_and_functions(tiny):
    weight = dict(linear_schedule=dict(init_value=0.0, end_value=4.0, transition_steps=4))
    losses = dict(
        discriminator=dict(
            non_saturating_discriminator=dict(real_label=0.9),
            gradient_penalty=dict(weight=weight, every=2, target=0.0),
        ),
        generator={_my_loss: dict(weight=3.0, power=4.0)},
    )
    train_spec = build.train_spec(tiny(losses=losses), MODALITY)
    assert train_spec.terms["discriminator"]["non_saturating_discriminator"].fn.__wrapped__.keywords == {
        "real_label": 0.9
    }
    penalty = train_spec.terms["discriminator"]["gradient_penalty"]
    assert (
        penalty.weight(2) == 2.0 and penalty.every == 2 and penalty.fn.__wrapped__.keywords == {"target": 0.0}
    )
    mine = train_spec.terms["generator"]["_my_loss"]
    assert mine.weight == 3.0 and mine.fn(2.0) == 16.0


def test_a_term_reads_other_outputs_by_name(tiny):
    reads = dict(fake_logits="past_logits")
    losses = dict(least_squares_discriminator=dict(weight=2.0, real_label=0.5, reads=reads))
    terms = build.train_spec(tiny(losses=dict(tiny().losses, discriminator=losses)), MODALITY).terms
    term = terms["discriminator"]["least_squares_discriminator"]
    assert (terms_lib.reads(term.fn), term.weight) == (("real_logits", "past_logits"), 2.0)
    np.testing.assert_allclose(term.fn(jnp.array([1.5]), jnp.array([3.0])), [0.5 + 4.5])
    for wrong, message in (
        ("past_logits", "reads='past_logits': expected names of the game's outputs by name of a parameter"),
        (dict(fake="past_logits"), "reads: unknown name 'fake'; did you mean fake_logits"),
    ):
        losses["least_squares_discriminator"]["reads"] = wrong
        with pytest.raises(UsageError, match=f"losses.discriminator.least_squares_discriminator.{message}"):
            build.train_spec(tiny(losses=dict(tiny().losses, discriminator=losses)), MODALITY)


def test_optimizers_chain_in_the_order_written(tiny):
    params = {"w": np.float32([1.0])}
    gradient = {"w": np.float32([10.0])}

    def update(chain):
        optimizer = build.train_spec(tiny(optimizer=chain), MODALITY).optimizers["generator"]
        return optimizer.update(gradient, optimizer.init(params), params)[0]["w"]

    clip, sgd = dict(clip=dict(max_delta=1.0)), dict(sgd=dict(learning_rate=0.5))
    np.testing.assert_allclose(update({**clip, **sgd}), [-0.5])
    np.testing.assert_allclose(update({**sgd, **clip}), [-1.0])


@pytest.mark.parametrize(
    "rate, expected",
    [
        (dict(linear_schedule=dict(init_value=1.0, end_value=0.0, transition_steps=2)), [1.0, 0.5, 0.0]),
        (
            dict(piecewise_constant_schedule=dict(init_value=1.0, boundaries_and_scales={2: 0.1})),
            [1.0, 1.0, 0.1],
        ),
    ],
)
def test_learning_rate_schedule_counts_the_players_moves(tiny, rate, expected):
    recipe = recipe_lib.from_dict(recipe_lib.to_dict(tiny(optimizer=dict(sgd=dict(learning_rate=rate)))))
    optimizer = build.train_spec(recipe, MODALITY).optimizers["generator"]
    state = optimizer.init({"w": np.float32(0)})
    rates = []
    for _ in range(3):
        updates, state = optimizer.update({"w": np.float32(1)}, state)
        rates.append(-float(updates["w"]))
    np.testing.assert_allclose(rates, expected, rtol=1e-6)


def test_a_data_set_gives_as_many_images_of_each_class_as_a_recipe_says(tiny):
    sizes = [build.source(tiny(data=dict(name="digits", resolution=8, per_class=n))).size for n in (0, 1, 7)]
    assert sizes == [1297, 10, 70]
    nameless = tiny(data=dict(name=_unlabelled, per_class=2))
    with pytest.raises(UsageError, match="2 images of each class of arrays: the data has no labels"):
        build.source(nameless)
    assert build.source(tiny(data=dict(name=_unlabelled))).size == 6


def _unlabelled():
    return sources.noise(6)


def test_networks_get_the_facts_they_ask_for_unless_told_otherwise(tiny):
    params, _ = jax.eval_shape(
        build.train_spec(tiny(), MODALITY).game.init, jax.random.key(0), build.blank(MODALITY, 2)
    )
    assert params["generator"]["Dense_1"]["kernel"].shape == (16, 64)
    nets = tiny().nets
    nets["generator"] = dict(name="mlp.Generator", widths=(16,), channels=3)
    params, _ = jax.eval_shape(
        build.train_spec(tiny(nets=nets), MODALITY).game.init, jax.random.key(0), build.blank(MODALITY, 2)
    )
    assert params["generator"]["Dense_1"]["kernel"].shape == (16, 3 * 64)


def _own_net(*, scale=1.0):
    return Net(
        lambda key, x: ({}, ()),
        lambda params, carry, x, *, key, train: ({"logits": scale * x.sum((1, 2, 3))}, ()),
    )


def test_a_function_that_returns_a_net_is_a_network(tiny):
    nets = {**tiny().nets, "discriminator": dict(name=_own_net, scale=2.0)}
    game = build.train_spec(tiny(nets=nets), MODALITY).game
    params, _ = game.init(jax.random.key(0), build.blank(MODALITY, 2))
    assert params["discriminator"] == {}


def _logits_alone():
    return Net(lambda key, x: ({}, ()), lambda params, carry, x, *, key, train: (x.sum((1, 2, 3)), ()))


def test_networks_that_do_not_say_what_the_game_reads_and_players_without_one(tiny):
    silent = tiny(nets={**tiny().nets, "discriminator": dict(name=_logits_alone)})
    with pytest.raises(
        UsageError, match="nets.discriminator: expected a dict of heads with 'logits' among them"
    ):
        setup.check(silent, build.train_spec(silent, MODALITY), MODALITY)
    crowd = tiny(updates=dict(tiny().updates, critic=1))
    crowd.losses["critic"], crowd.optimizers["critic"] = (
        crowd.losses["generator"],
        crowd.optimizers["generator"],
    )
    with pytest.raises(UsageError, match="players of this game: unknown name 'critic'"):
        setup.check(crowd, build.train_spec(crowd, MODALITY), MODALITY)


def test_data_source(tiny):
    assert build.source(tiny()).modality.facts["resolution"] == (8, 8)
    with pytest.raises(UsageError, match="data: unknown name 'resolutin'; did you mean resolution"):
        build.source(tiny(data=dict(name="digits", resolutin=8)))


def _game(**changes):
    return dict(game=dict(dict(name="gan", latents=dict(name="normal", size=4)), **changes))


def _losses(**discriminator):
    return dict(losses=dict(discriminator=discriminator, generator=dict(non_saturating_generator=1.0)))


@pytest.mark.parametrize(
    "change, message",
    [
        (_game(name="gam"), "game.name: unknown name 'gam'; did you mean gan"),
        (_game(latents=None), "game.latents is missing: gan draws latents, as in dict"),
        (_game(latents="normal"), "game.latents='normal': expected a dict with a 'name'"),
        (_game(latents=dict(name="normal", sise=4)), "game.latents: unknown name 'sise'; did you mean size"),
        (_game(condition_in=()), "game: unknown name 'condition_in'; did you mean condition_on"),
        (_game(augment=dict(instance_nois={})), "game.augment: unknown name .* did you mean instance_noise"),
        (
            dict(optimizer=dict(adm=dict(learning_rate=1.0))),
            "optimizers.discriminator: .*; did you mean adam",
        ),
        (dict(optimizer=dict(adam={})), "optimizers.discriminator.adam needs learning_rate"),
        (dict(optimizer=dict(adam=dict(learning_rate="big"))), "discriminator.adam.learning_rate='big'"),
        (dict(average=dict(generator={})), "average.generator needs half_life"),
        (_losses(r1=dict(gamma=1.0)), "losses.discriminator.r1: unknown name 'gamma'"),
        (_losses(r1="much"), "losses.discriminator.r1.weight='much': expected a number"),
        *(
            (
                _losses(r1=dict(every=every)),
                f"losses.discriminator.r1.every={every!r}: expected a whole number of",
            )
            for every in (0, 1.5, "16", None, True)
        ),
        (
            dict(optimizer=dict(cosine_decay_schedule=dict(init_value=1.0, decay_steps=3))),
            "optimizers.discriminator.cosine_decay_schedule: expected a function that returns GradientTransf",
        ),
        (dict(optimizer=dict(adam=dict(learning_rate={"10": 0.1}))), "learning_rate: unknown name '10'"),
    ],
)
def test_mistakes(tiny, change, message):
    with pytest.raises(UsageError, match=message):
        build.train_spec(tiny(**change), MODALITY)


def test_optax_names_come_after_ours(tiny):
    chain = dict(rmsprop=dict(learning_rate=1e-3), clip_weights=dict(max_value=0.5))
    optimizer = build.train_spec(tiny(optimizer=chain), MODALITY).optimizers["generator"]
    params = {"w": np.float32([3.0])}
    updates, _ = optimizer.update({"w": np.float32([1.0])}, optimizer.init(params), params)
    # The bound is kept from inside, within rounding.
    np.testing.assert_allclose(optax.apply_updates(params, updates)["w"], [0.5], rtol=1e-6)


def test_wrappers_of_networks_and_losses_apply_in_the_order_written(tiny):
    nets = tiny().nets
    nets["discriminator"] = {**nets["discriminator"], "wrap": dict(spectral_norm={}, packed=dict(samples=2))}
    losses = dict(
        discriminator=dict(non_saturating_discriminator=dict(wrap=dict(smooth=dict(amount=0.5)))),
        generator=dict(non_saturating_generator=dict(weight=2.0, wrap=dict(top_k=dict(k=2)))),
    )
    train_spec = build.train_spec(tiny(nets=nets, losses=losses), MODALITY)
    params, carry = train_spec.game.init(jax.random.key(0), build.blank(MODALITY, 4))
    # Packed outside: the spectral norm inside saw kernels of two images side by side.
    assert params["discriminator"]["Dense_0"]["kernel"].shape == (2 * 64, 16)
    assert set(carry["discriminator"]["net"]) == {"spectral_norm", "net"}
    term = train_spec.terms["generator"]["non_saturating_generator"]
    np.testing.assert_allclose(
        term.fn(np.float32([0.0, 3.0, 1.0])), np.log1p(np.exp([-3.0, -1.0])), rtol=1e-6
    )
    smoothed = train_spec.terms["discriminator"]["non_saturating_discriminator"].fn(
        np.float32([4.0]), np.float32([-4.0])
    )
    np.testing.assert_allclose(smoothed, np.log1p(np.exp(-4.0)) + np.log1p(np.exp(4.0)), rtol=1e-6)


def test_moves_are_named_by_player(tiny):
    unrolled = dict(name="unrolled", learning_rate=0.1, steps=2)
    train_spec = build.train_spec(
        tiny(moves=dict(generator=unrolled, discriminator=dict(name="extragradient"))), MODALITY
    )
    assert set(train_spec.moves) == {"generator", "discriminator"}
    unrolled["follower"] = "critic"
    train_spec = build.train_spec(tiny(moves=dict(generator=unrolled)), MODALITY)
    with pytest.raises(UsageError, match="moves.generator.follower: unknown name 'critic'"):
        setup.check(tiny(), train_spec, MODALITY)
    recipe = tiny(moves=dict(generator=dict(name="unrolled", steps=2)))
    with pytest.raises(UsageError, match="moves.generator needs learning_rate"):
        build.train_spec(recipe, MODALITY)


def test_a_pattern_is_no_name_of_a_function(tiny):
    chain = dict(sgd=dict(learning_rate=1.0), freeze=dict(pattern="Dense_0"))
    optimizer = build.train_spec(tiny(optimizer=chain), MODALITY).optimizers["generator"]
    params = {"Dense_0": np.float32([1.0]), "Dense_1": np.float32([1.0])}
    updates, _ = optimizer.update(params, optimizer.init(params), params)
    assert updates["Dense_0"] == 0.0 and updates["Dense_1"] == -1.0


class _NoHeads(nn.Module):
    """A discriminator that returns its logits alone."""

    @nn.compact
    def __call__(self, samples, train=False):
        return nn.Dense(1)(samples.reshape(len(samples), -1))[:, 0]


def _raises(*args, **options):
    raise ValueError("not finished")


def _none(*args, **options):
    return None


def _no_game(nets, latents, augment):
    return None


def _loss_of_two(fake_logits):
    return fake_logits, fake_logits


def _loss_raises(fake_logits):
    raise ValueError("not finished")


def _latents_of_one(key, count):
    return np.zeros((1, 4), np.float32)


def _schedule_of_text():
    return lambda step: "x"


def _halved():
    return Augment(lambda: (), lambda carry, key, samples, step: samples[:, :4], lambda carry, logits: carry)


def _updates_lost():
    return optax.GradientTransformation(lambda params: (), lambda updates, state, params=None: (None, state))


SEAMS = [
    (
        {"nets.discriminator": dict(name=_none)},
        "name=_none: expected a function that returns Net or Module, got None",
    ),
    (
        {"nets.discriminator": dict(name=_raises)},
        r"name=_raises: ValueError: not finished \(.*test_build.py:\d+\)",
    ),
    (
        {"nets.discriminator": dict(name=_NoHeads)},
        r"nets.discriminator: expected a dict of heads with 'logits' among them, got an array float32\[8\]",
    ),
    (
        {"nets.discriminator.wrap": {_none: {}}},
        "nets.discriminator.wrap._none: expected a function that returns Net",
    ),
    (
        {"nets.generator": dict(name="mlp.Discriminator", widths=(4,))},
        "game.name=gan: expected an array of samples, real numbers, from the generator, got a dict of logits",
    ),
    ({"game.name": _no_game}, "game.name=_no_game: expected a function that returns Game, got None"),
    (
        {"game.latents": dict(name=_latents_of_one)},
        r"game.latents.name=_latents_of_one: expected 8 latents, arrays \[8, ...\], got an array float32\[1, 4\]",
    ),
    (
        {"game.augment": {_halved: {}}},
        r"augment._halved: expected samples as they came, an array float32\[8, 8, .*got an array float32\[8, 4, 8",
    ),
    (
        {"losses.generator": {_loss_of_two: 1.0}},
        "_loss_of_two: expected real numbers, one per logit .*got a tuple of",
    ),
    (
        {"losses.generator": {_loss_raises: 1.0}},
        r"_loss_raises: ValueError: not finished \(.*test_build.py:\d+\)",
    ),
    (
        {"losses.generator.non_saturating_generator.wrap": {_none: {}}},
        "non_saturating_generator.wrap._none: expected a function that returns Callable, got None",
    ),
    (
        {"losses.generator.non_saturating_generator.weight": {f"{__name__}._schedule_of_text": {}}},
        "_schedule_of_text: expected a number from a schedule, got a value of type str",
    ),
    (
        {"optimizers.generator": {_updates_lost: {}}},
        "optimizers.generator._updates_lost: expected updates of the same",
    ),
    (
        {"optimizers.generator": {_none: {}}},
        "_none: expected a function that returns GradientTransformation, got None",
    ),
    ({"moves.generator.name": _none}, "moves.generator: expected a function that returns Callable, got None"),
]


@pytest.mark.parametrize("change, message", SEAMS, ids=[message[:40] for _, message in SEAMS])
def test_a_user_s_function_that_does_something_else(tiny, change, message):
    recipe = overrides.changed(tiny(), change)
    with pytest.raises(UsageError, match=message) as caught:
        setup.check(recipe, build.train_spec(recipe, MODALITY), MODALITY)
    assert "\n" not in str(caught.value)


def test_suggestions_leave_out_losses_of_the_other_player(tiny):
    recipe = overrides.changed(tiny(), {"losses.generator": dict(non_saturating_discriminater=1.0)})
    with pytest.raises(UsageError, match="did you mean") as caught:
        build.train_spec(recipe, MODALITY)
    assert "_generator" in str(caught.value)
    assert "_discriminator" not in str(caught.value).partition("did you mean")[2]


def _links_nothing():
    return lambda key, entries: entries["source"]


@pytest.mark.parametrize(
    "degrade, says",
    [
        (dict(blurr={}), "data.degrade: unknown name 'blurr'; did you mean blur"),
        (dict(downscale=dict(factr=2)), "data.degrade.downscale: unknown name 'factr'; did you mean factor"),
        (dict(jpeg=dict(quality=200)), "data.degrade.jpeg.quality=200: expected numbers from 1 to 100"),
        (dict(downscale=dict(factor=3)), "data.degrade.downscale.factor=3: expected images whose sides"),
        ({_links_nothing: {}}, "data.degrade._links_nothing: expected a dict of `real`, `source`"),
        ({_none: {}}, "data.degrade._none: expected a function that returns Callable, got None"),
        ({_raises: {}}, "data.degrade._raises: ValueError: not finished"),
    ],
)
def test_mistakes_in_degradations_are_one_line(tiny, degrade, says):
    with pytest.raises(UsageError, match=says) as caught:
        build.source(tiny(data=dict(name="digits", resolution=8, degrade=degrade)))
    assert "\n" not in str(caught.value)


def test_degradations_of_somebody_else_are_not_imported(tiny):
    recipe = tiny(data=dict(name="digits", resolution=8, degrade={f"{__name__}._links_nothing": {}}))
    with names.library_alone(), pytest.raises(names.Foreign):
        build.opener(recipe)


def test_a_run_sees_degraded_rows(tiny):
    degrade = dict(gaussian_blur={}, downscale=dict(factor=2), gaussian_noise=dict(deviation=(0, 50)))
    recipe = tiny(data=dict(name="digits", resolution=16, crop=8, flip=True, degrade=degrade))
    source = build.source(recipe)
    assert source.spec["real"].shape == (8, 8, 1) and source.spec["source"].shape == (4, 4, 1)
    assert source.parts[0].spec["real"].shape == (16, 16, 1) and source.heldout().spec == source.spec
    rows = source.parts[0].read(np.arange(4))
    decoded = jax.eval_shape(build.decoder(recipe, source.modality), jax.random.key(0), rows)
    assert decoded == jax.eval_shape(lambda: build.blank(source.modality, 4))


def test_a_folder_of_tfds_is_refused_by_data_that_reads_none(tiny):
    with pytest.raises(
        UsageError, match="^data_dir=photos: data 'digits' reads no folder of TFDS; a folder of"
    ):
        build.source(tiny(), "photos")


def test_any_number_of_an_optimizer_may_be_a_schedule(tiny):
    """Adam whose second decay rises, against float64."""
    rising = dict(linear_schedule=dict(init_value=0.5, end_value=0.9, transition_steps=2))
    recipe = tiny(optimizer=dict(adam=dict(learning_rate=0.1, b1=0.5, b2=rising)))
    chain = build.train_spec(recipe, build.source(recipe).modality).optimizers["generator"]
    params, first, second = {"weight": jnp.ones(2)}, np.zeros(2), np.zeros(2)
    state = chain.init(params)
    for number, (grad, b2) in enumerate(zip([[1.0, -2.0], [3.0, 0.5], [-1.0, 1.0]], [0.5, 0.7, 0.9]), 1):
        updates, state = chain.update({"weight": jnp.array(grad)}, state, params)
        first, second = 0.5 * first + 0.5 * np.array(grad), b2 * second + (1 - b2) * np.square(grad)
        expected = -0.1 * first / (1 - 0.5**number) / (np.sqrt(second / (1 - b2**number)) + 1e-8)
        np.testing.assert_allclose(updates["weight"], expected, rtol=1e-5)
