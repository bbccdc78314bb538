import pytest

from gan_jax import games
from gan_jax.errors import UsageError
from gan_jax.games.players import networks
from gan_jax.types import Net


def test_networks_of_the_players_and_no_others():
    nets = {player: _saying({"logits": 1}) for player in ("discriminator", "generator", "encoder")}
    nets_of_players = networks(nets, ("generator", "discriminator"))
    assert (
        list(nets_of_players) == ["generator", "discriminator"]
        and nets_of_players["generator"] is nets["generator"]
    )
    assert nets_of_players["discriminator"].apply("params", "carry", key=None, train=True) == (
        {"logits": 1},
        "carry",
    )


@pytest.mark.parametrize(
    "outputs, said", [({"energy": 1, "mean": 2}, "a dict of energy, mean"), (3.0, "a value of type float")]
)
def test_networks_that_do_not_say_what_the_game_reads(outputs, said):
    net = networks({"critic": _saying(outputs)}, ("critic",), {"critic": "logits"})["critic"]
    message = f"nets.critic: expected a dict of heads with 'logits' among them, got {said}"
    with pytest.raises(UsageError, match=message):
        net.apply("params", "carry", key=None, train=True)


def _saying(outputs):
    return Net(None, lambda params, carry, *inputs, key, train: (outputs, carry))


@pytest.mark.parametrize("game", [games.gan, games.bigan, games.vaegan, games.autoencoding])
def test_a_player_without_a_network_is_named(game):
    with pytest.raises(
        UsageError, match="nets: this game needs a network for 'discriminator', got generator, encoder"
    ):
        game({"generator": _saying({}), "encoder": _saying({})}, None, None)


@pytest.mark.parametrize("game", [games.gan, games.bigan, games.vaegan, games.autoencoding])
def test_a_player_of_several_networks_is_refused(game):
    several = {"there": _saying({}), "back": _saying({})}
    nets = {"generator": several, "encoder": _saying({}), "discriminator": _saying({})}
    with pytest.raises(
        UsageError, match="nets.generator: this game needs one network, got several: there, back"
    ):
        game(nets, None, None)
