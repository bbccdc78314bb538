"""The discriminator's loss of a small case as gan_jax computes it, for comparison with other frameworks."""

from typing import Any, NamedTuple

import jax
import numpy as np

from gan_jax import build, losses, penalties
from gan_jax.benchmark import cases
from gan_jax.nets import dcgan, r3gan, resnet
from gan_jax.nets.linen import from_linen

BATCH = 4
# By case, its networks, small. SNGAN's are without spectral norm here, whose vectors
# every framework draws differently.
NETWORKS = {
    "wgan_gp": (dcgan, dict(width=4), dict(width=4, batch_norm=False)),
    "sngan": (resnet, dict(width=4), dict(width=4)),
    "r3gan": (r3gan, dict(widths=(8, 16), blocks=1), dict(widths=(8, 16), blocks=1)),
}
# Weights of the penalties of `_loss`.
WEIGHTS = dict(gradient_penalty=10.0, r1=1.0, r2=1.0)


class Example(NamedTuple):
    """Inputs and outputs of a case, NumPy float32, images [B, H, W, C].

    `params` are a list by player, in the order in which the network creates them.
    """

    recipe: Any
    params: dict
    latents: Any
    real: Any
    share: Any
    fake: Any
    loss: float


def small(name):
    """A case at 16 pixels and a few channels wide."""
    recipe = cases.find(name)
    recipe.data.update(resolution=16, size=8)
    recipe.game["latents"]["size"], recipe.batch_size = 6, BATCH
    widths = dict(widths=(8, 16)) if name == "r3gan" else dict(width=4)
    for net in recipe.nets.values():
        net.update(widths)
        net.pop("wrap", None)
    return recipe


def example(name):
    """The discriminator's loss of a case in NETWORKS, with all its penalties."""
    recipe, draw = small(name), np.random.default_rng(5)
    nets = _nets(name, recipe.data["channels"])
    latents = np.float32(draw.normal(size=(BATCH, 6)))
    real = np.float32(draw.uniform(-1, 1, (BATCH, 16, 16, recipe.data["channels"])))
    orders = {}

    def start(keys):
        state = {"generator": nets["generator"].init(keys[0], latents)}
        state["discriminator"] = nets["discriminator"].init(keys[1], real)
        orders.update({player: list(_paths(params)) for player, (params, _) in state.items()})
        return state

    keys = jax.random.split(jax.random.key(3), 4)
    shapes = jax.eval_shape(start, keys)
    params, carry = ({player: shape[part] for player, shape in shapes.items()} for part in (0, 1))
    # Not the initial values, which are zero for some kernels and all biases.
    params = jax.tree.map(lambda x: np.float32(draw.normal(size=x.shape) * 0.3), params)
    carry = jax.tree.map(lambda x: np.ones(x.shape, np.float32), carry)
    fake, loss = jax.jit(_loss, static_argnums=(0, 1))(
        name, _Nets(**nets), params, carry, latents, real, keys[3]
    )
    share = np.asarray(jax.random.uniform(keys[3], (BATCH,))).reshape(-1, 1, 1, 1)
    ordered = {player: [_at(params[player], path) for path in orders[player]] for player in params}
    return Example(recipe, ordered, latents, real, share, np.asarray(fake), float(loss))


class _Nets(NamedTuple):
    generator: Any
    discriminator: Any


def _nets(name, channels):
    module, generator, discriminator = NETWORKS[name]
    return {
        "generator": from_linen(module.Generator(resolution=16, channels=channels, **generator)),
        "discriminator": from_linen(module.Discriminator(**discriminator)),
    }


def _loss(name, nets, params, carry, latents, real, key):
    """Fakes, and the discriminator's loss with its penalties."""

    def apply(player, x):
        net = getattr(nets, player)
        return net.apply(params[player], carry[player], x, key=key, train=True)[0]

    def critic(images):
        return apply("discriminator", images)["logits"]

    fake = apply("generator", latents)
    logits = critic(real), critic(fake)
    if name == "sngan":
        return fake, losses.hinge_discriminator(*logits).mean()
    if name == "r3gan":
        loss = losses.relativistic_discriminator(*logits).mean()
        return fake, loss + penalties.r1(critic, real).mean() + penalties.r2(critic, fake).mean()
    loss = losses.wasserstein_discriminator(*logits).mean()
    return fake, loss + 10 * penalties.gradient_penalty(critic, real, fake, key).mean()


def _paths(params, path=()):
    """Paths of leaves in the order in which a network creates them; JAX would sort them."""
    for name, value in params.items():
        if isinstance(value, dict):
            yield from _paths(value, (*path, name))
        else:
            yield (*path, name)


def _at(params, path):
    for name in path:
        params = params[name]
    return params


def count(name):
    """Number of parameters of a case by player, in gan_jax; nothing is computed."""
    recipe = cases.find(name)
    modality = build.source(recipe).modality
    train_spec = build.train_spec(recipe, modality)
    params = jax.eval_shape(build.start(train_spec, modality, 2), jax.random.key(0)).params
    return {player: sum(leaf.size for leaf in jax.tree.leaves(p)) for player, p in params.items()}
