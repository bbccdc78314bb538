"""The cases in PyTorch, eager: channels_last, fused Adam, and no unneeded gradient.

The generator's update uses the samples of the discriminator's first update, generated once; samples of
further updates are generated without autograd. The discriminator's parameters are frozen in the generator's
update, gradients are set to None, and no step waits for a number.
"""

import torch

from gan_jax.benchmark import arithmetic
from gan_jax.benchmark.subject import Subject
from gan_jax.benchmark.synthetic import pixels_of
from gan_jax.benchmark.torch_losses import LOSSES
from gan_jax.benchmark.torch_networks import network
from gan_jax.recipe import Recipe


def networks(recipe: Recipe) -> dict[str, torch.nn.Module]:
    """The recipe's networks.

    Args:
        recipe: The Recipe.

    Returns:
        Dict of nn.Module by player.
    """
    sizes = (recipe.data["resolution"], recipe.data["channels"])
    return {
        "generator": network(recipe.nets["generator"], *sizes, arithmetic.latents(recipe)[1]),
        "discriminator": network(recipe.nets["discriminator"], *sizes),
    }


class Training:
    """A recipe's state and its step, as a user's script has them.

    Args:
        recipe: The Recipe.
    """

    def __init__(self, recipe: Recipe) -> None:
        self.recipe, self.step = recipe, 0
        data = recipe.data
        self.images = torch.from_numpy(pixels_of(data["resolution"], data["channels"], data["size"]))
        self.nets = networks(recipe)
        self.optimizers = {player: self._adam(player) for player in self.nets}
        self.losses = LOSSES[arithmetic.rivalry(recipe)]
        self.average = [value.detach().clone() for value in self.nets["generator"].parameters()]

    def _adam(self, player):
        options = arithmetic.adam(self.recipe, player)
        return torch.optim.Adam(
            self.nets[player].parameters(),
            lr=arithmetic.at(options["learning_rate"], 0),
            betas=(options["b1"], options["b2"]),
            eps=options["eps"],
            fused=True,
        )

    def latents(self) -> torch.Tensor:
        """Latents, [B, size]."""
        name, size = arithmetic.latents(self.recipe)
        shape = (self.recipe.batch_size, size)
        return torch.randn(shape) if name == "normal" else torch.rand(shape).mul_(2).sub_(1)

    def real(self) -> torch.Tensor:
        """Rows drawn with replacement, float32 [B, C, H, W] in [-1, 1], channels_last."""
        rows = torch.randint(len(self.images), (self.recipe.batch_size,))
        return self.images.index_select(0, rows).permute(0, 3, 1, 2).float().div_(127.5).sub_(1)

    def descend(self, player: str, loss: torch.Tensor) -> None:
        """One update of a player."""
        optimizer, rate = self.optimizers[player], self.recipe.optimizers[player]["adam"]["learning_rate"]
        if isinstance(rate, dict):
            for group in optimizer.param_groups:
                group["lr"] = arithmetic.at(rate, self.step)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()

    def train_step(self) -> None:
        """All updates of the discriminator, one of the generator, then the average."""
        generator, discriminator = self.nets["generator"], self.nets["discriminator"]
        terms = self.recipe.losses["discriminator"]
        weights = {name: arithmetic.at(weight, self.step) for name, weight in terms.items()}
        shared = generator(self.latents())
        for update in range(self.recipe.updates["discriminator"]):
            real, fake = self.real(), shared.detach()
            if update:
                with torch.no_grad():
                    fake = generator(self.latents())
            self.descend("discriminator", self.losses[0](discriminator, real, fake, weights))
        discriminator.requires_grad_(False)
        self.descend("generator", self.losses[1](discriminator, real.detach(), shared))
        discriminator.requires_grad_(True)
        if self.recipe.average:
            decay = arithmetic.average_decay(self.recipe, self.step)
            with torch.no_grad():
                torch._foreach_lerp_(self.average, list(generator.parameters()), 1 - decay)
        self.step += 1


def prepare(recipe: Recipe) -> Subject:
    """A recipe, ready to train on the CPU.

    Args:
        recipe: The Recipe.

    Returns:
        The Subject.
    """
    torch.manual_seed(recipe.seed)
    training = Training(recipe)

    def advance(count):
        for _ in range(count):
            training.train_step()

    return Subject(
        advance=advance,
        parameters={
            player: sum(value.numel() for value in net.parameters()) for player, net in training.nets.items()
        },
        versions={"torch": torch.__version__, "threads": torch.get_num_threads()},
    )
