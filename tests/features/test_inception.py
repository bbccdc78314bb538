"""The network against NumPy float64 and, where PyTorch is installed, against a PyTorch module from here."""

import inception_reference
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch_writer

from gan_jax.errors import UsageError
from gan_jax.features import inception, inception_weights
from gan_jax.images import resize_tf1

SIZES = dict(features_192=192, features_768=768, features_2048=2048, logits=1008, logits_unbiased=1008)


def near(outputs, expected, relative):
    """Every output differs by at most so much of its largest value."""
    assert set(outputs) == set(expected) == set(SIZES)
    for name, value in expected.items():
        error = np.max(np.abs(np.float64(outputs[name]) - value)) / np.max(np.abs(value))
        assert error < relative, (name, error)


@pytest.fixture(scope="module")
def params(tmp_path_factory):
    """Parameters from a file in the public layout, written without PyTorch."""
    path = tmp_path_factory.mktemp("inception") / "random.pth"
    content = {name: torch_writer.tensor(x) for name, x in inception_reference.tensors().items()}
    loaded = inception_weights.load(torch_writer.write_stream(path, content))
    path.unlink()
    return loaded


@pytest.fixture(scope="module")
def apply():
    return jax.jit(inception.apply)


@pytest.fixture(scope="module")
def images():
    """Two images of 32 pixels: noise, and a smooth one."""
    draw = np.random.default_rng(3)
    ramp = np.linspace(0, 255, 32)[:, None, None] * np.linspace(0, 1, 32)[None, :, None] * [1.0, 0.5, 0.2]
    return np.stack([draw.integers(0, 256, (32, 32, 3)), ramp]).astype(np.uint8)


@pytest.fixture(scope="module")
def outputs(apply, params, images):
    return jax.device_get(apply(params, images))


def test_parameters_are_those_of_the_layer_table():
    # A convolution has no bias; its norm has four vectors. The last layer: 2048 x 1008 and 1008.
    weights = sum(i * o * height * width + 4 * o for _, i, o, height, width in inception_reference.LAYERS)
    shapes = jax.tree.leaves(inception.shapes())
    assert len(inception_reference.LAYERS) == 94 and len(shapes) == 5 * 94 + 2
    assert sum(x.size for x in shapes) == weights + 2048 * 1008 + 1008 == 23_885_392
    assert {x.dtype for x in shapes} == {jnp.dtype("float32")}


def test_pools_leave_padding_out():
    x = -1.0 - np.random.default_rng(0).random((2, 5, 4, 3))
    for pool, expected in (
        (inception.average_pool, inception_reference.average),
        (inception.max_pool, inception_reference.maximum),
    ):
        pooled = pool(jnp.asarray(x, jnp.float32))
        for got, one in zip(pooled, x):
            np.testing.assert_allclose(got, expected(one.transpose(2, 0, 1)).transpose(1, 2, 0), rtol=1e-6)


def test_average_pool_by_hand():
    # A corner is the mean of four pixels, not of nine; zeros counted would make it 12 / 9.
    x = jnp.arange(1.0, 10.0).reshape(1, 3, 3, 1)
    expected = [[3, 3.5, 4], [4.5, 5, 5.5], [6, 6.5, 7]]
    np.testing.assert_allclose(inception.average_pool(x)[0, :, :, 0], expected, rtol=1e-6)


def test_equals_numpy(outputs, images):
    for row in range(len(images)):
        pixels = (np.float64(resize_tf1(images[row : row + 1], 299, 299)[0]) - 128) / 128
        expected = inception_reference.network(inception_reference.tensors(), pixels.transpose(2, 0, 1))
        near({name: x[row] for name, x in outputs.items()}, expected, 3e-6)


def test_outputs(outputs, params):
    assert {name: x.shape for name, x in outputs.items()} == {name: (2, d) for name, d in SIZES.items()}
    assert all(x.dtype == np.float32 and np.isfinite(x).all() for x in outputs.values())
    # Images differ, and so must what is seen of them.
    assert all(np.max(np.abs(x[0] - x[1])) > 0.01 * np.max(np.abs(x)) for x in outputs.values())
    np.testing.assert_allclose(
        outputs["logits"], outputs["logits_unbiased"] + params["fc"]["bias"], rtol=1e-6
    )


def test_images_are_seen_alone_and_float_as_uint8(apply, params, images, outputs):
    turned = jax.device_get(apply(params, np.float32(images[::-1])))
    near({name: x[::-1] for name, x in turned.items()}, outputs, 1e-6)


def test_grey_is_repeated(params, images):
    grey = images[..., :1]
    seen = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(inception.InceptionV3, "apply", lambda self, variables, x: seen.append(x))
        inception.apply(params, grey)
        inception.apply(params, np.repeat(grey, 3, axis=-1))
    assert seen[0].shape == (2, 299, 299, 3)
    np.testing.assert_array_equal(*seen)


def test_pixels_by_hand(params):
    seen = []
    images = np.uint8([0, 64, 128, 255]).reshape(4, 1, 1, 1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(inception.InceptionV3, "apply", lambda self, variables, x: seen.append(x))
        inception.apply(params, images)
    np.testing.assert_array_equal(seen[0][:, 7, 290, 1], [-1, -0.5, 0, 127 / 128])


@pytest.mark.parametrize("shape", [(2, 32, 32), (2, 32, 32, 2), (2, 3, 32, 32), (32, 32, 3)])
def test_wrong_shapes_are_one_line(shape):
    with pytest.raises(UsageError, match=r"expected \[B, H, W, 1\] or \[B, H, W, 3\]") as raised:
        inception.apply({}, np.zeros(shape, np.uint8))
    assert str(shape) in str(raised.value) and "\n" not in str(raised.value)


def test_weights_are_arguments_of_the_program(params, images):
    text = jax.jit(inception.apply).lower(params, images).as_text()
    assert len(text) < 1_000_000  # 24 million constants would not fit


def torch_network(torch):
    """A PyTorch module of the same topology, its state dict named as the public file's."""
    nn, functional = torch.nn, torch.nn.functional

    class Basic(nn.Module):
        def __init__(self, channels, features, kernel, stride=1, padding=0):
            super().__init__()
            self.conv = nn.Conv2d(channels, features, kernel, stride, padding, bias=False)
            self.bn = nn.BatchNorm2d(features, eps=0.001)

        def forward(self, x):
            return functional.relu(self.bn(self.conv(x)))

    def average(x):
        return functional.avg_pool2d(x, 3, 1, 1, count_include_pad=False)

    def maximum(x):
        return functional.max_pool2d(x, 3, 1, 1)

    class Block(nn.Module):
        """Branches side by side: (what comes before, names in a row, names of a fork at its end)."""

        def __init__(self, name, branches, strided=()):
            super().__init__()
            self.branches = branches
            for layer, channels, features, height, width in inception_reference.LAYERS:
                block, _, own = layer.partition(".")
                if block == name:
                    step, pad = (2, 0) if own in strided else (1, (height // 2, width // 2))
                    self.add_module(own, Basic(channels, features, (height, width), step, pad))

        def forward(self, x):
            outputs = []
            for before, row, fork in self.branches:
                branch = before(x)
                for name in row:
                    branch = getattr(self, name)(branch)
                outputs += [getattr(self, name)(branch) for name in fork] or [branch]
            return torch.cat(outputs, 1)

    def row(*names):
        return nn.Identity(), names, ()

    def halved(x):
        return functional.max_pool2d(x, 3, 2)

    a = [
        row("branch1x1"),
        row("branch5x5_1", "branch5x5_2"),
        row("branch3x3dbl_1", "branch3x3dbl_2", "branch3x3dbl_3"),
        (average, ("branch_pool",), ()),
    ]
    b = [row("branch3x3"), row("branch3x3dbl_1", "branch3x3dbl_2", "branch3x3dbl_3"), (halved, (), ())]
    c = [
        row("branch1x1"),
        row(*(f"branch7x7_{i}" for i in range(1, 4))),
        row(*(f"branch7x7dbl_{i}" for i in range(1, 6))),
        (average, ("branch_pool",), ()),
    ]
    d = [
        row("branch3x3_1", "branch3x3_2"),
        row(*(f"branch7x7x3_{i}" for i in range(1, 5))),
        (halved, (), ()),
    ]

    def e(pool):
        return [
            row("branch1x1"),
            (nn.Identity(), ("branch3x3_1",), ("branch3x3_2a", "branch3x3_2b")),
            (
                nn.Identity(),
                ("branch3x3dbl_1", "branch3x3dbl_2"),
                ("branch3x3dbl_3a", "branch3x3dbl_3b"),
            ),
            (pool, ("branch_pool",), ()),
        ]

    class Inception(nn.Module):
        def __init__(self):
            super().__init__()
            self.Conv2d_1a_3x3 = Basic(3, 32, 3, stride=2)
            self.Conv2d_2a_3x3 = Basic(32, 32, 3)
            self.Conv2d_2b_3x3 = Basic(32, 64, 3, padding=1)
            self.Conv2d_3b_1x1 = Basic(64, 80, 1)
            self.Conv2d_4a_3x3 = Basic(80, 192, 3)
            for name in ("Mixed_5b", "Mixed_5c", "Mixed_5d"):
                self.add_module(name, Block(name, a))
            self.Mixed_6a = Block("Mixed_6a", b, ("branch3x3", "branch3x3dbl_3"))
            for name in ("Mixed_6b", "Mixed_6c", "Mixed_6d", "Mixed_6e"):
                self.add_module(name, Block(name, c))
            self.Mixed_7a = Block("Mixed_7a", d, ("branch3x3_2", "branch7x7x3_4"))
            self.Mixed_7b = Block("Mixed_7b", e(average))
            self.Mixed_7c = Block("Mixed_7c", e(maximum))
            self.fc = nn.Linear(2048, 1008)

        def forward(self, x):
            x = self.Conv2d_2b_3x3(self.Conv2d_2a_3x3(self.Conv2d_1a_3x3(x)))
            x = self.Conv2d_4a_3x3(self.Conv2d_3b_1x1(halved(x)))
            x = low = halved(x)
            x = self.Mixed_6a(self.Mixed_5d(self.Mixed_5c(self.Mixed_5b(x))))
            x = middle = self.Mixed_6e(self.Mixed_6d(self.Mixed_6c(self.Mixed_6b(x))))
            x = self.Mixed_7c(self.Mixed_7b(self.Mixed_7a(x))).mean((2, 3))
            maps = dict(features_192=low.mean((2, 3)), features_768=middle.mean((2, 3)), features_2048=x)
            return dict(**maps, logits=self.fc(x), logits_unbiased=x @ self.fc.weight.T)

    return Inception()


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "stream"])
def test_equals_pytorch(apply, images, tmp_path, zipped):
    torch = pytest.importorskip("torch")
    net = torch_network(torch).eval()
    drawn = inception_reference.tensors(seed=1)
    net.load_state_dict({name: torch.from_numpy(x) for name, x in drawn.items()}, strict=False)
    torch.save(net.state_dict(), tmp_path / "net.pth", _use_new_zipfile_serialization=zipped)
    params = inception_weights.load(tmp_path / "net.pth")
    pixels = (torch.from_numpy(np.array(resize_tf1(images, 299, 299))) - 128) / 128
    with torch.no_grad():
        expected = net(pixels.permute(0, 3, 1, 2))
    near(jax.device_get(apply(params, images)), {name: x.numpy() for name, x in expected.items()}, 3e-6)


@pytest.mark.parametrize("write", torch_writer.WRITERS.values(), ids=torch_writer.WRITERS)
def test_pytorch_reads_the_files_that_tests_write(tmp_path, write):
    torch = pytest.importorskip("torch")
    arrays = {"a": np.arange(6, dtype=np.float32).reshape(2, 3), "b": np.int64([5])}
    path = write(tmp_path / "a.pth", {name: torch_writer.tensor(x) for name, x in arrays.items()})
    read = torch.load(path, weights_only=True)
    for name, array in arrays.items():
        np.testing.assert_array_equal(read[name].numpy(), array)
