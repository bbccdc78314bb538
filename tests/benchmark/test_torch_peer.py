"""The PyTorch versions: as many parameters, and the same losses, where PyTorch is installed."""

import numpy as np
import parity
import pytest

from gan_jax.benchmark import arithmetic, cases, tiny
from gan_jax.errors import Fault

torch = pytest.importorskip("torch")
from gan_jax.benchmark import torch_peer  # noqa: E402
from gan_jax.benchmark.torch_losses import LOSSES  # noqa: E402


def _image(images, mirror):
    """[B, H, W, C], turned upside down and left to right if `mirror`, as [B, C, H, W]."""
    return torch.from_numpy(np.array(images[:, ::-1, ::-1] if mirror else images)).permute(0, 3, 1, 2)


def _copy(params, net, mirror, size=4):
    """Puts parameters of gan_jax into the same network or its mirror image; the small image has that size."""
    targets = list(net.named_parameters())
    kinds = {name: type(net.get_submodule(name.rpartition(".")[0])).__name__ for name, _ in targets}
    assert len(params) == len(targets)
    for value, (name, target) in zip(params, targets):
        if value.ndim == 4:
            transposed = kinds[name] == "ConvTranspose2d"
            # PyTorch turns a transposed kernel itself.
            value = value[::-1, ::-1] if mirror != transposed else value
            value = value.transpose(2, 3, 0, 1) if transposed else value.transpose(3, 2, 0, 1)
        elif value.ndim == 3:  # a learned image
            value = value.transpose(2, 0, 1)[None]
        elif value.ndim == 2:
            value = _mirrored_dense(value, size).T if mirror else value.T
        with torch.no_grad():
            target.copy_(torch.from_numpy(np.array(value)))


def _mirrored_dense(kernel, size):
    """The kernel of a dense layer from or to an image [size, size, C], for that image mirrored."""
    inputs, outputs = kernel.shape
    if outputs == 1:
        return kernel.reshape(size, size, -1)[::-1, ::-1].reshape(inputs, 1)
    return kernel.reshape(inputs, size, size, -1)[:, ::-1, ::-1].reshape(inputs, outputs)


@pytest.mark.parametrize("name", cases.CASES | cases.DEVICE_CASES)
def test_as_many_parameters(name):
    nets = torch_peer.networks(cases.find(name))
    counts = {player: sum(value.numel() for value in net.parameters()) for player, net in nets.items()}
    assert counts == parity.count(name)


@pytest.mark.parametrize("name", parity.NETWORKS)
def test_same_images_and_loss(name):
    example, mirror = parity.example(name), name == "wgan_gp"  # only there strides meet SAME padding
    nets = torch_peer.networks(example.recipe)
    for player, net in nets.items():
        _copy(example.params[player], net, mirror)
    with torch.no_grad():
        fake = nets["generator"](torch.from_numpy(example.latents))
    np.testing.assert_allclose(fake, _image(example.fake, mirror), rtol=1e-5, atol=1e-5)
    loss = LOSSES[arithmetic.rivalry(example.recipe)][0]
    share = [torch.tensor(example.share)] if name == "wgan_gp" else []
    value = loss(nets["discriminator"], _image(example.real, mirror), fake, parity.WEIGHTS, *share)
    np.testing.assert_allclose(value.item(), example.loss, rtol=1e-5)


def test_losses_by_hand():
    real, fake = torch.tensor([0.5, -2.0]), torch.tensor([1.0, -3.0])

    def losses(name):
        pair = LOSSES[name]
        return pair[0](lambda x: x, real, fake, {}).item(), pair[1](lambda x: x, real, fake).item()

    soft = lambda x: np.mean(np.log1p(np.exp(np.float64(x))))  # noqa: E731
    np.testing.assert_allclose(losses("hinge"), (0.5 * (0.5 + 3) + 0.5 * (2 + 0), 1.0), rtol=1e-6)
    expected = (soft([-0.5, 2]) + soft([1, -3]), soft([-1, 3]))
    np.testing.assert_allclose(losses("non_saturating"), expected, rtol=1e-6)


def test_a_step_moves_both_players_and_the_average():
    torch.manual_seed(0)
    training = torch_peer.Training(parity.small("wgan_gp"))
    before = {player: [v.clone() for v in net.parameters()] for player, net in training.nets.items()}
    training.train_step()
    for player, net in training.nets.items():
        moved = [(new != old).any() for new, old in zip(net.parameters(), before[player]) if new.ndim > 1]
        assert moved and all(moved)
        assert all(value.requires_grad for value in net.parameters())
    # 5 x 4 images: at the start the average follows within a twentieth of what it has seen, almost at once.
    for mean, new in zip(training.average, training.nets["generator"].parameters()):
        torch.testing.assert_close(mean, new, rtol=0, atol=1e-6)


def test_weights_are_cast_to_bfloat16_anew_for_each_update():
    """Autocast keeps the casts of weights until it is left, whatever an optimizer does meanwhile."""
    recipe = tiny.case("mlp", few_pixels=True)
    recipe.precision, recipe.updates = "bfloat16", dict(discriminator=2, generator=1)
    recipe.optimizers["discriminator"]["adam"]["learning_rate"] = 0.1
    training, calls, updated = torch_peer.Training(recipe), [], []
    discriminator, descend = training.nets["discriminator"], training.descend
    hook = discriminator.register_forward_hook(lambda _, images, logits: calls.append((images[0], logits)))

    def watched(player, loss):
        descend(player, loss)
        updated.append({name: value.clone() for name, value in discriminator.state_dict().items()})

    training.descend = watched
    training.train_step()
    hook.remove()
    # Real and fake of the first update, then real of the second one.
    images, logits = calls[2]
    discriminator.load_state_dict(updated[0])
    with torch.no_grad(), training.autocast():
        expected = discriminator(images)
    assert logits.dtype == torch.bfloat16
    torch.testing.assert_close(logits.detach(), expected, rtol=0, atol=0)


@pytest.mark.parametrize(
    "name, players",
    [("mlp", ["generator", "discriminator"]), ("sngan", ["generator"]), ("r3gan_wide", ["generator"])],
)
def test_networks_with_one_derivative_and_without_spectral_norm_are_compiled(monkeypatch, name, players):
    compiled = []
    monkeypatch.setattr(torch, "compile", lambda net, **options: compiled.append((net, options)) or net)
    training = torch_peer.Training(tiny.case(name, few_pixels=True), compiled=True)
    assert {id(net) for net, _ in compiled} == {id(training.nets[player]) for player in players}
    assert all(options == dict(mode="reduce-overhead", dynamic=False) for _, options in compiled)


def test_a_case_of_which_nothing_can_be_compiled_says_so():
    with pytest.raises(Fault, match="no network of this case can be compiled"):
        torch_peer.speed("sagan", "bfloat16", 0.01, few_pixels=True, compiled=True)


@pytest.mark.parametrize("name", cases.DEVICE_CASES)
def test_every_case_of_a_device_is_measured_in_bfloat16(name):
    measured = torch_peer.speed(name, "bfloat16", 0.01, few_pixels=True, compiled=False)
    assert measured["milliseconds"] > 0 and measured["first_call_seconds"] > 0
    assert measured["images"] == tiny.case(name, few_pixels=True).samples_per_step
