import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from gan_jax.nets.linen import from_linen


class Normed(nn.Module):
    @nn.compact
    def __call__(self, x, *, train):
        return nn.BatchNorm(use_running_average=not train, momentum=0.9, use_bias=False, use_scale=False)(
            x
        ) + self.param("offset", nn.initializers.zeros, (1,))


def test_carry_moves_in_training_and_rests_in_evaluation():
    net, x = from_linen(Normed()), jnp.array([[1.0], [3.0]])
    params, carry = net.init(jax.random.key(0), x)
    assert set(params) == {"offset"} and set(carry) == {"batch_stats"}
    out, moved = net.apply(params, carry, x, key=jax.random.key(0), train=True)
    np.testing.assert_allclose(out, [[-1.0], [1.0]], atol=1e-4)
    # Running mean: 0.9 * 0 + 0.1 * 2; running variance: 0.9 * 1 + 0.1 * 1.
    stats = moved["batch_stats"]["BatchNorm_0"]
    np.testing.assert_allclose([stats["mean"][0], stats["var"][0]], [0.2, 1.0], rtol=1e-6)
    out, rested = net.apply(params, moved, x, key=None, train=False)
    np.testing.assert_allclose(out, (x - 0.2) / np.sqrt(1 + 1e-5), rtol=1e-5)
    assert rested is moved


class Noisy(nn.Module):
    @nn.compact
    def __call__(self, x, *, train):
        draws = {"noise": jax.random.normal(self.make_rng("noise"), x.shape)}
        if train:
            draws["dropout"] = jax.random.normal(self.make_rng("dropout"), x.shape)
        return draws


def test_noise_is_there_in_evaluation_too_and_is_not_that_of_dropout():
    net, x = from_linen(Noisy()), jnp.zeros((3,))
    draw = {
        train: [net.apply({}, {}, x, key=jax.random.key(seed), train=train)[0] for seed in (0, 0, 1)]
        for train in (False, True)
    }
    for first, again, other in draw.values():
        np.testing.assert_array_equal(first["noise"], again["noise"])
        assert (first["noise"] != other["noise"]).all()
    np.testing.assert_array_equal(draw[False][0]["noise"], draw[True][0]["noise"])
    assert set(draw[False][0]) == {"noise"} and (draw[True][0]["noise"] != draw[True][0]["dropout"]).all()
