import concurrent.futures
import os

import numpy as np
import pytest
import sources

from gan_jax import build, data
from gan_jax.errors import UsageError
from gan_jax.runtime import memory


def _images(*shape):
    return np.random.default_rng(0).integers(0, 256, shape, np.uint8)


LABELS = np.array([2, 0, 2, 1, 0])


@pytest.mark.parametrize("keys", [("images", "labels"), ("images", "label"), ("arr_0", "arr_1")])
@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_npz(tmp_path, keys, save):
    images = _images(5, 8, 8, 3)
    save(tmp_path / "a.npz", **dict(zip(keys, (images, LABELS))), mu=np.zeros(4))
    source = data.archive(path=str(tmp_path / "a.npz"))
    assert (source.size, *sources.described(source)) == (5, "images", (8, 8, 3), 3)
    assert source.classes == ("0", "1", "2")
    batch = source.read(np.array([4, 0, 0]))
    np.testing.assert_array_equal(batch["real"], images[[4, 0, 0]])
    np.testing.assert_array_equal(batch["label"], [0, 2, 2])
    assert batch["real"].dtype == np.uint8 and batch["label"].dtype == np.int32


def test_images_alone_and_without_channels(tmp_path):
    images = _images(5, 8, 8)
    np.savez(tmp_path / "a.npz", images)
    source = data.archive(path=str(tmp_path / "a.npz"))
    assert sources.described(source) == ("images", (8, 8, 1), 0)
    batch = source.read(np.arange(5))
    assert list(batch) == ["real"]
    np.testing.assert_array_equal(batch["real"], images[..., None])


def test_npy_is_read_from_the_disk(tmp_path, monkeypatch):
    images = _images(6, 4, 4, 1)
    np.save(tmp_path / "a.npy", images)
    opened, original = [], np.load
    monkeypatch.setattr(
        np, "load", lambda *args, **options: opened.append(original(*args, **options)) or opened[-1]
    )
    source = data.archive(path=str(tmp_path / "a.npy"))
    assert isinstance(opened[0], np.memmap)
    batch = source.read(np.array([5, 1]))["real"]
    assert type(batch) is np.ndarray
    np.testing.assert_array_equal(batch, images[[5, 1]])
    rows = [np.random.default_rng(t).integers(6, size=20) for t in range(16)]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for at, batch in zip(rows, pool.map(source.read, rows)):
            np.testing.assert_array_equal(batch["real"], images[at])


def test_a_recipe_finds_it(tiny, tmp_path):
    np.savez(tmp_path / "a.npz", images=_images(5, 8, 8, 1))
    source = build.source(tiny(data=dict(name="archive", path=str(tmp_path / "a.npz"))))
    assert sources.described(source) == ("images", (8, 8, 1), 0)
    with pytest.raises(UsageError, match="data needs path"):
        build.source(tiny(data=dict(name="archive")))


NAN = np.full((2, 4, 4, 3), np.nan, np.float32)


@pytest.mark.parametrize(
    "arrays, message",
    [
        (dict(x=np.zeros(2), y=np.zeros(2)), "expected images as images or arr_0, it has x, y"),
        ({}, "it has nothing"),
        (dict(images=NAN), r"expected uint8 .* from 0 to 255, got float32 with NaN or infinity"),
        (dict(images=np.zeros((2, 4, 4, 3))), r"expected uint8 .* from 0 to 255, got float64$"),
        (dict(images=np.zeros((2, 4, 4, 3), int)), "got int64$"),
        (dict(images=_images(4, 4)), r"channels 1 to 4, got the shape \(4, 4\)"),
        (dict(images=_images(4, 8, 8, 5)), r"channels 1 to 4, got the shape \(4, 8, 8, 5\)"),
        (dict(images=_images(4, 3, 8, 8)), r"channels 1 to 4, got the shape \(4, 3, 8, 8\)"),
        (dict(images=_images(0, 8, 8, 3)), r"no images, the shape is \(0, 8, 8, 3\)"),
        (dict(arr_0=_images(4, 8, 8), arr_1=LABELS), r"labels int \[4\], one an image, got int64 \(5,\)"),
        (dict(images=_images(5, 8, 8), labels=LABELS / 2), r"labels int \[5\], .* got float64 \(5,\)"),
        (dict(images=_images(5, 8, 8), labels=LABELS - 1), "labels of at least 0, got -1"),
        (dict(images=np.array([None])), r"not an .npz or .npy file that can be read \(.*pickle"),
    ],
)
def test_mistakes(tmp_path, arrays, message):
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(UsageError, match=message) as error:
        data.archive(path=str(tmp_path / "a.npz"))
    assert str(error.value).startswith(str(tmp_path / "a.npz")) and "\n" not in str(error.value)


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04 cut", b"\x93NUMPY\x01\x00"])
def test_files_that_are_no_archive(tmp_path, content):
    path = tmp_path / "a.npz"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=r"a.npz: not an .npz or .npy file that can be read \(") as error:
        data.archive(path=str(path))
    assert "\n" not in str(error.value)


def test_truncated_and_pickled_and_missing_files(tmp_path):
    path = tmp_path / "a.npy"
    np.save(path, _images(9, 8, 8, 3))
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(UsageError, match="a.npy: not an .npz or .npy file that can be read"):
        data.archive(path=str(path))
    np.save(path, np.array([{}]), allow_pickle=True)
    with pytest.raises(UsageError, match="a.npy: not an .npz or .npy file that can be read"):
        data.archive(path=str(path))
    with pytest.raises(UsageError, match="expected an .npz or .npy file, there is no such file"):
        data.archive(path=str(tmp_path / "b.npz"))


@pytest.mark.parametrize("channels", [2, 4])
def test_opacity_is_blended_with_the_background(tmp_path, channels):
    images = _images(3, 6, 6, channels)
    np.save(tmp_path / "a.npy", images)
    source = data.archive(path=str(tmp_path / "a.npy"), background="black")
    assert source.spec["real"].shape == (6, 6, channels - 1)
    read = source.read(np.arange(3))["real"]
    np.testing.assert_allclose(read, images[..., :-1] * (images[..., -1:] / 255), atol=1)


def test_an_archive_that_unpacks_to_more_than_the_memory_is_refused_before_it_is_unpacked(
    tmp_path, monkeypatch
):
    path = tmp_path / "bomb.npz"
    np.savez_compressed(path, images=np.zeros((100, 100, 100, 1), np.uint8))
    assert path.stat().st_size < 10_000
    monkeypatch.setattr(memory, "of_host", lambda: 900_000)
    with pytest.raises(
        UsageError, match=f"^{path}: needs at least 0.0 GiB of memory, and this machine has 0.0 GiB"
    ):
        data.archive(path=str(path))


@pytest.mark.parametrize(
    "save", [lambda path, array: np.savez(path, images=array), np.save], ids=["npz", "npy"]
)
def test_an_archive_of_objects_runs_none_of_their_code(tmp_path, save):
    class Payload:
        def __reduce__(self):
            return open, (str(tmp_path / "ran"), "w")

    save(tmp_path / "a", np.array([Payload()], dtype=object))
    (name,) = os.listdir(tmp_path)
    with pytest.raises(UsageError, match="not an .npz or .npy file that can be read"):
        data.archive(path=str(tmp_path / name))
    assert not (tmp_path / "ran").exists()
