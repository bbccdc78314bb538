import pytest

from gan_jax import games
from gan_jax.errors import UsageError
from gan_jax.games.players import networks


def test_networks_of_the_players_and_no_others():
    nets = {"discriminator": 1, "generator": 2, "encoder": 3}
    assert networks(nets, ("generator", "discriminator")) == {"generator": 2, "discriminator": 1}


@pytest.mark.parametrize("game", [games.gan, games.bigan, games.vaegan, games.autoencoding])
def test_a_player_without_a_network_is_named(game):
    with pytest.raises(
        UsageError, match="nets: nothing for 'discriminator', who plays this game; it has gen"
    ):
        game({"generator": None, "encoder": None}, None, None)
