"""Every adversarial loss with every penalty and no, fixed or adaptive augmentation, through the one step."""

import inspect
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from gan_jax import augment, losses, penalties, step
from gan_jax.games import gan
from gan_jax.terms import check, reads
from gan_jax.types import Net, Term

SIDE, SIZE, BATCH = 8, 4, 4
FILES = ("adversarial", "relativistic", "divergences", "energies", "distances", "didactic")


def _functions(module):
    return {
        n: f for n, f in inspect.getmembers(module, inspect.isfunction) if f.__module__ == module.__name__
    }


ADVERSARIAL = sorted(
    name.removesuffix("_discriminator")
    for name in losses.__all__
    if name.endswith("_discriminator") and getattr(losses, name).__module__.rpartition(".")[2] in FILES
)
PENALTIES = sorted(name for name in _functions(penalties) if not name.startswith("_"))
AUGMENTS = {
    "none": augment.chain(),
    "diffaugment": augment.chain(augment.diffaugment()),
    "adaptive": augment.chain(augment.adaptive(start=0.5)),
}
# Traced once and then reused: a thousand combinations share three augmentations.
TRACED = {
    name: augmentation._replace(apply=jax.jit(augmentation.apply)) for name, augmentation in AUGMENTS.items()
}


def _linear(key, size_in, size_out):
    return 0.1 * jax.random.normal(key, (size_in, size_out))


def _generate(params, carry, latents, *, key, train):
    images = jnp.tanh(latents @ params["kernel"] + params["bias"])
    return images.reshape(-1, SIDE, SIDE, 1), carry


def _discriminate(params, carry, images, *, key, train):
    features = jnp.tanh(images.reshape(len(images), -1) @ params["hidden"])
    logits = features @ params["out"]
    return {"logits": logits, "features": features, "energy": jnp.square(logits)}, carry


NETS = {
    "generator": Net(
        lambda key, _: ({"kernel": _linear(key, SIZE, SIDE**2), "bias": jnp.zeros(SIDE**2)}, ()), _generate
    ),
    "discriminator": Net(
        lambda key, _: ({"hidden": _linear(key, SIDE**2, 8), "out": _linear(key, 8, 1)[:, 0]}, ()),
        _discriminate,
    ),
}
OPTIMIZERS = {player: optax.adam(1e-3) for player in NETS}
IMAGES = jnp.tanh(jax.random.normal(jax.random.key(7), (1, BATCH, SIDE, SIDE, 1)))


def _game(augmented):
    averages = dict(discriminator=("real_logits", "fake_logits"))
    game = gan(NETS, lambda key, count: jax.random.normal(key, (count, SIZE)), augmented, averages=averages)

    def play(context):
        outputs, carry = game.play(context)
        # What the equilibrium game will keep: the balance of real and fake energies.
        return {**outputs, "balance": jnp.float32(0.5)}, carry

    return game._replace(play=play)


def _terms(loss, penalty):
    discriminator, generator = (getattr(losses, f"{loss}_{side}") for side in ("discriminator", "generator"))
    return {
        "discriminator": {"loss": Term(discriminator), "penalty": Term(getattr(penalties, penalty), 0.1)},
        "generator": {"loss": Term(generator)},
    }


def _step(loss, penalty, augmented):
    def run(state, key):
        updates = {"discriminator": 1, "generator": 1}
        batches = {"real": IMAGES}
        spec = step.TrainSpec(_game(augmented), _terms(loss, penalty), OPTIMIZERS, {}, updates, {})
        return step.train_step(spec, state, batches, key)

    return run


def _start(augmented):
    return step.init(_game(augmented), OPTIMIZERS, (), jax.random.key(0), {"real": IMAGES[0]})


def test_there_are_as_many_as_the_library_has():
    assert len(ADVERSARIAL) >= 23 and len(PENALTIES) >= 14


@pytest.mark.parametrize("augmented", AUGMENTS)
@pytest.mark.parametrize("loss", ADVERSARIAL)
def test_traces_with_every_penalty(loss, augmented):
    augmentation = TRACED[augmented]
    state = jax.eval_shape(lambda: _start(augmentation))
    for penalty in PENALTIES:
        after, scalars = jax.eval_shape(_step(loss, penalty, augmentation), state, jax.random.key(0))
        assert jax.tree.structure(after) == jax.tree.structure(state)
        assert {value.dtype for value in scalars.values()} == {jnp.dtype(jnp.float32)}
        assert set(scalars) == {"discriminator/loss", "discriminator/penalty", "generator/loss"}


SOME = np.random.default_rng(0).permutation(
    np.array(list(itertools.product(ADVERSARIAL, PENALTIES, AUGMENTS)), dtype=object)
)[:6]


@pytest.mark.parametrize("loss, penalty, augmented", SOME)
def test_a_random_sample_runs_ten_finite_steps(loss, penalty, augmented):
    run = jax.jit(_step(loss, penalty, AUGMENTS[augmented]))
    first = state = _start(AUGMENTS[augmented])
    for _ in range(10):
        state, scalars = run(state, jax.random.key(1))
        assert all(np.isfinite(value) for value in scalars.values())
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(state.params))
    moved = jax.tree.map(lambda a, b: not np.array_equal(a, b), first.params, state.params)
    assert all(any(jax.tree.leaves(moved[player])) for player in NETS)


def test_every_term_reads_what_the_game_offers():
    context = {}

    def look():
        from gan_jax.types import Context

        state = _start(AUGMENTS["none"])
        context["outputs"], _ = _game(AUGMENTS["none"]).play(
            Context(state.params, state.carry, {"real": IMAGES[0]}, jax.random.key(0), state.step)
        )

    jax.eval_shape(look)
    for loss, penalty in itertools.product(ADVERSARIAL, PENALTIES):
        for player, terms in _terms(loss, penalty).items():
            check(player, terms, [*context["outputs"], "params"])
    assert reads(penalties.lecam)[2] == "average_real_logits"
