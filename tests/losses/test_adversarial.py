"""Adversarial losses against NumPy in float64, closed forms and what is known of their optima."""

import functools
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

FILES = [
    "gan_jax.losses.adversarial",
    "gan_jax.losses.relativistic",
    "gan_jax.losses.divergences",
    "gan_jax.losses.energies",
    "gan_jax.losses.distances",
    "gan_jax.losses.didactic",
    "gan_jax.losses.modifiers",
]

REAL = np.array([0.5, -1.0, 2.0, 0.1])
FAKE = np.array([-0.3, 1.5, -2.5, 0.4])
REAL_FEATURES = np.array([[1.0, 2.0], [0.5, -1.0], [3.0, 0.0], [-1.0, 1.5]])
FAKE_FEATURES = np.array([[0.0, 1.0], [2.0, 2.0], [-1.5, 0.5], [0.25, -2.0]])
TABLE = {
    "real_logits": REAL,
    "fake_logits": FAKE,
    "real_energy": np.abs(REAL),
    "fake_energy": np.abs(FAKE),
    "real_features": REAL_FEATURES,
    "fake_features": FAKE_FEATURES,
    "balance": np.array(0.3),
    "key": jax.random.key(7),
}


def sigmoid(x):
    return 1.0 / (1.0 + np.exp(-x))


def log_not(p):
    return np.log(1.0 - p)


def distances(a, b):
    return np.array([[np.linalg.norm(x - y) for y in b] for x in a])


def off_diagonal_mean(matrix):
    return np.array([np.mean(np.delete(row, i)) for i, row in enumerate(matrix)])


p, q = sigmoid(REAL), sigmoid(FAKE)
to_real, to_fake = REAL - FAKE.mean(), FAKE - REAL.mean()
partition = np.log(np.exp(REAL).sum() + np.exp(FAKE).sum())
plus = functools.partial(np.maximum, 0.0)
across, within = distances(REAL_FEATURES, FAKE_FEATURES), distances(FAKE_FEATURES, FAKE_FEATURES)
norms = [np.linalg.norm(x, axis=1) for x in (REAL_FEATURES, FAKE_FEATURES)]


def kernel(a, b):
    return sum(np.exp(-(distances(a, b) ** 2) / (2 * s * s)) for s in (2, 5, 10, 20, 40, 80))


discrepancy = (
    off_diagonal_mean(kernel(REAL_FEATURES, REAL_FEATURES))
    + off_diagonal_mean(kernel(FAKE_FEATURES, FAKE_FEATURES))
    - kernel(REAL_FEATURES, FAKE_FEATURES).mean(1)
    - kernel(FAKE_FEATURES, REAL_FEATURES).mean(1)
)
cosines = FAKE_FEATURES @ FAKE_FEATURES.T / np.outer(norms[1], norms[1])

# By name: what the function gives on TABLE, written with probabilities and plain logarithms.
EXPECTED = {
    "non_saturating_discriminator": -np.log(p) - log_not(q),
    "non_saturating_generator": -np.log(q),
    "minimax_discriminator": -np.log(p) - log_not(q),
    "minimax_generator": log_not(q),
    "least_squares_discriminator": ((REAL - 1) ** 2 + FAKE**2) / 2,
    "least_squares_generator": (FAKE - 1) ** 2 / 2,
    "wasserstein_discriminator": [-0.8, 2.5, -4.5, 0.3],
    "wasserstein_generator": [0.3, -1.5, 2.5, -0.4],
    "wasserstein_divergence_discriminator": [-0.8, 2.5, -4.5, 0.3],
    "wasserstein_divergence_generator": [0.3, -1.5, 2.5, -0.4],
    "hinge_discriminator": [0.5 + 0.7, 2.0 + 2.5, 0.0, 0.9 + 1.4],
    "hinge_generator": [0.3, -1.5, 2.5, -0.4],
    "relativistic_discriminator": -np.log(sigmoid(REAL - FAKE)),
    "relativistic_generator": -np.log(sigmoid(FAKE - REAL)),
    "relativistic_average_discriminator": -np.log(sigmoid(to_real)) - log_not(sigmoid(to_fake)),
    "relativistic_average_generator": -log_not(sigmoid(to_real)) - np.log(sigmoid(to_fake)),
    "relativistic_average_hinge_discriminator": plus(1 - to_real) + plus(1 + to_fake),
    "relativistic_average_hinge_generator": plus(1 + to_real) + plus(1 - to_fake),
    "relativistic_average_least_squares_discriminator": (to_real - 1) ** 2 + (to_fake + 1) ** 2,
    "relativistic_average_least_squares_generator": (to_real + 1) ** 2 + (to_fake - 1) ** 2,
    "softmax_discriminator": partition - REAL,
    "softmax_generator": partition - (REAL + FAKE) / 2,
    "boundary_seeking_discriminator": -np.log(p) - log_not(q),
    "boundary_seeking_generator": (np.log(q) - log_not(q)) ** 2 / 2,
    "kullback_leibler_discriminator": np.exp(FAKE - 1) - REAL,
    "kullback_leibler_generator": -np.exp(FAKE - 1),
    "reverse_kullback_leibler_discriminator": -1 - np.log(np.exp(-FAKE)) + np.exp(-REAL),
    "reverse_kullback_leibler_generator": 1 + np.log(np.exp(-FAKE)),
    "pearson_discriminator": FAKE**2 / 4 + FAKE - REAL,
    "pearson_generator": -(FAKE**2) / 4 - FAKE,
    "squared_hellinger_discriminator": (1 - np.exp(-FAKE)) / np.exp(-FAKE) - 1 + np.exp(-REAL),
    "squared_hellinger_generator": -(1 - np.exp(-FAKE)) / np.exp(-FAKE),
    "jensen_shannon_discriminator": -np.log(2 - 2 * q) - np.log(2 * p),
    "jensen_shannon_generator": np.log(2 - 2 * q),
    "total_variation_discriminator": (np.tanh(FAKE) - np.tanh(REAL)) / 2,
    "total_variation_generator": -np.tanh(FAKE) / 2,
    "energy_based_discriminator": [0.5 + 9.7, 1.0 + 8.5, 2.0 + 7.5, 0.1 + 9.6],
    "energy_based_generator": [0.3, 1.5, 2.5, 0.4],
    "pull_away": off_diagonal_mean(cosines**2),
    "boundary_equilibrium_discriminator": [0.5 - 0.09, 1.0 - 0.45, 2.0 - 0.75, 0.1 - 0.12],
    "boundary_equilibrium_generator": [0.3, 1.5, 2.5, 0.4],
    "boundary_equilibrium_balance": 0.3 + 0.001 * (0.5 * 0.9 - 1.175),
    "boundary_equilibrium_convergence": 0.9 + abs(0.5 * 0.9 - 1.175),
    "cramer_discriminator": off_diagonal_mean(within) - norms[1] - across.mean(1) + norms[0],
    "cramer_generator": 2 * across.mean(0) - off_diagonal_mean(within),
    "maximum_mean_discrepancy_discriminator": -discrepancy,
    "maximum_mean_discrepancy_generator": discrepancy,
    "sliced_wasserstein_discriminator": -np.log(p) - log_not(q),
    "weighted_discriminator": q - log_not(q) + log_not(p),
    "weighted_generator": -q + log_not(q) + log_not(p),
    "cross_entropy_and_squared_error_discriminator": -log_not(q) + (p - 1) ** 2,
    "cross_entropy_and_squared_error_generator": -np.log(q),
}
# Of these the permuted batch gives the same numbers in the same order, or a single number.
UNORDERED = {
    "sliced_wasserstein_generator",
    "boundary_equilibrium_balance",
    "boundary_equilibrium_convergence",
}
LOSSES = [*EXPECTED, "sliced_wasserstein_generator"]


FLOATS = {name: jnp.float32(x) for name, x in TABLE.items() if name != "key"}


def given_table(name):
    return [TABLE[read] for read in reads(getattr(losses, name))]


def call(name, floats):
    loss = getattr(losses, name)
    return loss(*({**floats, "key": TABLE["key"]}[read] for read in reads(loss)))


@jax.jit
def values(floats):
    """Every loss, in one program: compiling them one by one takes the tests a minute."""
    return {name: call(name, floats) for name in LOSSES}


@jax.jit
def gradients(floats):
    """The gradient of every loss's mean with respect to the table."""
    return {name: jax.grad(lambda arrays, name=name: jnp.mean(call(name, arrays)))(floats) for name in LOSSES}


def test_every_public_function_is_in_the_table():
    public = {n for n, f in vars(losses).items() if inspect.isfunction(f) and f.__module__ in FILES}
    assert {n for n in public if not n.startswith("_")} == {*LOSSES, "top_k", "smooth", "swapped"}


@pytest.mark.parametrize("name", EXPECTED)
def test_value(name):
    np.testing.assert_allclose(
        getattr(losses, name)(*given_table(name)), EXPECTED[name], rtol=2e-5, atol=1e-6
    )


@pytest.mark.parametrize("name", LOSSES)
def test_jit_equals_eager(name):
    np.testing.assert_allclose(values(FLOATS)[name], call(name, FLOATS), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", LOSSES)
def test_half_precision_becomes_float32_first(name):
    halves = jax.tree.map(jnp.bfloat16, FLOATS)
    half = values(halves)[name]
    chex.assert_type(half, jnp.float32)
    np.testing.assert_allclose(half, values(jax.tree.map(jnp.float32, halves))[name], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", LOSSES)
def test_permuting_the_batch_permutes_the_losses(name):
    order = np.array([2, 0, 3, 1])
    moved = values({read: x if read == "balance" else x[order] for read, x in FLOATS.items()})[name]
    plain = values(FLOATS)[name]
    np.testing.assert_allclose(moved, plain if name in UNORDERED else plain[order], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", [n for n in LOSSES if n != "boundary_equilibrium_balance"])
def test_gradients_are_finite_on_extreme_and_on_equal_inputs(name):
    exponential = any(part in name for part in ("kullback", "hellinger"))
    for scale in (0.0, 30.0 if exponential else 1e4):
        table = {read: scale * jnp.sign(x) for read, x in FLOATS.items()}
        chex.assert_tree_all_finite(gradients(table)[name])


READ_LOGITS = [n for n in LOSSES if "fake_logits" in reads(getattr(losses, n))]
DISCRIMINATORS = [n for n in READ_LOGITS if n.endswith("discriminator")]


@pytest.mark.parametrize("name", DISCRIMINATORS)
def test_a_discriminator_raises_real_and_lowers_fake_logits(name):
    grads = gradients(
        {**FLOATS, "real_logits": jnp.full(4, 0.2, jnp.float32), "fake_logits": jnp.full(4, 0.1, jnp.float32)}
    )[name]
    assert np.all(grads["real_logits"] < 0) and np.all(grads["fake_logits"] > 0)


@pytest.mark.parametrize("name", [n for n in READ_LOGITS if n.endswith("generator")])
def test_a_generator_raises_fake_logits(name):
    grads = gradients(
        {
            **FLOATS,
            "real_logits": jnp.full(4, 0.2, jnp.float32),
            "fake_logits": jnp.full(4, -0.1, jnp.float32),
        }
    )[name]
    assert np.all(grads["fake_logits"] < 0)


def test_logits_of_unequal_shapes_are_refused():
    for name in DISCRIMINATORS:
        with pytest.raises(ValueError, match="expected two arrays of one shape"):
            getattr(losses, name)(jnp.zeros(4), jnp.zeros((4, 1)))


@pytest.mark.parametrize(
    "name",
    [name for name in READ_LOGITS if {*reads(getattr(losses, name))} <= {"real_logits", "fake_logits"}],
)
def test_logits_of_patches_count_like_logits_of_samples(name):
    """One loss for each patch, whose mean is that of as many samples."""
    real, fake = (jnp.float32(np.stack([x, x[::-1] + 0.5, -x])) for x in (REAL, FAKE))
    arrays = {"real_logits": real, "fake_logits": fake}
    patches = {read: x.reshape(3, 2, 2) for read, x in arrays.items()}
    found, flat = (
        call(name, tree) for tree in (patches, {read: x.reshape(12) for read, x in arrays.items()})
    )
    assert found.shape == (3, 2, 2)
    np.testing.assert_allclose(found.ravel(), flat, rtol=1e-6, atol=1e-6)


# By divergence: f'(p/q) solved for the logit, and the divergence of p from q written out.
VARIATIONAL = {
    "kullback_leibler": (lambda u: 1 + np.log(u), lambda p, q: np.sum(p * np.log(p / q))),
    "reverse_kullback_leibler": (np.log, lambda p, q: np.sum(q * np.log(q / p))),
    "pearson": (lambda u: 2 * (u - 1), lambda p, q: np.sum((p - q) ** 2 / q)),
    "squared_hellinger": (lambda u: 0.5 * np.log(u), lambda p, q: np.sum((np.sqrt(p) - np.sqrt(q)) ** 2)),
    "jensen_shannon": (
        np.log,
        lambda p, q: np.sum(p * np.log(2 * p / (p + q)) + q * np.log(2 * q / (p + q))),
    ),
    "total_variation": (lambda u: 40 * np.sign(u - 1), lambda p, q: np.sum(np.abs(p - q)) / 2),
}


@pytest.mark.parametrize("name", VARIATIONAL)
def test_the_best_discriminator_attains_the_divergence_and_no_other_more(name):
    logit, divergence = VARIATIONAL[name]
    real, fake = np.array([0.5, 0.3, 0.2]), np.array([0.2, 0.2, 0.6])
    discriminator, generator = (getattr(losses, f"{name}_{side}") for side in ("discriminator", "generator"))

    def bound(logits):
        # E_real[g(v)] - E_fake[f*(g(v))] over three outcomes: the loss of each pair of outcomes, weighted.
        each = discriminator(np.repeat(logits, 3), np.tile(logits, 3))
        return -np.sum(np.outer(real, fake).ravel() * np.asarray(each, np.float64))

    best = logit(real / fake)
    np.testing.assert_allclose(bound(best), divergence(real, fake), rtol=1e-5)
    for shift in ([0.3, 0, 0], [0, -0.4, 0], [0.1, 0.2, 0.5], [-0.2, -0.2, -0.2]):
        assert bound((best if name != "total_variation" else best / 40) + np.array(shift)) < bound(best)
    of_real = -np.asarray(discriminator(best, best)) - np.asarray(generator(best))
    np.testing.assert_allclose(
        bound(best), np.sum(real * of_real) + np.sum(fake * generator(best)), rtol=1e-5
    )


def test_variational_losses_do_not_overflow_where_the_activation_underflows():
    sure = jnp.array([120.0])
    np.testing.assert_allclose(losses.reverse_kullback_leibler_generator(sure), [-119.0])
    np.testing.assert_allclose(losses.jensen_shannon_generator(sure), [np.log(2) - 120.0], rtol=1e-6)


def test_one_sided_label_smoothing():
    smoothed = losses.non_saturating_discriminator(REAL, FAKE, real_label=0.9)
    np.testing.assert_allclose(smoothed, -0.9 * np.log(p) - 0.1 * log_not(p) - log_not(q), rtol=1e-5)
    slope = jax.grad(lambda r: losses.non_saturating_discriminator(r, 0.0, real_label=0.9))(np.log(9.0))
    np.testing.assert_allclose(slope, 0.0, atol=1e-7)  # p = 0.9 is best


def test_least_squares_labels():
    options = dict(real_label=1.0, fake_label=-1.0)
    np.testing.assert_allclose(losses.least_squares_discriminator([2.0], [0.5], **options), [0.5 + 1.125])
    np.testing.assert_allclose(losses.least_squares_generator([0.5], target=0.0), [0.125])


@settings(max_examples=20, deadline=None)
@given(st.lists(st.floats(-5, 5), min_size=3, max_size=3), st.floats(-50, 50))
def test_relativistic_losses_ignore_a_common_shift(logits, shift):
    real, fake = np.array(logits), np.array(logits[::-1]) + 0.5
    for name in LOSSES:
        if name.startswith(("relativistic", "softmax", "wasserstein_discriminator")):
            loss = getattr(losses, name)
            np.testing.assert_allclose(loss(real + shift, fake + shift), loss(real, fake), atol=2e-4)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.floats(-20, 20), min_size=4, max_size=4))
def test_softmax_losses_are_least_at_their_targets(logits):
    real, fake = np.array(logits[:2]), np.array(logits[2:])
    assert np.mean(losses.softmax_discriminator(real, fake)) >= np.log(2) - 1e-4
    assert np.mean(losses.softmax_generator(real, fake)) >= np.log(4) - 1e-4


def test_softmax_losses_attain_their_targets():
    high, low, equal = np.full(2, 40.0), np.full(2, -40.0), np.full(2, 3.0)
    np.testing.assert_allclose(np.mean(losses.softmax_discriminator(high, low)), np.log(2), rtol=1e-5)
    np.testing.assert_allclose(np.mean(losses.softmax_generator(equal, equal)), np.log(4), rtol=1e-6)


def test_pull_away_of_equal_and_of_orthogonal_features():
    np.testing.assert_allclose(losses.pull_away([[3.0, 0.0], [-1.0, 0.0]]), [1.0, 1.0], rtol=1e-6)
    np.testing.assert_allclose(losses.pull_away(5 * np.eye(3)), np.zeros(3), atol=1e-7)


def test_boundary_equilibrium_balance_stays_in_its_range_and_at_equilibrium():
    update = losses.boundary_equilibrium_balance
    assert update(1.0, [1e6], [0.0]) == 1.0 and update(0.0, [0.0], [1e6]) == 0.0
    np.testing.assert_allclose(update(0.4, [2.0, 4.0], [1.0, 2.0]), 0.4)
    assert losses.boundary_equilibrium_convergence([3.0], [1.5]) == 3.0
    np.testing.assert_allclose(jax.grad(lambda r: update(0.4, r, r))(jnp.ones(2)), np.zeros(2))


def test_energy_based_margin_lets_far_fakes_alone():
    np.testing.assert_allclose(losses.energy_based_discriminator([1.0], [3.0], margin=2.0), [1.0])


def test_batch_statistics_need_two_samples():
    one = jnp.ones((1, 3))
    for name in ("cramer_discriminator", "cramer_generator", "maximum_mean_discrepancy_generator"):
        with pytest.raises(UsageError, match="at least 2"):
            getattr(losses, name)(one, one)
    with pytest.raises(UsageError, match="at least 2"):
        losses.pull_away(one)


def test_cramer_generator_estimates_the_energy_distance():
    # Two points each: E|r - f| = 2 for {-1, 1} against {-3, 3} and constants of 2 and 6 between equals.
    real, fake = np.array([[-1.0], [1.0]]), np.array([[-3.0], [3.0]])
    np.testing.assert_allclose(np.mean(losses.cramer_generator(real, fake)), 2 * 3.0 - 6.0, atol=1e-5)
    # f(x) = mean |x - fakes| - |x|: f(+-1) = 3 - 1; f(+-3) = 6 - 3.
    np.testing.assert_allclose(losses.cramer_discriminator(real, fake), [1.0, 1.0], atol=1e-5)


def test_maximum_mean_discrepancy_gradient():
    def value(x, of):
        k = lambda a, b: np.exp(-(distances(a, b) ** 2) / 2)  # noqa: E731
        return (
            np.mean(off_diagonal_mean(k(x, x)))
            + np.mean(off_diagonal_mean(k(of, of)))
            - 2 * np.mean(k(of, x))
        )

    def loss(x):
        return jnp.mean(losses.maximum_mean_discrepancy_generator(REAL_FEATURES, x, bandwidths=(1.0,)))

    grads = jax.jit(jax.grad(loss))(jnp.float32(FAKE_FEATURES))
    for index in np.ndindex(4, 2):
        step = np.zeros((4, 2))
        step[index] = 1e-5
        slope = (
            value(FAKE_FEATURES + step, REAL_FEATURES) - value(FAKE_FEATURES - step, REAL_FEATURES)
        ) / 2e-5
        np.testing.assert_allclose(grads[index], slope, atol=1e-5)


def test_sliced_wasserstein_of_a_shift_and_of_a_set_with_itself():
    key = jax.random.key(0)
    loss = losses.sliced_wasserstein_generator
    # In one dimension every direction is +-1, and a shift by 3 costs 9.
    np.testing.assert_allclose(
        loss([[0.0], [5.0]], [[8.0], [3.0]], key, projections=3), [9.0, 9.0], rtol=1e-5
    )
    # In D dimensions a shift costs its squared length over D, on average over directions.
    shifted = loss(REAL_FEATURES, REAL_FEATURES + np.array([3.0, -1.0]), key)
    np.testing.assert_allclose(shifted, np.full(4, 10.0 / 2), rtol=0.05)
    np.testing.assert_allclose(loss(REAL_FEATURES, REAL_FEATURES[::-1], key), np.zeros(4), atol=1e-8)


def test_weighted_losses_as_printed_reward_the_wrong_side():
    at = jnp.zeros(1)
    printed = dict(a=0.0, b=1.0, c=1.0)
    fooled = jax.grad(lambda f: losses.weighted_discriminator(at, f, **printed)[0])(at)
    found_out = jax.grad(lambda f: losses.weighted_generator(at, f, **printed)[0])(at)
    np.testing.assert_allclose(fooled, [-0.5])  # descends towards larger p(fake)
    np.testing.assert_allclose(found_out, [0.5])  # descends towards smaller p(fake)


def test_weighted_generator_holds_the_minimax_generator():
    np.testing.assert_allclose(
        losses.weighted_generator(REAL, FAKE, a=0.0, b=-1.0, c=0.0), losses.minimax_generator(FAKE)
    )
    each = losses.weighted_discriminator(REAL, FAKE, a=2.0, b=3.0, c=5.0)
    np.testing.assert_allclose(each, 2 * q + 3 * log_not(q) + 5 * log_not(p), rtol=1e-5)


def test_the_didactic_discriminator_does_not_balance_at_one_half():
    best = 1 - np.sqrt(0.5)
    logit = np.log(best / (1 - best))
    slope = jax.grad(lambda v: losses.cross_entropy_and_squared_error_discriminator(v, v))(logit)
    np.testing.assert_allclose(slope, 0.0, atol=1e-6)


def test_top_k_takes_the_largest_logits():
    loss = losses.top_k(losses.least_squares_generator, 2)
    np.testing.assert_allclose(
        loss(FAKE), [0.125, 0.18], rtol=1e-5
    )  # of 1.5 and 0.4, not the smallest losses
    slope = jax.jit(jax.grad(lambda f: jnp.mean(loss(f, target=0.0))))(jnp.float32(FAKE))
    np.testing.assert_allclose(slope, [0.0, 0.75, 0.0, 0.2], rtol=1e-6)
    pairs = losses.top_k(losses.relativistic_generator, 1)
    np.testing.assert_allclose(pairs(REAL, FAKE), [-np.log(sigmoid(2.5))], rtol=1e-5)


def test_top_k_takes_fakes_with_all_their_patches():
    """Means of 0, 2.5 and 1: the second and the third fake, although the first one has the highest patch."""
    patches = np.array([[9.0, -9.0], [2.0, 3.0], [0.0, 2.0]])[..., None]
    best = losses.top_k(losses.hinge_generator, 2)(patches)
    np.testing.assert_allclose(best, [[[-2.0], [-3.0]], [[0.0], [-2.0]]])
    with pytest.raises(UsageError, match="k=4: expected at most the 3 fakes of the batch"):
        losses.top_k(losses.hinge_generator, 4)(patches)


def test_smooth_exchanges_a_share_of_the_labels():
    loss = losses.smooth(losses.non_saturating_discriminator, 0.2)
    expected = -0.8 * (np.log(p) + log_not(q)) - 0.2 * (log_not(p) + np.log(q))
    np.testing.assert_allclose(jax.jit(loss)(REAL, FAKE), expected, rtol=1e-5)
    plain = losses.smooth(losses.hinge_discriminator, 0.0)
    np.testing.assert_allclose(plain(REAL, FAKE), losses.hinge_discriminator(REAL, FAKE))


def test_swapped_exchanges_real_and_fake():
    loss = losses.swapped(losses.non_saturating_discriminator)
    np.testing.assert_allclose(jax.jit(loss)(REAL, FAKE), -log_not(p) - np.log(q), rtol=1e-5)
    critic = losses.swapped(losses.wasserstein_discriminator)
    np.testing.assert_allclose(critic(REAL, FAKE), [0.8, -2.5, 4.5, -0.3], rtol=1e-6)
    assert reads(loss) == ("real_logits", "fake_logits")


def test_wrapped_losses_stay_terms():
    wrapped = losses.top_k(losses.relativistic_average_generator, 2)
    assert reads(wrapped) == ("real_logits", "fake_logits")
    smoothed = losses.smooth(losses.non_saturating_discriminator)
    assert reads(functools.partial(smoothed, real_label=0.9)) == ("real_logits", "fake_logits")
    assert smoothed.__name__ == "non_saturating_discriminator"
    np.testing.assert_allclose(
        losses.smooth(losses.non_saturating_discriminator, 0.0)(REAL, FAKE, real_label=0.9),
        losses.non_saturating_discriminator(REAL, FAKE, real_label=0.9),
    )


@pytest.mark.parametrize(
    "mistake, says",
    [
        (lambda: losses.top_k(losses.hinge_generator, 0), "k=0"),
        (lambda: losses.top_k(losses.hinge_generator, 5)(FAKE), "k=5.*4"),
        (lambda: losses.top_k(losses.energy_based_generator, 1), "fake_logits"),
        (lambda: losses.smooth(losses.hinge_discriminator, 1.5), "amount=1.5"),
        (lambda: losses.smooth(losses.hinge_generator), "real_logits"),
        (lambda: losses.swapped(losses.hinge_generator), "swapped: expected .* not of fake_logits"),
    ],
)
def test_mistakes_are_named(mistake, says):
    with pytest.raises(UsageError, match=says):
        mistake()
