import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from numpy_layers import conv, drawn, images, instance_norm, leaky, shapes

from gan_jax import augment, losses, penalties, step, wrap
from gan_jax.errors import UsageError
from gan_jax.games import gan
from gan_jax.nets.linen import from_linen
from gan_jax.nets.patch_gan import Discriminator
from gan_jax.terms import total
from gan_jax.types import Context, Net, Term


def test_the_papers_discriminator_of_70_pixels():
    """2,768,705 parameters in the authors' code, for a source and an image of three channels each."""
    outputs, count = shapes(Discriminator(), (1, 256, 256, 3), (1, 256, 256, 3))
    assert outputs["logits"] == (1, 30, 30)
    kernels = 16 * (6 * 64 + 64 * 128 + 128 * 256 + 256 * 512 + 512 * 1)
    assert count == 2_768_705 == kernels + 64 + 1 + 2 * (128 + 256 + 512)
    assert outputs["layers"] == ((1, 128, 128, 64), (1, 64, 64, 128), (1, 32, 32, 256), (1, 31, 31, 512))


def test_the_papers_discriminator_of_one_pixel():
    outputs, count = shapes(Discriminator(halvings=0), (1, 5, 7, 3))
    assert outputs["logits"] == (1, 5, 7) and count == 3 * 64 + 64 + 64 * 128 + 2 * 128 + 128 + 1


def test_widths_grow_eightfold_at_most():
    outputs, _ = shapes(Discriminator(halvings=5), (1, 256, 256, 3))
    assert [shape[-1] for shape in outputs["layers"]] == [64, 128, 256, 512, 512, 512]


@pytest.mark.parametrize("halvings, field", [(0, 1), (1, 16), (2, 34), (3, 70), (5, 286)])
def test_the_receptive_field_of_a_logit(halvings, field):
    """The pixels of an image that a logit in its middle has a derivative by."""
    image = jnp.ones((1, field + 40, field + 31, 1))
    net, params, carry = drawn(Discriminator(width=1, halvings=halvings, norm="no_norm"), image)
    params = jax.tree.map(np.abs, params)  # So that no derivatives cancel.

    def middle(image):
        logits = net.apply(params, carry, image, key=jax.random.key(0), train=True)[0]["logits"][0]
        return logits[logits.shape[0] // 2, logits.shape[1] // 2]

    rows, columns = np.nonzero(jax.jit(jax.grad(middle))(image)[0, :, :, 0])
    assert (np.ptp(rows) + 1, np.ptp(columns) + 1) == (field, field)


def test_values_of_a_small_discriminator():
    x, source = images(2, 7, 6, 1), images(2, 7, 6, 2, seed=2)
    net, p, carry = drawn(Discriminator(width=2, halvings=1), x, source)
    large = leaky(conv(np.concatenate([x, source], -1), p["PaddedConv_0"], 2, (1, 1)), 0.2)
    small = leaky(instance_norm(conv(large, p["PaddedConv_1"], 1, (1, 1)), p["InstanceNorm_0"]), 0.2)
    expected = conv(small, p["PaddedConv_2"], 1, (1, 1))[..., 0]
    found, _ = jax.jit(lambda *inputs: net.apply(p, carry, *inputs, key=jax.random.key(0), train=True))(
        x, source
    )
    np.testing.assert_allclose(found["logits"], expected, atol=1e-5)
    assert expected.shape == (2, 1, 1)
    for layer, value in zip(found["layers"], (large, small), strict=True):
        np.testing.assert_allclose(layer, value, atol=1e-5)


@pytest.mark.parametrize("size, logits", [((37, 50), (2, 4)), ((24, 25), (1, 1))])
def test_odd_sizes(size, logits):
    # 37 is halved to 18, 9 and 4, and 50 to 25, 12 and 6; two convolutions then take a pixel each.
    assert shapes(Discriminator(width=1), (1, *size, 3))[0]["logits"] == (1, *logits)


def test_images_too_small_for_a_patch_are_one_line():
    with pytest.raises(UsageError) as error:
        shapes(Discriminator(width=1), (1, 40, 23, 3))
    expected = "images of 40 x 23 pixels: expected at least 24 a side at halvings=3"
    assert str(error.value).splitlines()[0] == f"patch_gan.Discriminator: {expected}"


@pytest.mark.parametrize(
    "source, described", [((2, 4, 4, 1), "float32[2, 4, 4, 1]"), ((2,), "float32[2]")], ids=str
)
def test_a_source_of_another_size_is_one_line(source, described):
    with pytest.raises(UsageError) as error:
        shapes(Discriminator(width=1, halvings=1), (2, 8, 8, 1), source)
    expected = (
        f"got an array {described} beside images [2, 8, 8, 1]: expected images of their height and width"
    )
    assert str(error.value).splitlines()[0] == f"patch_gan.Discriminator: {expected}"


def _generator():
    """A network with latents beside the source, whose output is a shifted source."""

    def apply(params, carry, latents, source, *, key, train):
        return jnp.tanh(source[..., :1] + params["shift"] + 0 * latents.sum()), carry

    return Net(lambda key, latents, source: ({"shift": jnp.zeros(())}, ()), apply)


BATCH = {"real": images(4, 8, 8, 1), "source": images(4, 8, 8, 2, seed=3)}
NETS = {"generator": _generator(), "discriminator": from_linen(Discriminator(width=2, halvings=1))}
TERMS = {
    "discriminator": {"loss": Term(losses.least_squares_discriminator)},
    "generator": {"loss": Term(losses.least_squares_generator), "layers": Term(losses.layer_matching, 10.0)},
}


def _game(augmented):
    """Generator and PatchGAN, both conditioned on `source`."""
    averages = dict(discriminator=("real_logits", "fake_logits"))
    return gan(
        NETS,
        lambda key, count: jax.random.normal(key, (count, 2)),
        augmented,
        condition_on=("source",),
        averages=averages,
    )


def test_a_conditional_game():
    game, key = _game(augment.chain()), jax.random.key(0)
    params, carry = jax.eval_shape(game.init, key, BATCH)
    carry = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), carry)
    random = np.random.default_rng(0)
    params = jax.tree.map(lambda leaf: np.float32(0.2 * random.normal(size=leaf.shape)), params)

    @jax.jit
    @jax.grad
    def slopes(params):
        outputs, _ = game.play(Context(params, carry, BATCH, key, 0))
        assert outputs["real_logits"].shape == (4, 2, 2)
        return sum(total(terms, outputs, 0)[0] for terms in TERMS.values())

    gradient = slopes(params)
    kernel = np.abs(gradient["discriminator"]["PaddedConv_0"]["kernel"])
    # Image and source stand beside each other, and both are looked at.
    assert kernel.shape == (4, 4, 1 + 2, 2) and (kernel.max((0, 1, 3)) > 0).all()
    assert gradient["generator"]["shift"] != 0


def test_adaptive_augmentation_and_penalties_take_logits_of_patches():
    game, optimizers = _game(augment.chain(augment.adaptive())), {player: optax.sgd(0.1) for player in NETS}
    terms = {
        **TERMS,
        "discriminator": {**TERMS["discriminator"], "penalty": Term(penalties.gradient_penalty)},
    }
    spec = step.TrainSpec(game, terms, optimizers, {}, {"discriminator": 1, "generator": 1}, {})

    def run(batch, key):
        state = step.init(game, optimizers, (), key, batch)
        return step.train_step(spec, state, jax.tree.map(lambda array: array[None], batch), key)

    after, scalars = jax.eval_shape(run, BATCH, jax.random.key(0))
    assert {value.shape for value in scalars.values()} == {()} and len(scalars) == 4
    assert after.carry["discriminator"]["averages"]["real_logits"].shape == ()


def test_weights_of_a_patch_gan_may_be_normalised_spectrally():
    net, x = (
        wrap.spectral_norm(from_linen(Discriminator(width=2, halvings=1, norm="no_norm"))),
        images(2, 8, 8, 1),
    )
    params, carry = jax.eval_shape(net.init, jax.random.key(0), x)
    assert len(carry["spectral_norm"]) == 3 and set(params) == {f"PaddedConv_{i}" for i in range(3)}
