"""Images of any size through tiny translations, whole and in tiles, as arrays and as files."""

import dataclasses
import logging
import os
from fractions import Fraction

import flax.linen as nn
import in_process
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

import gan_jax
from gan_jax import build
from gan_jax.data.source import Source, row
from gan_jax.errors import Fault, UsageError
from gan_jax.sampling import loading, translate, translating
from gan_jax.sampling.loading import LoadedModel
from gan_jax.training import train
from gan_jax.types import Game

COLOUR = dict(source=(8, 8, 3), real=(8, 8, 3))


class Same(nn.Module):
    """Images to themselves; a parameter times zero is added."""

    channels: int
    radius = 0

    @nn.compact
    def __call__(self, images, *, train):
        own = self.param("own", nn.initializers.ones, ())
        return jnp.broadcast_to(images, (*images.shape[:3], self.channels)) + 0.0 * own


class Near(nn.Module):
    """Two convolutions, so that a pixel depends on two pixels on each side; each pixel becomes scale x scale."""

    channels: int
    scale: int = 1
    radius = 2

    @nn.compact
    def __call__(self, images, *, train):
        x = nn.Conv(4, (3, 3), name="first")(images)
        x = nn.Conv(self.channels * self.scale**2, (3, 3), name="last")(jnp.tanh(x))
        b, h, w, _ = x.shape
        x = x.reshape(b, h, w, self.scale, self.scale, self.channels).transpose(0, 1, 3, 2, 4, 5)
        return x.reshape(b, h * self.scale, w * self.scale, self.channels)


class Halving(nn.Module):
    """A convolution that halves, and one that doubles: sizes are even, and a pixel depends on three around it."""

    channels: int
    multiple = 2
    radius = 3

    @nn.compact
    def __call__(self, images, *, train):
        assert images.shape[1] % 2 == images.shape[2] % 2 == 0
        x = jnp.tanh(nn.Conv(3, (4, 4), (2, 2))(images))
        return nn.ConvTranspose(self.channels, (4, 4), (2, 2))(x)


class Global(nn.Module):
    """The image minus its mean: what instance norm does."""

    channels: int

    @nn.compact
    def __call__(self, images, *, train):
        own = self.param("own", nn.initializers.ones, ())
        return own * (images - jnp.mean(images, (1, 2), keepdims=True))


class Dense(nn.Module):
    """A network for one size alone."""

    channels: int
    radius = 0

    @nn.compact
    def __call__(self, images, *, train):
        return nn.Dense(images[0].size)(images.reshape(len(images), -1)).reshape(images.shape)


class Broken(nn.Module):
    """Nothing but NaN."""

    channels: int
    radius = 0

    @nn.compact
    def __call__(self, images, *, train):
        own = self.param("own", nn.initializers.ones, ())
        return images * own / (own - own)


class Noisy(nn.Module):
    """The image, and the same noise for every image."""

    channels: int

    @nn.compact
    def __call__(self, images, *, train):
        own = self.param("own", nn.initializers.ones, ())
        return 0.5 * own * images + 0.3 * jax.random.normal(self.make_rng("noise"), images.shape)


def pairs(*, source: tuple = (8, 8, 1), real: tuple = (8, 8, 1), masked: bool = False):
    """Random pixels; `background` is grey."""
    shapes = {"real": real, "source": source, **({"mask": (*source[:2], 1)} if masked else {})}

    def read(rows):
        random = np.random.default_rng(0)
        every = {name: random.integers(0, 256, (32, *shape), np.uint8) for name, shape in shapes.items()}
        if masked:
            every["mask"] = np.float32(every["mask"] > 127)
        return {name: array[np.asarray(rows) % 32] for name, array in every.items()}

    spec = {name: row(shape, np.float32 if name == "mask" else np.uint8) for name, shape in shapes.items()}
    return Source("pairs", 32, spec, {"modality": "images"}, read)


def pixels(nets, *, condition_on: tuple = ("source",), smaller: int = 1):
    """A generator alone, from `source` to `real`; backward are negatives, so many times smaller."""
    net = nets["generator"]

    def init(key, batch):
        params, carry = net.init(key, batch["source"])
        return {"generator": params}, {"generator": carry}

    def sample(params, carry, latents, batch, key):
        made = net.apply(params["generator"], carry["generator"], batch["source"], key=key, train=False)[0]
        if "mask" not in batch:
            return made
        return jnp.where(batch["mask"] > 0.5, made, batch["source"])

    def play(context):
        made = net.apply(
            context.params["generator"], context.carry["generator"], context.batch["source"],
            key=context.key, train=True,
        )[0]  # fmt: skip
        return {"prediction": made, "target": context.batch["real"]}, context.carry

    def backward(params, carry, latents, batch, key):
        return -batch["real"][:, ::smaller, ::smaller]

    return Game(
        init, play, sample, conditions=tuple(condition_on), backward=backward,
        multiple=net.multiple, radius=net.radius,
    )  # fmt: skip


@pytest.fixture(scope="module")
def recipe(tiny):
    def of(net, data=None, game=None, **hyperparameters):
        return tiny(
            data=dict(name=f"{__name__}.pairs", **(data or {})),
            game=dict(name=f"{__name__}.pixels", **(game or {})),
            nets=dict(generator=dict(name=f"{__name__}.{net}", **hyperparameters)),
            losses=dict(generator=dict(l1=1.0)),
            optimizers=dict(generator=dict(sgd=dict(learning_rate=0.1))),
            updates=dict(generator=1), steps=2, checkpoint_every=2, grid_every=2,
        )  # fmt: skip

    return of


@pytest.fixture(scope="module")
def model(recipe):
    """The maker of models of one of the networks above that were not trained."""

    def of(net, *, seed=0, **options):
        made = recipe(net, **options)
        modality = build.source(made).modality
        spec = build.train_spec(made, modality)
        state = build.start(spec, modality, 2)(jax.random.key(seed))
        return LoadedModel(f"run{seed}", made, modality, spec, 0, state, True)

    return of


def _image(height, width, channels=1, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, channels), np.uint8)


def _conv(x, layer):
    """A convolution of 3 x 3 pixels with zeros beyond the edges: float64 [h, w, C] to [h, w, C']."""
    padded = np.pad(x, ((1, 1), (1, 1), (0, 0)))
    height, width = x.shape[:2]
    taps = [padded[dy : dy + height, dx : dx + width] for dy in range(3) for dx in range(3)]
    kernel = np.float64(layer["kernel"]).reshape(9, x.shape[-1], -1)
    return sum(tap @ weight for tap, weight in zip(taps, kernel)) + np.float64(layer["bias"])


def _near(model, image):
    """What `Near` makes of a whole image at scale 1, before rounding: float64 [h, w, C]."""
    params = model.state.sampling_params()["generator"]
    return _conv(np.tanh(_conv(image / 127.5 - 1, params["first"])), params["last"])


def _check_rounded(result, values):
    """Bytes of values in [-1, 1], rounded: half a level off, and what float32 adds."""
    assert np.abs(result - np.clip((values + 1) * 127.5, 0, 255)).max() < 0.502


@pytest.mark.parametrize("size", [(1, 1), (7, 5), (8, 8), (45, 31), (1, 200)])
def test_identity_gives_every_image_back(model, size):
    image = _image(*size, 3)
    same = model("Same", data=dict(source=(8, 8, 3), real=(8, 8, 3)))
    (result,) = translate.arrays(same, [image], tile=16, overlap=3)
    np.testing.assert_array_equal(result, image)


@pytest.mark.parametrize("options", [{}, dict(tile=16), dict(tile=20, overlap=2)])
@pytest.mark.parametrize("size", [(1, 1), (3, 17), (52, 38)])
def test_tiles_give_what_the_whole_image_gives(model, size, options):
    near, image = model("Near"), _image(*size)
    if options.get("tile") == 16:
        options = dict(tile=24)  # More than twice the 2 + 8 pixels that tiles see.
    (result,) = translate.arrays(near, [image], **options)
    _check_rounded(result, _near(near, image))


def test_tiles_equal_the_whole_before_rounding(model, monkeypatch):
    """As floats, to 1e-5, at a scale of 2 and with sizes that must be even."""
    for net, options in (
        ("Near", dict(scale=2, data=dict(real=(16, 16, 1)))),
        ("Halving", {}),
    ):
        loaded = model(net, **options)
        loaded = loaded._replace(modality=loaded.modality._replace(encode=lambda images: images))
        image = dict(source=_image(61, 46))
        parts, whole = (
            next(translating.translator(loaded, tile=tile, overlap=4).apply([image])) for tile in (20, 128)
        )
        scale = options.get("scale", 1)
        assert parts.shape == whole.shape == (61 * scale, 46 * scale, 1)
        np.testing.assert_allclose(parts, whole, atol=1e-5)
        assert not np.array_equal(parts, parts.round(2))


def test_images_are_padded_as_in_a_mirror_to_few_sizes(model):
    """53 rows become 54: between 32 and 64 pixels every second size is a size; a trained size is kept."""
    near = model("Near", data=dict(source=(53, 8, 1), real=(53, 8, 1)))
    image = _image(53, 38)
    (result,) = translate.arrays(near, [image[:, :8]])
    _check_rounded(result, _near(near, image[:, :8]))
    (result,) = translate.arrays(near, [image.transpose(1, 0, 2)])
    mirrored = np.pad(image, ((0, 1), (0, 0), (0, 0)), "reflect").transpose(1, 0, 2)
    _check_rounded(result, _near(near, mirrored)[:, :53])
    sizes = {translating._padded(length, 8, 1) for length in range(256, 513)}
    assert len(sizes) == 17 and all(size % 16 == 0 for size in sizes)


def test_a_large_image_in_tiles(model):
    """5,000 pixels wide, as Same gives it back; its tiles lie over each other."""
    same, image = model("Same", data=COLOUR), _image(5000, 700, 3)
    (result,) = translate.arrays(same, [image])
    np.testing.assert_array_equal(result, image)


def test_images_of_one_size_share_calls_and_order_stays(model):
    near = model("Near")
    images = [_image(8, 8, seed=seed) for seed in range(70)] + [_image(6, 8), _image(8, 8, seed=71)]
    results = translate.arrays(near, images)
    for number in (0, 63, 64, 69, 70, 71):
        _check_rounded(results[number], _near(near, images[number]))


@pytest.fixture(scope="module")
def workdir(recipe, tmp_path_factory):
    folder = str(tmp_path_factory.mktemp("run"))
    train.run(recipe("Near"), folder)
    return folder


def test_equals_what_samples_and_grids_show(workdir):
    """Bit for bit: the same function on the stored sources, from averaged parameters."""
    model = gan_jax.load(workdir, trust=True)
    source = pairs().read(np.arange(8))["source"]
    shown = model.sample(8, conditions=dict(source=source))
    np.testing.assert_array_equal(model.translate(source), shown)
    np.testing.assert_array_equal(model.translate(source[5]), shown[5])
    live = model.sample(8, conditions=dict(source=source), averaged=False)
    np.testing.assert_array_equal(model.translate(list(source), averaged=False), live)
    assert not np.array_equal(shown, live)
    grid = np.asarray(Image.open(os.path.join(workdir, "grids", "step_0000002.png")))
    np.testing.assert_array_equal(grid, model.loaded.modality.preview(shown[:4], None)[..., 0])


def test_networks_that_see_the_whole_image_get_it_whole(model, caplog):
    near, image = model("Global"), _image(700, 600)
    with caplog.at_level(logging.INFO, "gan_jax"):
        (result,) = translate.arrays(near, [image])
    values = image / 127.5 - 1
    padded = np.pad(values, ((0, 4), (0, 8), (0, 0)), "reflect")  # To 704 and 608, multiples of 32.
    _check_rounded(result, values - padded.mean())
    assert caplog.messages == ["the networks see the whole image, so every image is translated whole"]


def test_tiles_of_networks_that_see_the_whole_image_are_said(model, monkeypatch, caplog):
    near, image = model("Global"), _image(96, 96)
    translate.arrays(near, [image], tile=64)
    assert caplog.messages == [
        "tiles see 16 pixels beyond their part, the networks the whole image: seams are possible"
    ]
    caplog.clear()
    translate.arrays(model("Halving"), [image], overlap=1)  # It becomes 2, and they see 3.
    assert caplog.messages == [
        "tiles see 2 pixels beyond their part, the networks 3 pixels: seams are possible"
    ]
    caplog.clear()
    # Two rows of tiles of 512 fit, and the whole image does not.
    needed = translating._programs(near, translating.way(near), *_owned(near))(512, 512).needed
    monkeypatch.setattr(translating.memory, "of_device", lambda: needed / translating.SHARE)
    (result,) = translate.arrays(near, [_image(1000, 500)])
    assert result.shape == (1000, 500, 1)
    assert caplog.messages == [
        "an image of 1024 x 512 pixels is translated in tiles, for the lack of memory, and its networks see the "
        "whole image: seams are possible"
    ]


def _owned(model):
    return model.state.sampling_params(), model.state.carry


def test_tiles_become_smaller_where_memory_is_scarce(model, monkeypatch):
    near, image = model("Near"), _image(300, 700)
    needed = translating._programs(near, translating.way(near), *_owned(near))(128, 128).needed
    monkeypatch.setattr(translating.memory, "of_device", lambda: needed / translating.SHARE)
    (result,) = translate.arrays(near, [image])
    padded = np.pad(image, ((0, 4), (0, 4), (0, 0)), "reflect")
    _check_rounded(result, _near(near, padded)[:300, :700])


def test_backward(model):
    """From `real`, twice as large, to its negative at every second pixel; odd sizes are rounded up."""
    near = model("Near", scale=2, data=dict(real=(16, 16, 1)), game=dict(smaller=2))
    image = _image(7, 6)
    assert translating.way(near, True) == translating.Way(
        "real", ("real",), (16, 16, 1), 1, Fraction(1, 2), 2, 2
    )
    (result,) = translate.arrays(near, [image], backward=True)
    np.testing.assert_array_equal(result, 255 - image[::2, ::2])


def test_noise_is_the_same_for_every_image_and_place(model):
    noisy = model("Noisy")
    first, other, again = translate.arrays(noisy, [_image(8, 8), _image(8, 8, seed=1), _image(8, 8)])
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("share, levels", [(1.0, (200, 55)), (0.8, (185.5, 69.5)), (0.0, (127.5, 127.5))])
def test_parameters_of_two_runs_are_blended(model, share, levels):
    """One network multiplies by 1, the other by 0: what is 72.5 levels from the middle is then a share of that."""
    ones = model("Global")
    nothing = jax.tree.map(jnp.zeros_like, ones.state.params)
    zeros = ones._replace(state=ones.state.replace(params=nothing, average={}))
    image = np.tile(np.array([[[145], [0]]], np.uint8), (8, 4, 1))
    (result,) = translate.arrays(ones, [image], blend_with=zeros, share=share)
    np.testing.assert_allclose(result[0, :2, 0], levels, atol=0.501)


def test_from_the_command_line(workdir, tmp_path):
    """Exit code 0 if every file is written, 1 if not; the others are written, blended with themselves."""
    os.makedirs(tmp_path / "in")
    Image.fromarray(_image(5, 4)[..., 0]).save(tmp_path / "in" / "a.png")
    flags = [
        "--mode=translate", f"--workdir={workdir}", "--trust", f"--input={tmp_path}/in", f"--output={tmp_path}/out",
    ]  # fmt: skip
    code, _, said = in_process.run(*flags, f"--blend_with={workdir}", "--share=0.3", "--tile=24", "--overlap=4")
    assert code == 0 and f"1 of 1 images translated to {tmp_path}/out: step 2, " in said, said
    (expected,) = translate.arrays(loading.load(workdir, trust=True), [_image(5, 4)])
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "out" / "a.png")), expected[..., 0])
    model = gan_jax.load(workdir, trust=True)
    np.testing.assert_array_equal(model.translate(tmp_path / "in" / "a.png"), expected)
    other, small = model.translate([_image(5, 4)[..., 0], _image(1, 2)], blend_with=model, share=0.1)
    np.testing.assert_array_equal(other, expected)
    assert small.shape == (1, 2, 1)
    (tmp_path / "in" / "b.png").write_bytes(b"no image")
    code, _, said = in_process.run(*flags)
    assert code == 1 and said.splitlines()[-1].startswith("error: 1 of 2 images translated to "), said


def test_what_cannot_be_blended(model):
    for other, message in (
        (
            model("Near", scale=2, data=dict(real=(16, 16, 1))),
            r"generator\['last'\]\['bias'\] is \[1\] and \[4\]",
        ),
        (model("Same"), r"generator\['first'\]\['bias'\] is \[4\] and nothing"),
    ):
        with pytest.raises(UsageError, match=f"^run0 and run0 cannot be blended: {message}$"):
            translate.blend(model("Near"), other)
    with pytest.raises(UsageError, match=r"^share=1.5: expected a number in \[0, 1\]$"):
        translate.blend(model("Near"), model("Near"), 1.5)


@pytest.fixture
def files(model, monkeypatch, tmp_path):
    """`(net, images by name, data, hyperparameters, **flags) -> results by name`; images are of PIL, or bytes."""

    def of(net, images, data=COLOUR, hyperparameters=None, game=None, **flags):
        made = model(net, data=data, game=game, **(hyperparameters or {}))
        monkeypatch.setattr(loading, "load", lambda workdir, *given, **options: made)
        for name, image in images.items():
            path = tmp_path / "in" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(image) if isinstance(image, bytes) else image.save(path, exif=image.getexif())
        flags = {"input": str(tmp_path / "in"), "output": str(tmp_path / "out"), **flags}
        try:
            translate.run("run", **flags)
        finally:
            found = [
                os.path.join(at, name) for at, _, names in os.walk(flags["output"] or "") for name in names
            ]
            results.update({os.path.relpath(path, flags["output"]): Image.open(path) for path in found})
        return results

    results: dict = {}
    of.results = results
    return of


def test_every_file_under_its_name(files, caplog):
    """Below folders, of any size and ending, with those that would get one name kept apart."""
    images = {
        name: Image.fromarray(_image(3 + number, 5, 3, number))
        for number, name in enumerate(
            ["a.png", "b.bmp", "b.tiff", "deep/er/a.webp", "deep/B.png", "B.x.png", ".hidden.png"]
        )
    }
    with caplog.at_level(logging.INFO, "gan_jax"):
        results = files("Same", images)
    assert sorted(results) == ["B.x.png", "a.png", "b.bmp.png", "b.tiff.png", "deep/B.png", "deep/er/a.png"]
    for name, original in [("a.png", "a.png"), ("b.bmp.png", "b.bmp"), ("b.tiff.png", "b.tiff")]:
        np.testing.assert_array_equal(np.asarray(results[name]), np.asarray(images[original]))
        assert results[name].mode == "RGB"
    assert any("left out: 1 hidden or of the system" in line for line in caplog.messages)
    assert caplog.messages[-1].startswith("6 of 6 images translated to ")


def test_names_that_meet():
    names = ["a.jpg", "a.png", "a.jpg.bmp", "A/b.jpg", "c.jpg", "C.jpeg"]
    assert translate.targets(names) == [
        "a.jpg.png", "a.png.png", "a.jpg.bmp.png", "A/b.png", "c.jpg.png", "C.jpeg.png",
    ]  # fmt: skip


def test_a_corrupt_file_is_named_and_the_others_go_on(files, caplog, tmp_path):
    good = Image.fromarray(_image(5, 4, 3))
    good.save(tmp_path / "good.png")
    cut = (tmp_path / "good.png").read_bytes()[:-30]
    images = {
        "a.png": good,
        "b.png": cut,
        "c.jpg": b"no image",
        "d.png": good,
        "e.tif": Image.fromarray(np.zeros((2, 2), np.float32)),
    }
    with pytest.raises(
        Fault, match=r"^2 of 5 images translated to .*out; not translated: .*b.png: not an image that"
    ):
        files("Same", images)
    assert sorted(files.results) == ["a.png", "d.png"]
    said = [line for line in caplog.messages if "in" + os.sep in line]
    assert [os.path.basename(line.partition(":")[0]) for line in said] == ["b.png", "c.jpg", "e.tif"]
    assert "whose white is not known" in said[2]


@pytest.mark.parametrize(
    "net, data, mode, colours",
    [
        ("Same", COLOUR, "L", [30, 30, 30]),  # Colour to colour, of grey files: grey stays grey.
        ("Same", dict(source=(8, 8, 1), real=(8, 8, 3)), "RGB", [30, 30, 30]),
        ("Same", {}, "L", [30, 30, 30]),
    ],
)
def test_grey_files(files, net, data, mode, colours):
    results = files(net, {"a.png": Image.new("L", (4, 3), 30)}, data)
    assert results["a.png"].mode == mode
    assert results["a.png"].convert("RGB").getpixel((0, 0)) == tuple(colours)


def test_a_model_of_grey_gets_the_luma_of_colours(files):
    results = files("Same", {"a.png": Image.new("RGB", (4, 3), (200, 100, 50))}, {})
    # ITU-R BT.601.
    assert results["a.png"].getpixel((0, 0)) == round(0.299 * 200 + 0.587 * 100 + 0.114 * 50)


def test_opacity_goes_beside_the_colours(files):
    """Networks see the image over white, as in training; over white the result looks like what they make of it."""
    rgba = _image(9, 9, 4)
    result = np.asarray(files("Near", {"a.png": Image.fromarray(rgba)})["a.png"], float)
    np.testing.assert_array_equal(result[..., 3], rgba[..., 3])
    share = rgba[..., 3:] / 255
    seen = np.uint8(np.round(share * rgba[..., :3] + (1 - share) * 255))
    (made,) = translate.arrays(loading.load("run"), [seen])
    possible = (result[..., :3] > 0) & (result[..., :3] < 255)
    assert possible.mean() > 0.4
    over_white = share * result[..., :3] + (1 - share) * 255
    # Half a level in the files, and one level where white is mixed in before and here in another order of rounding.
    assert np.quantile(np.abs(over_white - made)[possible], 0.9) < 1.01


def test_opaque_pixels_of_an_image_with_opacity_are_kept(files):
    rgba = _image(6, 6, 4)
    rgba[..., 3] = 255 * (np.arange(6) > 2)
    result = np.asarray(files("Same", {"a.png": Image.fromarray(rgba)})["a.png"])
    np.testing.assert_array_equal(result[:, 3:], rgba[:, 3:])
    np.testing.assert_array_equal(result[..., 3], rgba[..., 3])


def test_opacity_at_twice_the_size(files):
    grey = np.full((4, 6, 2), 255, np.uint8)
    grey[:, :3, 1] = 0
    data = dict(source=(8, 8, 1), real=(16, 16, 1))
    result = files("Near", {"a.png": Image.fromarray(grey)}, data, dict(scale=2))["a.png"]
    assert (result.mode, result.size) == ("LA", (12, 8))
    opacity = np.asarray(result)[..., 1]
    assert opacity[:, :4].max() == 0 and opacity[:, 8:].min() == 255


def test_turned_images_and_sixteen_bits(files, caplog):
    turned = Image.fromarray(_image(2, 5, 3))
    turned.getexif()[0x0112] = 6  # The first row of what is stored is the right column of what is shown.
    deep = Image.fromarray(np.array([[0, 65535, 257 * 77]], np.uint16))
    with caplog.at_level(logging.INFO, "gan_jax"):
        results = files("Same", {"deep.png": deep, "turned.png": turned})
    np.testing.assert_array_equal(np.asarray(results["deep.png"]), [[0, 255, 77]])
    np.testing.assert_array_equal(np.asarray(results["turned.png"]), np.rot90(_image(2, 5, 3), -1))
    assert not results["turned.png"].getexif()
    assert "1 had 16 bits a channel, which became 8" in caplog.messages[-1]


MASKED = dict(source=(8, 8, 3), real=(8, 8, 3), masked=True)
GIVEN = dict(condition_on=("source", "mask"))


def test_masks(files, tmp_path, caplog):
    """White is the hole. The identity puts the source there, whose holes have the mean colour, as in training."""
    image, hole = _image(9, 7, 3), np.zeros((9, 7), np.uint8)
    hole[2:4, 1:6] = 255
    os.makedirs(tmp_path / "in" / "masks" / "deep")
    Image.fromarray(hole).save(tmp_path / "mask.png")
    Image.fromarray(hole[::-1]).save(tmp_path / "in" / "masks" / "a.bmp")
    Image.fromarray(hole).save(tmp_path / "in" / "masks" / "deep" / "b.png")
    images = {"a.png": Image.fromarray(image), "deep/b.png": Image.fromarray(image)}
    for mask, holes in (("mask.png", (hole, hole)), ("in/masks", (hole[::-1], hole))):
        with caplog.at_level(logging.INFO, "gan_jax"):
            results = files("Same", images, MASKED, game=GIVEN, mask=str(tmp_path / mask))
        for name, where in zip(("a.png", "deep/b.png"), holes):
            result = np.asarray(results[name])
            np.testing.assert_array_equal(result[where == 0], image[where == 0])
            mean = np.float64(image[where == 0]).mean(0)
            assert np.abs(result[where > 0] - mean).max() <= 0.501
    # Masks that lie with the images are no images.
    assert caplog.messages[-1].startswith("2 of 2 images translated")


def test_holes_have_the_colour_that_they_had_in_training():
    image, hole = _image(3, 3, 3), np.eye(3, dtype=bool)
    result = translate.filled(image, hole, (0, 100.4, 255))
    np.testing.assert_array_equal(result[hole], [[0, 100, 255]] * 3)
    np.testing.assert_array_equal(result[~hole], image[~hole])
    assert translate.filled(image, hole, 7.0)[0, 0].tolist() == [7, 7, 7]
    assert translate.filled(image, hole | True)[2, 1].tolist() == [128, 128, 128]


def test_transparent_pixels_are_holes(files):
    rgba = _image(9, 7, 4)
    rgba[..., 3] = 255
    rgba[2:4, 1:6, 3] = 0
    result = files("Same", {"a.png": Image.fromarray(rgba)}, MASKED, game=GIVEN)["a.png"]
    assert result.mode == "RGB"
    known = rgba[..., 3] == 255
    np.testing.assert_array_equal(np.asarray(result)[known], rgba[known][:, :3])


def test_what_is_said_about_masks(files, tmp_path):
    image = Image.fromarray(_image(9, 7, 3))
    Image.fromarray(np.zeros((4, 4), np.uint8)).save(tmp_path / "small.png")
    os.makedirs(tmp_path / "masks")
    Image.fromarray(np.zeros((9, 7), np.uint8)).save(tmp_path / "masks" / "b.png")
    images = {"a.png": image, "b.png": image}
    with pytest.raises(Fault, match=r"a.png: its mask has \[4, 4\] pixels, expected \[9, 7\], and 1 more"):
        files("Same", images, MASKED, game=GIVEN, mask=str(tmp_path / "small.png"))
    with pytest.raises(Fault, match="^1 of 2 .* not translated: a.png: .*masks has no mask of this name$"):
        files("Same", images, MASKED, game=GIVEN, mask=str(tmp_path / "masks"))
    with pytest.raises(
        Fault, match="a.png: the model fills holes: give a mask, or make the hole transparent"
    ):
        files("Same", images, MASKED, game=GIVEN)
    with pytest.raises(UsageError, match="^mask: this model fills no holes$"):
        files("Same", images, mask=str(tmp_path / "small.png"))


def test_results_in_the_folder_of_the_images_are_not_translated_again(files, caplog, tmp_path):
    images = {"a.png": Image.fromarray(_image(3, 3, 3))}
    output = str(tmp_path / "in" / "out")
    files("Same", images, output=output)
    with caplog.at_level(logging.INFO, "gan_jax"):
        assert sorted(files("Same", images, output=output)) == ["a.png"]
    assert "1 files that were there before are replaced" in caplog.messages[-1]
    assert f"{tmp_path / 'in'}: left out: 1 in {output}" in caplog.messages


def test_one_file(files, tmp_path):
    Image.fromarray(_image(3, 4, 3)).save(tmp_path / "one.bmp")
    results = files("Same", {}, input=str(tmp_path / "one.bmp"))
    np.testing.assert_array_equal(np.asarray(results["one.png"]), _image(3, 4, 3))


@pytest.mark.parametrize(
    "flags, message",
    [
        (dict(input=None), "^--input is missing: a file or folder of images$"),
        (dict(output=None), "^--output is missing: a folder$"),
        (dict(input="nowhere"), "^input=.*nowhere: there is no such file or folder$"),
        (dict(output="in"), "^output=.*in: expected another folder than that of the images$"),
        (
            dict(input="in/a.png", output="in"),
            "in/a.png would take the place of the image that is translated$",
        ),
        (dict(input="in/deep", output="in"), "in/b.png would"),
        (dict(output="in/a.png/x"), "^folder .*a.png/x cannot be written: Not a directory$"),
        (dict(mask="nowhere"), "^mask=.*nowhere: there is no such file or folder$"),
        (
            dict(tile=16, overlap=8),
            "^tile=16: expected more than 16 pixels, twice the overlap of 8 on each side$",
        ),
    ],
)
def test_mistakes(files, tmp_path, flags, message):
    os.makedirs(tmp_path / "in" / "deep")
    Image.fromarray(_image(3, 3, 3)).save(tmp_path / "in" / "deep" / "b.png")
    if flags.get("input") == "in/deep":
        os.symlink(tmp_path / "in" / "deep" / "b.png", tmp_path / "in" / "b.png")
        message = "b.png would take the place of the image that is translated$"
    paths = {
        name: value and str(tmp_path / value) if name in ("input", "output", "mask") else value
        for name, value in flags.items()
    }
    output = {} if "output" in flags else dict(output=str(tmp_path / "out"))
    with pytest.raises(UsageError, match=message):
        files("Near", {"a.png": Image.fromarray(_image(3, 3, 3))}, **{**output, **paths})


def test_models_that_translate_no_images_or_not_this_way(model, tiny):
    made = tiny()
    modality = build.source(made).modality
    gan = LoadedModel("run", made, modality, build.train_spec(made, modality), 0, None, True)
    with pytest.raises(
        UsageError, match="^run: the game gan translates no images: it has no `source` of images$"
    ):
        translating.way(gan)
    near = model("Near")
    forward = near.game._replace(backward=None)
    near = near._replace(train_spec=dataclasses.replace(near.train_spec, game=forward))
    with pytest.raises(UsageError, match="has no way back; cyclegan has one$"):
        translating.way(near, backward=True)


def test_networks_of_one_size_say_so(model):
    dense = model("Dense")
    assert translate.arrays(dense, [_image(8, 8)])[0].shape == (8, 8, 1)
    with pytest.raises(
        UsageError, match=r"^images\[1\]: run0: its networks do not take images of 9 x 8 pixels \("
    ):
        translate.arrays(dense, [_image(8, 8), _image(9, 8)])


def test_outputs_that_are_not_finite_are_no_file(files, monkeypatch):
    with pytest.raises(Fault, match="^0 of 1 .*a.png: the networks make numbers of it that are not finite$"):
        files("Broken", {"a.png": Image.fromarray(_image(3, 3, 3))})
    assert not files.results


def test_exhausted_memory_is_one_line_with_advice(files, monkeypatch):
    def full(*images):
        raise MemoryError

    monkeypatch.setattr(translating, "_pieces", full)
    with pytest.raises(
        Fault, match=r"^out of memory \(MemoryError\); a smaller --tile needs less; the files that"
    ):
        files("Same", {"a.png": Image.fromarray(_image(3, 3, 3))})


def test_a_file_is_written_whole_or_not_at_all(model, monkeypatch, tmp_path):
    os.makedirs(tmp_path / "out")
    (tmp_path / "out" / "a.png").write_bytes(b"before")

    def full(image, file, *given, **options):
        file.write(b"half of")
        raise OSError(28, "No space left on device")

    image = Image.fromarray(_image(3, 3, 3))
    image.save(tmp_path / "a.png")
    same = model("Same", data=COLOUR)
    monkeypatch.setattr(loading, "load", lambda workdir, *given, **options: same)
    monkeypatch.setattr(Image.Image, "save", full)
    with pytest.raises(OSError, match="No space left"):
        translate.run("run", input=str(tmp_path / "a.png"), output=str(tmp_path / "out"))
    assert os.listdir(tmp_path / "out") == ["a.png"]
    assert (tmp_path / "out" / "a.png").read_bytes() == b"before"
