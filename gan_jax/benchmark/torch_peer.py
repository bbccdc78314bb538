"""The cases in PyTorch: channels_last, fused Adam, and no unneeded gradient.

The generator's update uses the samples of the discriminator's first update, generated once; samples of
further updates are generated without autograd. The discriminator's parameters are frozen in the generator's
update, gradients are set to None, and no step waits for a number.
"""

import gc
import statistics
import time
from typing import Any

import torch

from gan_jax.benchmark import arithmetic, tiny
from gan_jax.benchmark.subject import Subject
from gan_jax.benchmark.synthetic import pixels_of
from gan_jax.benchmark.torch_losses import LOSSES
from gan_jax.benchmark.torch_networks import network
from gan_jax.benchmark.worker import timed
from gan_jax.errors import Fault
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
        recipe: The Recipe; `precision="bfloat16"` is autocast.
        device: Where everything lies.
        compiled: Whether the networks go through `torch.compile`, with CUDA graphs where they apply. Two
            kinds do not: a discriminator with penalties, since what is compiled cannot be differentiated
            twice; and networks with spectral norm, which changes the vectors that an earlier call's gradient
            needs.

    Raises:
        Fault: No network can be compiled.
    """

    def __init__(self, recipe: Recipe, device: str = "cpu", compiled: bool = False) -> None:
        self.recipe, self.step, self.device = recipe, 0, device
        data = recipe.data
        pixels = pixels_of(data["resolution"], data["channels"], data["size"])
        self.images = torch.from_numpy(pixels).to(device)
        self.nets = {player: net.to(device) for player, net in networks(recipe).items()}
        self.apply: dict[str, Any] = dict(self.nets)
        for player in _compilable(recipe) if compiled else ():
            self.apply[player] = torch.compile(
                self.nets[player],
                mode="reduce-overhead",
                dynamic=False,  # By default the second network's shapes make those of both variable.
            )
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
        shape, on = (self.recipe.batch_size, size), dict(device=self.device)
        return torch.randn(shape, **on) if name == "normal" else torch.rand(shape, **on).mul_(2).sub_(1)

    def real(self) -> torch.Tensor:
        """Rows drawn with replacement, float32 [B, C, H, W] in [-1, 1], channels_last."""
        rows = torch.randint(len(self.images), (self.recipe.batch_size,), device=self.device)
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

    def autocast(self) -> torch.autocast:
        """The recipe's precision, for forward passes; it keeps weights that it has cast until it is left."""
        kind = torch.device(self.device).type
        return torch.autocast(kind, torch.bfloat16, enabled=self.recipe.precision == "bfloat16")

    def train_step(self) -> None:
        """All updates of the discriminator, one of the generator, then the average."""
        torch.compiler.cudagraph_mark_step_begin()  # Outputs of CUDA graphs live until here.
        self._play()
        if self.recipe.average:
            decay = arithmetic.average_decay(self.recipe, self.step)
            with torch.no_grad():
                live = list(self.nets["generator"].parameters())
                torch._foreach_lerp_(self.average, live, 1 - decay)
        self.step += 1

    def _play(self):
        """All updates of both players."""
        generator, discriminator = self.apply["generator"], self.apply["discriminator"]
        terms = self.recipe.losses["discriminator"]
        weights = {name: arithmetic.at(weight, self.step) for name, weight in terms.items()}
        with self.autocast():
            shared = generator(self.latents())
        for update in range(self.recipe.updates["discriminator"]):
            real, fake = self.real(), shared.detach()
            if update:
                with torch.no_grad(), self.autocast():
                    fake = generator(self.latents())
            with self.autocast():
                loss = self.losses[0](discriminator, real, fake, weights)
            self.descend("discriminator", loss)
        self.nets["discriminator"].requires_grad_(False)
        with self.autocast():
            loss = self.losses[1](discriminator, real.detach(), shared)
        self.descend("generator", loss)
        self.nets["discriminator"].requires_grad_(True)


def _compilable(recipe):
    """The players whose networks can be compiled."""
    penalised = ["discriminator"] if len(recipe.losses["discriminator"]) > 1 else []
    normed = [player for player, net in recipe.nets.items() if "spectral_norm" in net.get("wrap", {})]
    if rest := [player for player in recipe.nets if player not in [*penalised, *normed]]:
        return rest
    raise Fault("no network of this case can be compiled")


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


def speed(case: str, precision: str, seconds: float, few_pixels: bool, compiled: bool) -> dict[str, Any]:
    """Trains a case on the GPU, or on the CPU without one, and measures it: a task of `benchmark.device`.

    Args:
        case: A name in `cases.DEVICE_CASES`.
        precision: `float32`, `tf32` or `bfloat16`.
        seconds: Approximate duration of each block of steps; 0 to compile only.
        few_pixels: Whether networks and images are tiny.
        compiled: As in Training.

    Returns:
        Dict of `milliseconds` per step, `images` per step, `first_call_seconds` and `memory_mib`, without the
        first and the last if it only compiles.
    """
    recipe = tiny.case(case, few_pixels)
    recipe.precision = "bfloat16" if precision == "bfloat16" else "float32"
    on_gpu = torch.cuda.is_available()
    # What an earlier case has compiled, which counts towards a limit, and its memory.
    torch.compiler.reset()
    gc.collect()
    torch.set_float32_matmul_precision("highest" if precision == "float32" else "high")
    torch.backends.cudnn.allow_tf32 = precision != "float32"
    torch.backends.cudnn.benchmark = True
    if on_gpu:
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    torch.manual_seed(recipe.seed)
    training = Training(recipe, "cuda" if on_gpu else "cpu", compiled)

    def advance(count):
        for _ in range(count):
            training.train_step()
        if on_gpu:
            torch.cuda.synchronize()

    begun = time.perf_counter()
    advance(1)
    result = {"images": recipe.samples_per_step, "first_call_seconds": time.perf_counter() - begun}
    if not seconds:
        return result
    blocks = timed(advance, seconds)[1]
    return {
        **result,
        "milliseconds": statistics.median(blocks),
        "memory_mib": torch.cuda.max_memory_allocated() / 2**20 if on_gpu else None,
    }
