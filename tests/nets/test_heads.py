"""Heads on features, through `read_out`, and where labels go."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax import losses, wrap
from gan_jax.errors import UsageError
from gan_jax.nets import dcgan, mlp, readout, resnet
from gan_jax.nets.linen import from_linen

KEY = jax.random.key(0)
LABELS = jnp.array([2, 0, 1, 2])
FEATURES = jnp.float32(np.random.default_rng(0).normal(size=(4, 5)))
IMAGES = jnp.float32(np.random.default_rng(1).uniform(-1, 1, size=(4, 8, 8, 1)))


class Reader(nn.Module):
    """A discriminator that has only heads."""

    heads: dict
    classes: int = 3

    @nn.compact
    def __call__(self, features, labels=None, *, train):
        return readout.read_out(
            self.heads,
            features=features,
            labels=labels,
            classes=self.classes,
            kernel_init=nn.initializers.normal(1.0),
            train=train,
        )


def _read(heads, labels=LABELS, classes=3):
    reader = Reader(heads, classes)
    return jax.jit(lambda key: reader.init_with_output(key, FEATURES, labels, train=True))(KEY)


def test_projection_is_psi_plus_features_times_embedding():
    outputs, variables = _read({"projection": {}})
    params = jax.tree.map(np.float64, variables["params"])
    embedding, psi = params["projection_of_label"]["embedding"], params["Dense_0"]
    assert embedding.shape == (3, 5) and set(outputs) == {"logits"}
    features = np.float64(FEATURES)
    expected = (features @ psi["kernel"] + psi["bias"])[:, 0] + (features * embedding[LABELS]).sum(1)
    np.testing.assert_allclose(outputs["logits"], expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("head", "options", "shapes"),
    [
        ("class_logits", {}, {"class_logits": (4, 3)}),
        ("class_logits", {"copies": 2}, {"class_logits": (4, 6)}),
        ("class_logits", {"extra": 1}, {"class_logits": (4, 4)}),
        ("twin_logits", {}, {"twin_logits": (4, 3)}),
        ("rotation_logits", {}, {"rotation_logits": (4, 4)}),
        ("features", {}, {"features": (4, 5)}),
        ("embedding", {"size": 7}, {"embedding": (4, 7), "class_embedding": (4, 7)}),
        (
            "codes",
            {"values": 6, "count": 2, "continuous": 3},
            {"code_logits": (4, 2, 6), "code_mean": (4, 3), "code_log_variance": (4, 3)},
        ),
        ("codes", {"count": 1}, {"code_logits": (4, 1, 10)}),
        ("codes", {"continuous": 2}, {"code_mean": (4, 2), "code_log_variance": (4, 2)}),
    ],
)
def test_outputs(head, options, shapes):
    outputs, _ = jax.eval_shape(lambda: _read({"logits": {}, head: options}))
    assert {name: leaf.shape for name, leaf in outputs.items()} == {"logits": (4,), **shapes}


def test_logits_start_the_same_whatever_other_heads_there_are():
    alone, _ = _read({"logits": {}})
    beside, _ = _read({"codes": {"count": 1}, "class_logits": {}, "logits": {}})
    np.testing.assert_array_equal(alone["logits"], beside["logits"])


def test_codes_golden():
    reader = Reader({"logits": {}, "codes": {"values": 2, "count": 1, "continuous": 2, "width": 4}})
    outputs, variables = reader.init_with_output(KEY, FEATURES, train=True)
    params = jax.tree.map(np.float64, dict(variables["params"]))
    x = np.float64(FEATURES) @ params["codes_hidden"]["kernel"]
    x = (x - x.mean(0)) / np.sqrt(x.var(0) + 1e-5)
    x = np.where(x > 0, x, 0.1 * x)
    assert set(params["codes_hidden"]) == {"kernel"}
    for name in ("code_logits", "code_mean", "code_log_variance"):
        layer = params[name]
        expected = (x @ layer["kernel"] + layer["bias"]).reshape(outputs[name].shape)
        np.testing.assert_allclose(outputs[name], expected, rtol=1e-3, atol=1e-4)


def test_losses_read_the_codes():
    outputs, _ = _read({"logits": {}, "codes": {"values": 4, "count": 2, "continuous": 3}})
    latents = jnp.concatenate([jnp.eye(4), jnp.eye(4)[::-1], jnp.ones((4, 3)), jnp.ones((4, 9))], axis=1)
    discrete = losses.code_information_discrete(outputs["code_logits"], latents)
    log_probabilities = jax.nn.log_softmax(outputs["code_logits"])
    expected = [-log_probabilities[i, 0, i] - log_probabilities[i, 1, 3 - i] for i in range(4)]
    np.testing.assert_allclose(discrete, expected, rtol=1e-5)
    arguments = outputs["code_mean"], outputs["code_log_variance"], latents
    assert losses.code_information_gaussian(*arguments, start=8).shape == (4,)


def test_a_head_may_be_a_users_function():
    def norm(features, *, power=2.0):
        return {"norm": jnp.sum(jnp.abs(features) ** power, axis=1)}

    outputs, _ = _read({"logits": {}, norm: {"power": 1.0}})
    np.testing.assert_allclose(outputs["norm"], np.abs(FEATURES).sum(1), rtol=1e-6)


@pytest.mark.parametrize(
    ("heads", "labels", "classes", "message"),
    [
        ({"projection": {}}, None, 3, "heads.projection needs labels, but the discriminator gets none"),
        ({"projection": {}}, LABELS, 0, "heads.projection needs classes, but the data has none"),
        ({"class_logits": {}}, LABELS, 0, "heads.class_logits needs classes"),
        ({"class_logit": {}}, LABELS, 3, "heads: unknown name 'class_logit'; did you mean class_logits"),
        ({"codes": {"value": 3}}, LABELS, 3, "heads.codes: unknown name 'value'; did you mean values"),
        ({"codes": {}}, LABELS, 3, r"heads.codes\(count=0, continuous=0\): expected at least one code"),
        (
            {"logits": {}, "projection": {}},
            LABELS,
            3,
            "heads.projection: another head has the output logits too",
        ),
        ({"class_logits": {}}, LABELS, 3, "expected logits or projection among them, got class_logits"),
        ({}, LABELS, 3, "expected logits or projection among them, got none"),
        ("logits", LABELS, 3, "heads='logits': expected a dict of heads with their hyperparameters"),
    ],
)
def test_mistakes(heads, labels, classes, message):
    with pytest.raises(UsageError, match=message):
        jax.eval_shape(lambda: _read(heads, labels, classes))


def test_an_unknown_heads_error_lists_the_heads():
    with pytest.raises(UsageError, match="these exist: class_logits, codes, embedding, features, logits, "):
        _read({"nothing_like_it": {}})


DISCRIMINATORS = {
    "dcgan": lambda heads: dcgan.Discriminator(width=2, classes=3, heads=heads),
    "mlp": lambda heads: mlp.Discriminator(widths=(4,), classes=3, heads=heads),
    "resnet": lambda heads: resnet.Discriminator(width=2, classes=3, heads=heads),
}


@pytest.mark.parametrize("name", DISCRIMINATORS)
@pytest.mark.parametrize(
    ("heads", "reads_labels"),
    [({"logits": {}}, True), ({"projection": {}}, True), ({"logits": {}, "class_logits": {}}, False)],
    ids=["beside_the_image", "projection", "classifier"],
)
def test_labels_are_an_input_unless_a_head_predicts_them(name, heads, reads_labels):
    net = from_linen(DISCRIMINATORS[name](heads))
    params, carry = jax.jit(net.init)(KEY, IMAGES, LABELS)
    same = jnp.tile(IMAGES[:1], (3, 1, 1, 1))
    # Positive weights, so that no dead unit hides a difference: one label a row.
    rng = np.random.default_rng(2)
    positive = jax.tree.map(lambda leaf: np.float32(rng.uniform(0.1, 1.0, leaf.shape)), params)
    outputs = jax.jit(lambda labels: net.apply(positive, carry, same, labels, key=KEY, train=False)[0])
    for output in outputs(jnp.arange(3)).values():
        assert (np.ptp(np.asarray(output), axis=0).max() > 0) == reads_labels


@pytest.mark.parametrize("name", DISCRIMINATORS)
def test_projection_leaves_the_image_alone(name):
    plain, _ = jax.jit(from_linen(DISCRIMINATORS[name]({"logits": {}})).init)(KEY, IMAGES)
    conditional, _ = jax.jit(from_linen(DISCRIMINATORS[name]({"projection": {}})).init)(KEY, IMAGES, LABELS)
    embedding = conditional.pop("projection_of_label")["embedding"]
    jax.tree.map(np.testing.assert_array_equal, plain, conditional)
    assert embedding.shape[0] == 3


def test_spectral_norm_of_a_projection_discriminator():
    net = wrap.spectral_norm(from_linen(DISCRIMINATORS["mlp"]({"projection": {}})))
    params, carry = net.init(KEY, IMAGES, LABELS)
    assert set(carry["spectral_norm"]) == {
        "Dense_0.kernel",
        "Dense_1.kernel",
        "projection_of_label.embedding",
    }
    scaled = {
        **params,
        "projection_of_label": {"embedding": 9.0 * params["projection_of_label"]["embedding"]},
    }
    plain, large = (
        net.apply(tree, carry, IMAGES, LABELS, key=KEY, train=True)[0]["logits"] for tree in (params, scaled)
    )
    np.testing.assert_allclose(plain, large, rtol=1e-4, atol=1e-6)


def test_a_sample_without_a_class_has_no_embedding():
    """Its projection is psi alone, and its class's embedding is zero."""
    unknown = LABELS.at[0].set(-1)
    outputs, variables = _read({"projection": {}}, unknown)
    psi = jax.tree.map(np.float64, variables["params"]["Dense_0"])
    expected = np.float64(FEATURES[0]) @ psi["kernel"] + psi["bias"]
    np.testing.assert_allclose(outputs["logits"][:1], expected, rtol=1e-5)
    outputs, _ = _read({"logits": {}, "embedding": {"size": 2}}, unknown)
    np.testing.assert_array_equal(
        np.all(outputs["class_embedding"] == 0, axis=1), [True, False, False, False]
    )
