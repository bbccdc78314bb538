"""Auxiliary losses against NumPy in float64, closed forms of linear generators, and finite differences."""

import inspect

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gan_jax import losses
from gan_jax.errors import UsageError
from gan_jax.terms import reads

FILES = ["gan_jax.losses.auxiliary", "gan_jax.losses.contrastive", "gan_jax.losses.latent"]

RANDOM = np.random.default_rng(3)
VECTORS = np.random.default_rng(1)
LABELS = np.array([0, 2, 1, 2])
MATRIX = RANDOM.normal(size=(5, 12))
CRITIC = RANDOM.normal(size=(12,))
TURN = RANDOM.normal(size=(4, 4))


def generate(latents):
    """Linear in the latents: images [B, 2, 2, 3]."""
    latents = jnp.asarray(latents, jnp.float32 if latents.dtype == np.float64 else latents.dtype)
    return (latents @ jnp.asarray(MATRIX, latents.dtype)).reshape(-1, 2, 2, 3)


def critic(images):
    return images.reshape(len(images), -1) @ jnp.asarray(CRITIC, images.dtype)


def discriminate(images):
    """Logits from the first channel's four pixels, so that a quarter turn permutes what they see."""
    return {"rotation_logits": images[..., 0].reshape(-1, 4) @ jnp.asarray(TURN, images.dtype)}


ONE_HOT = np.eye(3)[[1, 0, 2, 2]]
LATENTS = np.concatenate([ONE_HOT, RANDOM.normal(size=(4, 2))], axis=1)
TABLE = {
    "label": LABELS,
    "real_class_logits": RANDOM.normal(size=(4, 6)),
    "fake_class_logits": RANDOM.normal(size=(4, 6)),
    "fake_twin_logits": RANDOM.normal(size=(4, 3)),
    "real_embedding": RANDOM.normal(size=(4, 3)),
    "fake_embedding": RANDOM.normal(size=(4, 3)),
    "real_class_embedding": RANDOM.normal(size=(4, 3)),
    "fake_class_embedding": RANDOM.normal(size=(4, 3)),
    "real_features": RANDOM.normal(size=(4, 2, 3)),
    "fake_features": RANDOM.normal(size=(4, 2, 3)),
    "fake_code_logits": RANDOM.normal(size=(4, 3)),
    "fake_code_mean": RANDOM.normal(size=(4, 2)),
    "fake_code_log_variance": RANDOM.normal(size=(4, 2)),
    "latents": LATENTS,
    "real": RANDOM.normal(size=(4, 2, 2, 3)),
    "fake": RANDOM.normal(size=(4, 2, 2, 3)),
    **{
        f"{of}{side}": VECTORS.normal(size=(4, 5, 3))
        for of in ("", "identity_")
        for side in ("queries", "keys")
    },
    "average_path_lengths": np.array(0.7),
    "key": jax.random.key(5),
    "generate": generate,
    "critic": critic,
    "discriminate": discriminate,
}


def cross_entropy(logits, labels):
    weights = np.exp(logits)
    return -np.log(weights[np.arange(len(labels)), labels] / weights.sum(1))


def hinge(logits, labels):
    return np.array([max(0, 1 + max(np.delete(o, y)) - o[y]) for o, y in zip(logits, labels, strict=True)])


def cosine(a, b):
    return a @ b / np.linalg.norm(a) / np.linalg.norm(b)


def contrastive(embedding, classes, temperature):
    losses = []
    for i in range(4):
        own = np.exp(cosine(embedding[i], classes[i]) / temperature)
        pull = {j: np.exp(cosine(embedding[i], embedding[j]) / temperature) for j in range(4) if j != i}
        alike = sum(value for j, value in pull.items() if LABELS[j] == LABELS[i])
        losses.append(-np.log((own + alike) / (own + sum(pull.values()))))
    return losses


def data_to_data(embedding, classes, temperature, positive, negative):
    losses = []
    for i in range(4):
        own = np.exp(min(cosine(embedding[i], classes[i]) - positive, 0) / temperature)
        against = [
            np.exp(max(cosine(embedding[i], embedding[j]) - negative, 0) / temperature)
            for j in range(4)
            if LABELS[j] != LABELS[i]
        ]
        losses.append(-np.log(own / (own + sum(against))))
    return losses


def own_place(queries, keys):
    """For each image, minus the mean log share of the own place among all places, at temperature 0.07."""
    losses = []
    for query, key in zip(queries, keys, strict=True):
        shares = [np.exp(q @ key[i] / 0.07) / np.sum(np.exp(key @ q / 0.07)) for i, q in enumerate(query)]
        losses.append(-np.mean(np.log(shares)))
    return losses


def gaussian(mean, log_variance, codes):
    deviation = np.exp(log_variance / 2)
    density = np.exp(-(((codes - mean) / deviation) ** 2) / 2) / (deviation * np.sqrt(2 * np.pi))
    return -np.sum(np.log(density), axis=1)


def modes():
    images, others = LATENTS @ MATRIX, np.roll(LATENTS, 1, axis=0)
    apart = np.abs(images - others @ MATRIX).mean(1)
    return np.abs(LATENTS - others).mean(1) / (apart + 1e-5)


t = TABLE
EXPECTED = {
    "classification_real": cross_entropy(t["real_class_logits"], LABELS),
    "classification_fake": cross_entropy(t["fake_class_logits"], LABELS),
    "twin_auxiliary_classifier_discriminator": cross_entropy(t["fake_twin_logits"], LABELS),
    "twin_auxiliary_classifier_generator": -cross_entropy(t["fake_twin_logits"], LABELS),
    "auxiliary_discriminative_classifier_discriminator": cross_entropy(t["real_class_logits"], LABELS)
    + cross_entropy(t["fake_class_logits"], LABELS + 3),
    "auxiliary_discriminative_classifier_generator": t["fake_class_logits"][range(4), LABELS + 3]
    - t["fake_class_logits"][range(4), LABELS],
    "multi_hinge_discriminator": hinge(t["real_class_logits"], LABELS)
    + hinge(t["fake_class_logits"], [5, 5, 5, 5]),
    "multi_hinge_generator": hinge(t["fake_class_logits"], LABELS),
    "conditional_contrastive_discriminator": contrastive(t["real_embedding"], t["real_class_embedding"], 1.0),
    "conditional_contrastive_generator": contrastive(t["fake_embedding"], t["fake_class_embedding"], 1.0),
    "data_to_data_cross_entropy_discriminator": data_to_data(
        t["real_embedding"], t["real_class_embedding"], 0.5, 0.98, 0.02
    ),
    "data_to_data_cross_entropy_generator": data_to_data(
        t["fake_embedding"], t["fake_class_embedding"], 0.5, 0.98, 0.02
    ),
    "patch_contrastive": own_place(t["queries"], t["keys"]),
    "identity_patch_contrastive": own_place(t["identity_queries"], t["identity_keys"]),
    "code_information_discrete": cross_entropy(t["fake_code_logits"], [1, 0, 2, 2]),
    "code_information_gaussian": gaussian(t["fake_code_mean"], t["fake_code_log_variance"], LATENTS[:, :2]),
    "feature_matching": np.full(4, np.sum((t["real_features"].mean(0) - t["fake_features"].mean(0)) ** 2)),
    "mode_seeking": modes(),
}
# These draw from their key, sample by sample: the tests below compute what they should give.
DRAWN = [
    "rotation_discriminator",
    "rotation_generator",
    "path_lengths",
    "path_length",
    "latent_consistency_discriminator",
    "latent_consistency_generator",
]
LOSSES = [*EXPECTED, *DRAWN]


def given_table(name):
    return {read: TABLE[read] for read in reads(getattr(losses, name))}


ARRAYS = {n: jnp.float32(x) for n, x in TABLE.items() if isinstance(x, np.ndarray) and n != "label"}


def call(name, arrays):
    loss = getattr(losses, name)
    return loss(*({**TABLE, **arrays}[read] for read in reads(loss)))


@jax.jit
def values(arrays):
    """Every loss, in one program: compiling them one by one takes the tests a minute."""
    return {name: call(name, arrays) for name in LOSSES}


@jax.jit
def gradients(arrays):
    """The gradient of every loss's mean with respect to the table."""
    return {name: jax.grad(lambda inputs, name=name: jnp.mean(call(name, inputs)))(arrays) for name in LOSSES}


def test_every_public_function_is_in_the_table():
    functions = inspect.getmembers(losses, inspect.isfunction)
    public = {n for n, f in functions if f.__module__ in FILES and not n.startswith("_")}
    assert public == set(LOSSES)


@pytest.mark.parametrize("name", EXPECTED)
def test_value(name):
    result = getattr(losses, name)(**given_table(name))
    np.testing.assert_allclose(result, EXPECTED[name], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", LOSSES)
def test_jit_equals_eager(name):
    np.testing.assert_allclose(values(ARRAYS)[name], call(name, ARRAYS), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", LOSSES)
def test_half_precision_gives_one_float32_per_sample(name):
    half = values(jax.tree.map(jnp.bfloat16, ARRAYS))[name]
    chex.assert_type(half, jnp.float32)
    chex.assert_shape(half, (4,))
    chex.assert_tree_all_finite(half)


@pytest.mark.parametrize("name", [n for n in EXPECTED if n != "mode_seeking"])
def test_permuting_the_batch_permutes_the_losses(name):
    order = np.array([2, 0, 3, 1])
    table = given_table(name)
    moved = getattr(losses, name)(**{n: x[order] for n, x in table.items()})
    np.testing.assert_allclose(moved, getattr(losses, name)(**table)[order], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", LOSSES)
def test_gradients_are_finite_at_zero(name):
    chex.assert_tree_all_finite(gradients(jax.tree.map(jnp.zeros_like, ARRAYS))[name])


def test_classification_is_least_where_it_is_right():
    right = 50.0 * np.eye(6)[LABELS]
    np.testing.assert_allclose(losses.classification_real(right, LABELS), np.zeros(4), atol=1e-6)
    equal = losses.classification_fake(np.zeros((4, 6)), LABELS)
    np.testing.assert_allclose(equal, np.full(4, np.log(6)), rtol=1e-6)


def test_patches_of_several_layers_count_alike_and_equal_ones_are_at_chance():
    layers = [tuple(TABLE[name][:, :count] for count in (5, 2)) for name in ("queries", "keys")]
    expected = np.mean([own_place(*(layer[i] for layer in layers)) for i in (0, 1)], axis=0)
    np.testing.assert_allclose(losses.patch_contrastive(*layers), expected, rtol=1e-5)
    same = np.ones((2, 7, 3))
    np.testing.assert_allclose(losses.patch_contrastive(same, same), [np.log(7)] * 2, rtol=1e-6)


def test_multi_hinge_wants_a_margin_of_one():
    logits = np.array([[2.0, 0.9, 0.0], [2.0, 1.5, 0.0]])
    np.testing.assert_allclose(losses.multi_hinge_generator(logits, np.array([0, 0])), [0.0, 0.5], atol=1e-6)


@settings(max_examples=15, deadline=None)
@given(st.floats(0.05, 5.0), st.floats(0.1, 10.0))
def test_contrastive_losses_are_positive_and_know_directions_only(temperature, scale):
    for name in ("conditional_contrastive", "data_to_data_cross_entropy"):
        loss = getattr(losses, f"{name}_discriminator")
        embedding, classes = TABLE["real_embedding"], TABLE["real_class_embedding"]
        result = loss(embedding, classes, LABELS, temperature=temperature)
        assert np.all(result >= -1e-5)
        scaled = loss(scale * embedding, classes / scale, LABELS, temperature=temperature)
        np.testing.assert_allclose(scaled, result, rtol=1e-4, atol=1e-4)


def test_data_to_data_leaves_easy_samples_alone():
    easy = jnp.array([[1.0, 0.0], [-0.6, 0.8]])
    close = easy + 0.01
    loss = losses.data_to_data_cross_entropy_generator
    slope = jax.jit(jax.grad(lambda e: jnp.sum(loss(e, close, jnp.array([0, 1])))))(easy)
    np.testing.assert_allclose(slope, np.zeros((2, 2)), atol=1e-7)


def test_several_discrete_codes_add_up():
    logits = RANDOM.normal(size=(4, 2, 3))
    codes = np.eye(3)[[[0, 1], [2, 2], [1, 0], [0, 2]]].reshape(4, 6)
    latents = np.concatenate([RANDOM.normal(size=(4, 5)), codes], axis=1)
    apart = cross_entropy(logits[:, 0], [0, 2, 1, 0]) + cross_entropy(logits[:, 1], [1, 2, 0, 2])
    result = losses.code_information_discrete(logits, latents, start=5)
    np.testing.assert_allclose(result, apart, rtol=1e-5)


def test_gaussian_codes_start_at_their_column_and_are_best_at_the_right_variance():
    mean, log_variance = TABLE["fake_code_mean"], TABLE["fake_code_log_variance"]
    result = losses.code_information_gaussian(mean, log_variance, LATENTS, start=3)
    np.testing.assert_allclose(result, gaussian(mean, log_variance, LATENTS[:, 3:]), rtol=1e-5)
    error = jnp.float32(np.log((LATENTS[:, 3:] - mean) ** 2))
    slope = jax.grad(lambda v: jnp.sum(losses.code_information_gaussian(mean, v, LATENTS, start=3)))(error)
    np.testing.assert_allclose(slope, np.zeros((4, 2)), atol=1e-5)


@pytest.mark.parametrize("side, images", [("discriminator", "real"), ("generator", "fake")])
def test_rotation_guesses_the_turn(side, images):
    key = jax.random.key(1)
    many = np.repeat(TABLE[images][:1], 64, axis=0)
    result = np.asarray(getattr(losses, f"rotation_{side}")(discriminate, many, key))
    by_turn = [
        cross_entropy(np.rot90(many[0, ..., 0], turn).reshape(1, 4) @ TURN, [turn])[0] for turn in range(4)
    ]
    nearest = np.argmin(np.abs(result[:, None] - np.array(by_turn)), axis=1)
    np.testing.assert_allclose(result, np.array(by_turn)[nearest], rtol=1e-4)
    assert set(nearest) == {0, 1, 2, 3}


def test_rotation_of_each_image_is_its_own():
    # A network that reads the turn off a marked corner, from its place in the image, is always right.
    corner = {(0, 0): 0, (1, 0): 1, (1, 1): 2, (0, 1): 3}  # where the first pixel goes, turn by turn
    images = np.zeros((32, 2, 2, 1))
    images[:, 0, 0] = 1.0
    reader = np.zeros((4, 4))
    for (row, column), turn in corner.items():
        reader[2 * row + column, turn] = 50.0
    result = losses.rotation_discriminator(
        lambda x: {"rotation_logits": x.reshape(-1, 4) @ reader}, images, jax.random.key(2)
    )
    np.testing.assert_allclose(result, np.zeros(32), atol=1e-6)


def test_feature_matching_gradient():
    real, fake = TABLE["real_features"], TABLE["fake_features"]
    grads = jax.grad(lambda f: jnp.mean(losses.feature_matching(real, f)))(jnp.float32(fake))
    expected = np.broadcast_to(2 * (fake.mean(0) - real.mean(0)) / 4, fake.shape)
    np.testing.assert_allclose(grads, expected, rtol=1e-4, atol=1e-6)


def test_mode_seeking_of_a_scaling_generator_and_of_a_collapsed_one():
    latents = RANDOM.normal(size=(3, 4))
    result = losses.mode_seeking(lambda x: 5.0 * x, latents, epsilon=0.0)
    np.testing.assert_allclose(result, np.full(3, 0.2), rtol=1e-5)
    collapsed = losses.mode_seeking(lambda x: jnp.zeros_like(x), latents)
    np.testing.assert_allclose(
        collapsed, np.abs(latents - np.roll(latents, 1, axis=0)).mean(1) / 1e-5, rtol=1e-5
    )


def test_path_lengths_of_a_linear_generator():
    # J^T y for x = w M is M y: with y normal over the root of 2 x 2 pixels, E length^2 = |M|^2 / 4.
    latents = jnp.zeros((4000, 5))
    lengths = losses.path_lengths(generate, latents, jax.random.key(0))
    np.testing.assert_allclose(np.mean(lengths**2), np.sum(MATRIX**2) / 4, rtol=0.03)
    # One latent and one pixel of one channel: the length is the derivative times |y|, whatever the sign.
    cube = lambda x: (x**3).reshape(-1, 1, 1, 1)  # noqa: E731
    one, two = (losses.path_lengths(cube, jnp.array([[x]]), jax.random.key(0)) for x in (1.0, 2.0))
    np.testing.assert_allclose(two / one, [4.0], rtol=1e-5)


def test_path_lengths_average_over_layers():
    latents = jnp.float32(RANDOM.normal(size=(3, 5)))
    key = jax.random.key(4)
    plain = losses.path_lengths(generate, latents, key)
    # The same latents for each of two layers, of which only the first is heard: half of the square.
    layers = losses.path_lengths(lambda w: generate(w[:, 0]), jnp.stack([latents, latents], axis=1), key)
    np.testing.assert_allclose(layers, plain / np.sqrt(2), rtol=1e-5)


def test_path_length_is_the_distance_from_the_updated_mean():
    latents, key = jnp.float32(LATENTS), jax.random.key(6)
    lengths = np.asarray(losses.path_lengths(generate, latents, key), np.float64)
    expected = (lengths - (0.99 * 0.7 + 0.01 * lengths.mean())) ** 2
    np.testing.assert_allclose(losses.path_length(generate, latents, key, 0.7), expected, rtol=1e-4)

    def of_scale(scale):
        return jnp.mean(losses.path_length(lambda w: scale * generate(w), latents, key, 0.7))

    # Lengths grow with the scale, and the mean's share of them moves with it.
    slope = np.mean(2 * (lengths - (0.99 * 0.7 + 0.01 * lengths.mean())) * (lengths - 0.01 * lengths.mean()))
    np.testing.assert_allclose(jax.grad(of_scale)(1.0), slope, rtol=1e-4)


def test_latent_consistency_of_linear_networks():
    latents, key = jnp.zeros((4000, 5)), jax.random.key(8)
    # Both differences are linear in the perturbation, so their squares' means are its variance times a norm.
    logits = losses.latent_consistency_discriminator(critic, generate, latents, key, deviation=0.2)
    np.testing.assert_allclose(np.mean(logits), 0.04 * np.sum((MATRIX @ CRITIC) ** 2), rtol=0.05)
    images = losses.latent_consistency_generator(generate, latents, key, deviation=0.2)
    np.testing.assert_allclose(np.mean(images), -0.04 * np.sum(MATRIX**2) / 12, rtol=0.05)
    same = losses.latent_consistency_generator(generate, latents, key, deviation=0.0)
    np.testing.assert_allclose(same, np.zeros(4000))


@pytest.mark.parametrize(
    "mistake, says",
    [
        (lambda: losses.mode_seeking(lambda x: x, np.ones((1, 2))), "mode_seeking.*at least 2"),
        (lambda: losses.code_information_discrete(np.ones((4, 3)), LATENTS, start=3), "start=3"),
        (
            lambda: losses.code_information_gaussian(np.ones((4, 2)), np.ones((4, 2)), LATENTS, start=-1),
            "-1",
        ),
        # A packed discriminator: two predictions for four samples.
        (
            lambda: losses.classification_real(np.ones((2, 3)), np.zeros(4, int)),
            "each of 4 labels, got 2; a pack",
        ),
        (lambda: losses.multi_hinge_generator(np.ones((1, 3)), np.zeros(4, int)), "each of 4 labels, got 1"),
        (
            lambda: losses.conditional_contrastive_generator(*np.ones((2, 2, 3)), np.zeros(4, int)),
            "each of 4 labels, got 2",
        ),
        (
            lambda: losses.data_to_data_cross_entropy_discriminator(*np.ones((2, 1, 3)), np.zeros(4, int)),
            "each of 4 labels, got 1",
        ),
        (lambda: losses.rotation_generator(discriminate, np.ones((1, 2, 3, 1)), TABLE["key"]), "2 x 3"),
    ],
)
def test_mistakes_are_named(mistake, says):
    with pytest.raises(UsageError, match=says):
        mistake()


@pytest.mark.parametrize(
    "name", [name for name in losses.__all__ if "label" in reads(getattr(losses, name))], ids=str
)
def test_a_sample_without_a_class_is_as_if_it_were_not_in_the_batch(name):
    """Its own value is 0; of the multi-class hinge the fake's half remains, which needs no class."""
    function = getattr(losses, name)
    inputs = {each: TABLE[each] for each in reads(function)}
    values = function(*{**inputs, "label": np.where(np.arange(4) == 1, -1, LABELS)}.values())
    rest = [0, 2, 3]
    alone = function(*(jnp.asarray(array)[np.array(rest)] for array in inputs.values()))
    np.testing.assert_allclose(np.asarray(values)[rest], alone, rtol=1e-5)
    logits = TABLE["fake_class_logits"][1]
    fakes_half = max(0.0, 1.0 + logits[:-1].max() - logits[-1])
    expected = fakes_half if name == "multi_hinge_discriminator" else 0.0
    np.testing.assert_allclose(values[1], expected, rtol=1e-5)
