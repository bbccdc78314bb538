import concurrent.futures

import jax
import numpy as np
import pytest
import sources
from PIL import Image

from gan_jax import build, data
from gan_jax.data.batches import batches
from gan_jax.errors import UsageError
from gan_jax.runtime import parallel
from gan_jax.training import train


def _save(path, shape, seed=0, **options):
    """A random image as a file; what was drawn, uint8."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, shape, np.uint8)
    Image.fromarray(pixels).save(path, **options)
    return pixels


def _cut(path):
    """Loses the second half of a file: its header is sound."""
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def test_rows_are_files_in_order_of_their_names(tmp_path):
    names = ["a/2.png", "a/10.PNG", "b.bmp", "c/d/e.png", "a b.png"]
    pixels = {name: _save(tmp_path / name, (8, 8, 3), seed) for seed, name in enumerate(names)}
    (tmp_path / "notes.txt").write_text("no image")
    _save(tmp_path / ".hidden.png", (9, 9, 3))
    _save(tmp_path / ".cache" / "copy.png", (9, 9, 3))
    source = data.folder(path=str(tmp_path), heldout=0)
    assert (source.size, *sources.described(source)) == (5, "images", (8, 8, 3), 0)
    read = source.read(np.array([4, 0, 1, 2, 3, 3]))
    assert list(read) == ["real"] and read["real"].dtype == np.uint8
    ordered = ["a/10.PNG", "a/2.png", "a b.png", "b.bmp", "c/d/e.png"]
    expected = [pixels[ordered[row]] for row in (4, 0, 1, 2, 3, 3)]
    np.testing.assert_array_equal(read["real"], expected)


def test_first_folders_are_classes(tmp_path):
    for seed, name in enumerate(["cat/x/1.png", "ant/1.png", "cat/2.png"]):
        _save(tmp_path / name, (8, 8), seed)
    source = data.folder(path=str(tmp_path))
    assert source.classes == ("ant", "cat") and source.spec["real"].shape == (8, 8, 1)
    labels = source.read(np.arange(3))["label"]
    np.testing.assert_array_equal(labels, [0, 1, 1])
    assert labels.dtype == np.int32
    assert "label" not in data.folder(path=str(tmp_path), classes=False).read(np.arange(3))


def test_one_folder_is_no_class(tmp_path):
    _save(tmp_path / "images" / "1.png", (8, 8))
    assert data.folder(path=str(tmp_path)).classes == ()


@pytest.mark.parametrize("ending", ["png", "jpg", "jpeg", "webp", "bmp"])
def test_formats(tmp_path, ending):
    ramp = np.repeat(np.arange(0, 256, 16, dtype=np.uint8)[:, None], 16, axis=1)
    Image.fromarray(np.stack([ramp] * 3, -1)).save(tmp_path / f"1.{ending}")
    images = data.folder(path=str(tmp_path)).read(np.array([0]))["real"]
    assert images.shape == (1, 16, 16, 3)
    np.testing.assert_allclose(images[0].astype(int).mean(-1), ramp, atol=6)


def test_grey_only_if_every_image_is(tmp_path):
    grey = _save(tmp_path / "1.png", (4, 4))
    Image.fromarray(np.eye(4) > 0).save(tmp_path / "2.png")  # one bit a pixel
    source = data.folder(path=str(tmp_path))
    assert source.spec["real"].shape == (4, 4, 1)
    batch = source.read(np.arange(2))["real"]
    np.testing.assert_array_equal(batch[..., 0], [grey, 255 * np.eye(4)])
    _save(tmp_path / "3.png", (4, 4, 4))  # with transparency
    batch = data.folder(path=str(tmp_path)).read(np.arange(3))["real"]
    np.testing.assert_array_equal(batch[0], np.stack([grey] * 3, -1))


def test_resolution_crops_and_resizes(tmp_path):
    _save(tmp_path / "1.png", (20, 30, 3))
    _save(tmp_path / "2.png", (9, 9))
    source = data.folder(path=str(tmp_path), resolution=8)
    assert source.read(np.arange(2))["real"].shape == (2, 8, 8, 3)
    wide = data.folder(path=str(tmp_path), resolution=(6, 12))
    assert wide.read(np.arange(2))["real"].shape == (2, 6, 12, 3)


def test_images_of_one_size_keep_it(tmp_path):
    pixels = [_save(tmp_path / f"{row}.png", (6, 8, 3), row) for row in range(2)]
    source = data.folder(path=str(tmp_path))
    assert sources.described(source) == ("images", (6, 8, 3), 0)
    np.testing.assert_array_equal(source.read(np.arange(2))["real"], pixels)


def test_threads_read_what_one_reads(tmp_path):
    for row in range(12):
        _save(tmp_path / f"{row:02}.png", (16, 16, 3), row)
    source = data.folder(path=str(tmp_path), heldout=0)
    alone = source.read(np.arange(12))["real"]
    rows = [np.random.default_rng(t).integers(12, size=20) for t in range(16)]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for at, batch in zip(rows, pool.map(source.read, rows)):
            np.testing.assert_array_equal(batch["real"], alone[at])


@pytest.mark.parametrize("broken", [b"", b"not an image", b"\x89PNG\r\n\x1a\n broken"])
def test_a_file_that_is_no_image_is_named(tmp_path, broken):
    _save(tmp_path / "1.png", (8, 8))
    (tmp_path / "2.png").write_bytes(broken)
    with pytest.raises(UsageError, match=r"2\.png: not an image that can be read, or corrupt \(") as error:
        data.folder(path=str(tmp_path))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["2.png", "2.jpg"])
def test_a_truncated_file_is_named_when_read(tmp_path, name):
    _save(tmp_path / "1.png", (32, 32, 3))
    _save(tmp_path / name, (32, 32, 3))
    _cut(tmp_path / name)
    source = data.folder(path=str(tmp_path))
    assert source.read(np.array([0]))["real"].shape == (1, 32, 32, 3)
    with pytest.raises(UsageError, match=rf"{name}: not an image that can be read, or corrupt"):
        source.read(np.arange(2))


def test_corrupt_files_are_skipped_if_asked_for(tmp_path, caplog):
    kept = [_save(tmp_path / name, (32, 32, 3), seed) for seed, name in enumerate(["a/1.png", "c/4.png"])]
    _save(tmp_path / "a" / "2.png", (32, 32, 3))
    _cut(tmp_path / "a" / "2.png")
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "3.png").write_bytes(b"")
    source = data.folder(path=str(tmp_path), skip_corrupt=True)
    assert "2 images (train 2), 2 classes (a, c); left out: 2 corrupt (a/2.png, b/3.png)" in caplog.text
    assert (source.size, source.classes) == (2, ("a", "c"))
    np.testing.assert_array_equal(source.read(np.arange(2))["real"], kept)
    caplog.clear()
    (tmp_path / "a" / "2.png").unlink()
    (tmp_path / "b" / "3.png").unlink()
    assert data.folder(path=str(tmp_path), skip_corrupt=True).size == 2 and not caplog.text


@pytest.mark.parametrize(
    "shapes, message",
    [
        ({}, "no images in this folder; expected files that end in .png, .jpg"),
        ({"1.png": (8, 8), "2.png": (8, 8), "3.png": (9, 8)}, r"1.png has 8 x 8 .* 3.png 8 x 9: give a reso"),
    ],
)
def test_mistakes(tmp_path, shapes, message):
    for name, shape in shapes.items():
        _save(tmp_path / name, shape)
    with pytest.raises(UsageError, match=message):
        data.folder(path=str(tmp_path))


def test_more_mistakes(tmp_path):
    with pytest.raises(UsageError, match="nowhere: expected a folder of images, there is no such folder"):
        data.folder(path=str(tmp_path / "nowhere"))
    (tmp_path / "1.png").write_bytes(b"")
    with pytest.raises(UsageError, match="all 1 images are corrupt, 1.png the first of them"):
        data.folder(path=str(tmp_path), skip_corrupt=True)
    (tmp_path / "1.png").unlink()
    Image.fromarray(np.ones((4, 4), np.float32)).save(tmp_path / "1.tif")
    for skip_corrupt in (False, True):
        with pytest.raises(UsageError, match="1.tif: expected 8 or 16 bits a channel, got mode F"):
            data.folder(path=str(tmp_path), skip_corrupt=skip_corrupt)
    with pytest.raises(UsageError, match=r"data.heldout=1: expected a share of the images in \[0, 1\)"):
        data.folder(path=str(tmp_path), heldout=1)
    with pytest.raises(UsageError, match="background='withe': expected a colour"):
        data.folder(path=str(tmp_path), background="withe")


def test_training_on_a_folder(tiny, tmp_path):
    for row in range(20):
        _save(tmp_path / "images" / "ab"[row % 2] / f"{row}.png", (8, 8), row)
    recipe = tiny(data=dict(name="folder", path=str(tmp_path / "images")), steps=2, checkpoint_every=2)
    train.run(recipe, str(tmp_path / "run"))
    assert (tmp_path / "run" / "metrics.jsonl").exists()
    # Streamed batches are those of a set that lies on the device whole.
    source, mesh = build.source(recipe), parallel.mesh(8)
    assert source.classes == ("a", "b")
    decode = build.decoder(recipe, source.modality)
    options = [batches(source, 8, 1, 0, mesh, decode, resident_bytes=size) for size in (0, 2**20)]
    first = [jax.tree.map(lambda leaf: leaf[0], next(part.feed(0, 1))) for part in options]
    both = [part.decode(part.resident, rows, jax.random.key(0)) for part, rows in zip(options, first)]
    for name in ("real", "label"):
        np.testing.assert_array_equal(both[0][name], both[1][name])


@pytest.mark.parametrize("orientation", range(1, 9))
def test_photos_stand_as_viewers_show_them(tmp_path, orientation):
    """The eight orientations of EXIF by NumPy: flips and quarter turns of what is stored."""
    stored = np.zeros((8, 16), np.uint8)
    stored[:4, :8] = 255
    tags = Image.Exif()
    tags[0x0112] = orientation
    Image.fromarray(stored).save(tmp_path / "photo.jpg", exif=tags, quality=95)
    shown = {
        1: stored, 2: stored[:, ::-1], 3: stored[::-1, ::-1], 4: stored[::-1],
        5: stored.T, 6: np.rot90(stored, -1), 7: np.rot90(stored, 2).T, 8: np.rot90(stored),
    }[orientation]  # fmt: skip
    source = data.folder(path=str(tmp_path))
    assert source.spec["real"].shape == (*shown.shape, 1)
    read = source.read(np.arange(1))["real"][0, ..., 0]
    assert np.mean(np.abs(read.astype(int) - shown)) < 5


def test_numbered_folders_are_in_natural_order(tmp_path):
    names = [str(number) for number in range(12)] + ["b2", "b10", "010"]
    for name in names:
        _save(tmp_path / name / "1.png", (4, 4))
    classes = data.folder(path=str(tmp_path)).classes
    assert classes == (*map(str, range(10)), "010", "10", "11", "b2", "b10")


def test_splits_and_what_is_held_out(tmp_path, caplog):
    for seed, name in enumerate(
        ["train/cat/1", "train/dog/1", "train/owl/1", "val/owl/2", "val/cat/2", "stray"]
    ):
        _save(tmp_path / f"{name}.png", (8, 8), seed)
    with caplog.at_level("INFO", "gan_jax"):
        source = data.folder(path=str(tmp_path))
    assert len(caplog.records) == 1
    assert caplog.messages[0] == (
        f"{tmp_path}: 5 images (train 3, validation 2 (held out)), 3 classes (cat, dog, owl); "
        "left out: 1 outside the splits (stray.png)"
    )
    held = source.heldout()
    assert (source.size, held.size, held.classes, held.heldout()) == (3, 2, ("cat", "dog", "owl"), None)
    np.testing.assert_array_equal(held.read(np.arange(2))["label"], [0, 2])  # By name: dog is missing there.
    val = data.folder(path=str(tmp_path), split="validation")
    assert (val.name, val.size, val.heldout()) == (f"{tmp_path}, validation", 2, None)
    assert data.folder(path=str(tmp_path), split="all").size == 5
    assert data.folder(path=str(tmp_path), split="val").size == 2
    with pytest.raises(UsageError, match="data.split: unknown name 'test'.*these exist: all, heldout, train"):
        data.folder(path=str(tmp_path), split="test")


def test_a_tenth_is_held_out_unless_told_otherwise(tmp_path, caplog):
    pixels = {f"{row}.png": _save(tmp_path / f"{row}.png", (4, 4), row) for row in range(20)}
    with caplog.at_level("INFO", "gan_jax"):
        source = data.folder(path=str(tmp_path))
    assert "20 images (train 18, heldout 2), no classes" in caplog.text
    both = [part.read(np.arange(part.size))["real"][..., 0] for part in (source, source.heldout())]
    read = sorted(image.tobytes() for part in both for image in part)
    assert read == sorted(each.tobytes() for each in pixels.values())
    assert data.folder(path=str(tmp_path), heldout=0).heldout() is None
    assert data.folder(path=str(tmp_path), split="heldout", heldout=0.25).size == 5
    # Grey or colour, and the size, are those of all.
    held = data.folder(path=str(tmp_path)).heldout()
    assert held.spec == source.spec


def test_transparency_and_animations_of_files(tmp_path, caplog):
    clear = np.zeros((6, 6, 4), np.uint8)
    clear[..., :3] = np.random.default_rng(0).integers(0, 256, (6, 6, 3))
    clear[2:4, 2:4] = 255, 0, 0, 255
    Image.fromarray(clear).save(tmp_path / "1.png")
    frames = [Image.new("RGB", (6, 6), colour) for colour in ("blue", "red")]
    frames[0].save(tmp_path / "2.gif", save_all=True, append_images=frames[1:])
    with caplog.at_level("INFO", "gan_jax"):
        read = data.folder(path=str(tmp_path), background="#007f00").read(np.arange(2))["real"]
    assert "1 are animated, the first frame counts" in caplog.text
    expected = np.where(clear[..., 3:] > 0, [255, 0, 0], [0, 127, 0])
    np.testing.assert_array_equal(read[0], expected)
    np.testing.assert_array_equal(read[1], np.full((6, 6, 3), [0, 0, 255]))
