"""VGG on random weights of a few channels, in files of torchvision's layout, against loops in float64."""

import jax
import numpy as np
import pytest
import safetensors_writer
import torch_writer

from gan_jax import losses
from gan_jax.errors import UsageError
from gan_jax.features import vgg

# torchvision's places of convolutions, counted by hand: each has a ReLU behind it, each block a pooling.
PLACES = {
    16: [0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28],
    19: [0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28, 30, 32, 34],
}
BLOCKS = {16: [2, 2, 3, 3, 3], 19: [2, 2, 4, 4, 4]}


def _weights(depth):
    """Tensors by name: two to six channels, and one of the dense layers, which nobody reads."""
    random, tensors, channels = np.random.default_rng(depth), {}, 3
    for number, place in enumerate(PLACES[depth]):
        features = 2 + number % 5
        tensors[f"features.{place}.weight"] = random.normal(size=(features, channels, 3, 3)) / 3
        tensors[f"features.{place}.bias"] = random.normal(size=features) / 3
        channels = features
    tensors["classifier.0.weight"] = random.normal(size=(2, 2))
    return {name: array.astype(np.float32) for name, array in tensors.items()}


def _write(folder, tensors, ending):
    if ending == "safetensors":
        return safetensors_writer.write(folder / "vgg.safetensors", tensors)
    packed = {name: torch_writer.tensor(array) for name, array in tensors.items()}
    return str(torch_writer.WRITERS[ending](folder / "vgg.pth", packed))


def _conv(x, kernel, bias):
    """Pixel by pixel; the kernel is [out, in, 3, 3]."""
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    y = np.zeros((*x.shape[:3], len(kernel)))
    for row in range(x.shape[1]):
        for column in range(x.shape[2]):
            y[:, row, column] = np.einsum(
                "bijc,ocij->bo", padded[:, row : row + 3, column : column + 3], np.float64(kernel)
            )
    return y + bias


def _reference(depth, tensors, images):
    """Every layer's output by name."""
    x = np.repeat(images, 3, -1) if images.shape[-1] == 1 else images
    x = ((np.float64(x) + 1) / 2 - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
    places, outputs = iter(PLACES[depth]), {}
    for block, count in enumerate(BLOCKS[depth], 1):
        if block > 1:
            height, width = (side // 2 for side in x.shape[1:3])
            squares = x[:, : 2 * height, : 2 * width].reshape(len(x), height, 2, width, 2, -1)
            x = squares.max((2, 4))
        for number in range(1, count + 1):
            place = next(places)
            x = _conv(x, tensors[f"features.{place}.weight"], tensors[f"features.{place}.bias"])
            outputs[f"conv{block}_{number}"] = x
            outputs[f"relu{block}_{number}"] = x = np.maximum(x, 0)
    return outputs


def _images(channels=3):
    return np.random.default_rng(1).uniform(-1, 1, (2, 18, 16, channels)).astype(np.float32)


@pytest.mark.parametrize(
    "depth, ending, channels, deepest",
    [(19, "zip", 3, "conv5_4"), (16, "safetensors", 1, "relu5_3")],
)
def test_values_of_every_layer(tmp_path, depth, ending, channels, deepest):
    tensors, images = _weights(depth), _images(channels)
    expected = _reference(depth, tensors, images)
    names = [name for name in expected if name != "relu5_4"]
    features = vgg(_write(tmp_path, tensors, ending), layers=names)
    assert features.name == f"vgg{depth}" and names[-1] == deepest
    found = jax.jit(features.maps)(features.params, images)
    assert set(found) == set(names)
    for name, value in found.items():
        np.testing.assert_allclose(value, expected[name], rtol=1e-4, atol=1e-4, err_msg=name)


def test_both_formats_have_one_fingerprint_and_only_the_needed_layers_are_kept(tmp_path):
    tensors = _weights(19)
    files = [_write(tmp_path, tensors, ending) for ending in ("zip", "safetensors")]
    first, second = (vgg(path, layers=("relu2_1", "conv1_2")) for path in files)
    assert first.facts == second.facts and first.facts["layers"] == "relu2_1 conv1_2"
    assert list(first.params) == ["1_1", "1_2", "2_1"]
    other = vgg(files[1], layers=("relu2_2",))
    assert other.facts["weights"] != first.facts["weights"]


def test_a_perceptual_loss_of_them(tmp_path):
    tensors, images = _weights(16), _images()
    features = vgg(_write(tmp_path, tensors, "stream"), layers=("relu1_2", "conv2_1"))
    target = images[::-1].copy()

    @jax.jit
    def loss(params, images, target):
        return losses.perceptual(images, target, lambda x: features.maps(params, x))

    left, right = (_reference(16, tensors, x) for x in (images, target))
    expected = sum(np.mean((left[n] - right[n]) ** 2, (1, 2, 3)) for n in ("relu1_2", "conv2_1"))
    np.testing.assert_allclose(loss(features.params, images, target), expected, rtol=1e-4)
    # The arrays are arguments of the program, not constants in it.
    text = loss.lower(features.params, images, target).as_text()
    kernel = features.params["1_2"]["kernel"].shape
    assert f"tensor<{'x'.join(map(str, kernel))}xf32>" in text.partition("{\n  func")[2].partition("->")[0]


def test_a_layer_that_does_not_exist_is_one_line(tmp_path):
    with pytest.raises(UsageError, match=r"vgg.pth: unknown name 'conv5_4'; did you mean .*these exist"):
        vgg(_write(tmp_path, _weights(16), "zip"))


@pytest.mark.parametrize(
    "change, message",
    [
        (
            lambda t: t.pop("features.0.weight"),
            "expected the 13 convolutions of VGG16 or the 16 of VGG19, got 12",
        ),
        (lambda t: t.pop("features.2.bias"), "it lacks features.2.bias, so it is not in the layout"),
        (
            lambda t: t.update({"features.2.weight": np.zeros((3, 2, 1, 1), np.float32)}),
            "features.2 has a kernel [3, 2, 1, 1] and a bias [3]: expected [out, in, 3, 3] and [out]",
        ),
    ],
)
def test_other_files_are_one_line(tmp_path, change, message):
    tensors = _weights(16)
    change(tensors)
    path = _write(tmp_path, tensors, "zip")
    with pytest.raises(UsageError) as error:
        vgg(path, layers=("relu5_3",))
    assert str(error.value).startswith(f"{path}: {message}") and "\n" not in str(error.value)


@pytest.mark.parametrize("size", [(8, 20, 3), (16, 15, 3), (16, 16, 4)])
def test_images_that_it_cannot_see_are_one_line(tmp_path, size):
    features = vgg(_write(tmp_path, _weights(16), "zip"), layers=("relu5_3",))
    with pytest.raises(UsageError, match="expected 1 or 3 channels and at least 16 pixels a side"):
        jax.eval_shape(features.maps, features.params, np.zeros((1, *size), np.float32))
