import threading

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gan_jax import build
from gan_jax.data import batches as lib
from gan_jax.data.source import of_images
from gan_jax.errors import Fault, UsageError
from gan_jax.runtime import parallel

SIZE = 10


def _source(size=SIZE, read=None):
    images = np.arange(size, dtype=np.uint8)[:, None, None, None] * np.ones((1, 2, 2, 1), np.uint8)
    labels = np.arange(size, dtype=np.int32)
    read = read or (lambda rows: {"real": images[rows], "label": labels[rows]})
    return of_images("rows", size, (2, 2, 1), tuple(map(str, range(size))), read)


def _batches(source, batch_size, count, seed, mesh, **options):
    """Batches that are decoded and no more."""
    decode = source.modality.decode
    return lib.batches(source, batch_size, count, seed, mesh, lambda key, rows: decode(rows), **options)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 12), st.integers(1, 9), st.integers(0, 5))
def test_every_row_once_an_epoch_in_a_new_order(size, count, seed):
    rows = lib.row_order(size, count, seed)
    stream = np.concatenate([rows(step) for step in range(3 * size)])
    epochs = stream[: len(stream) // size * size].reshape(-1, size)
    np.testing.assert_array_equal(np.sort(epochs, axis=1), np.tile(np.arange(size), (len(epochs), 1)))
    # A pure function: asked again, in any order, the same.
    again = lib.row_order(size, count, seed)
    np.testing.assert_array_equal(again(2 * size), rows(2 * size))
    np.testing.assert_array_equal(again(0), rows(0))


def test_orders_differ_between_epochs_and_seeds():
    first, other = lib.row_order(1000, 1000, 0), lib.row_order(1000, 1000, 1)
    assert not np.array_equal(first(0), first(1))
    assert not np.array_equal(first(0), other(0))


def _collect(fed, start, stop, key=None):
    decode = jax.jit(fed.decode)
    return [
        jax.device_get(
            decode(fed.resident, jax.tree.map(lambda leaf: leaf[0], part), key or jax.random.key(0))
        )
        for part in fed.feed(start, stop)
    ]


@pytest.mark.parametrize("devices", [1, 2, 8])
@pytest.mark.parametrize("resident_bytes", [0, 10**6])
def test_batches_are_the_same_from_memory_or_stream_on_any_number_of_devices(devices, resident_bytes):
    mesh = parallel.mesh(8, jax.devices()[:devices])
    fed = _batches(_source(), 8, 2, 3, mesh, resident_bytes=resident_bytes)
    rows = lib.row_order(SIZE, 16, 3)
    for step, batch in zip(range(4, 7), _collect(fed, 4, 7), strict=True):
        np.testing.assert_array_equal(batch["label"], rows(step).reshape(2, 8))
        expected = rows(step).reshape(2, 8)[..., None, None, None] / 127.5 - 1
        np.testing.assert_allclose(batch["real"], np.broadcast_to(expected, (2, 8, 2, 2, 1)), atol=1e-6)


@pytest.mark.parametrize("resident_bytes", [0, 10**6])
def test_the_inputs_of_a_call_are_those_of_its_steps(resident_bytes):
    fed = _batches(_source(), 8, 2, 3, parallel.mesh(8), resident_bytes=resident_bytes)
    single = [jax.device_get(part) for part in fed.feed(4, 9)]
    planned = [range(4, 7), range(7, 8), range(8, 9)]
    called = [jax.device_get(part) for part in fed.feed(4, 9, lambda start, stop: planned)]
    assert [len(jax.tree.leaves(part)[0]) for part in called] == [3, 1, 1]
    joined = [jax.tree.map(lambda *leaves: np.concatenate(leaves), *parts) for parts in (single, called)]
    jax.tree.map(np.testing.assert_array_equal, *joined)


def _two_parts():
    """Parts of 10 and 6 rows, whose numbers are their pixels."""
    real = _source()

    def read(rows):
        return {"source": np.asarray(rows, np.uint8)[:, None, None, None] * np.ones((1, 2, 2, 1), np.uint8)}

    given = real._replace(size=6, spec={"source": real.spec["real"]}, read=read)
    return real._replace(spec={**real.spec, **given.spec}, parts=(real, given), read=None)


@pytest.mark.parametrize("devices", [1, 8])
@pytest.mark.parametrize("resident_bytes", [0, 10**6])
def test_each_part_has_an_order_of_its_own(devices, resident_bytes):
    """Part 0 that of the seed, bit for bit as data without parts; part 1 that of the seed and 1."""
    mesh = parallel.mesh(8, jax.devices()[:devices])
    fed = _batches(_two_parts(), 8, 2, 3, mesh, resident_bytes=resident_bytes)
    orders = [
        np.concatenate([np.random.default_rng([3, *part, epoch]).permutation(size) for epoch in range(12)])
        for part, size in (((), 10), ((1,), 6))
    ]
    for step, batch in zip(range(2, 4), _collect(fed, 2, 4), strict=True):
        real, given = (order[16 * step : 16 * step + 16].reshape(2, 8) for order in orders)
        np.testing.assert_array_equal(batch["label"], real)
        np.testing.assert_array_equal(np.round((batch["real"][..., 0, 0, 0] + 1) * 127.5), real)
        np.testing.assert_array_equal(np.round((batch["source"][..., 0, 0, 0] + 1) * 127.5), given)
    calls = [jax.device_get(part) for part in fed.feed(0, 3, lambda start, stop: [range(0, 2), range(2, 3)])]
    assert [[len(jax.tree.leaves(part)[0]) for part in call] for call in calls] == [[2, 2], [1, 1]]


def test_a_stream_of_parts_that_is_closed_leaves_no_threads():
    before = threading.active_count()
    feed = _batches(_two_parts(), 8, 2, 3, parallel.mesh(8), resident_bytes=0).feed(0, 100)
    next(feed)
    feed.close()
    assert threading.active_count() == before


def test_flip_only_where_asked(tiny):
    def read(rows):
        return {"real": np.tile(np.array([[[[0], [255]]]], np.uint8), (len(rows), 1, 1, 1))}

    source = of_images(
        "sides", SIZE, (2, 2, 1), (), lambda rows: {"real": np.repeat(read(rows)["real"], 2, 1)}
    )
    mesh = parallel.mesh(8, jax.devices()[:1])
    plain, flipped = (
        _collect(lib.batches(source, 8, 1, 0, mesh, _decoder(tiny, source, flip)), 0, 1)[0]
        for flip in (False, True)
    )
    assert np.all(plain["real"][..., 0, 0] == -1)
    assert 0 < np.mean(flipped["real"][..., 0, 0] == -1) < 1


def _decoder(tiny, source, flip):
    return build.decoder(tiny(data=dict(name="digits", flip=flip)), source.modality)


def test_streamed_data_is_read_in_parts_of_a_batch_only():
    sizes = []
    whole = _source().read

    def read(rows):
        sizes.append(len(rows))
        return whole(rows)

    mesh = parallel.mesh(8, jax.devices()[:4])
    _collect(_batches(_source(read=read), 8, 1, 0, mesh, resident_bytes=0), 0, 3)
    # Four devices read two rows each, images and labels together.
    assert sizes == [2] * 12


def test_prefetch_keeps_order_runs_ahead_and_leaves_no_threads():
    before = threading.active_count()
    assert list(lib.prefetch(lambda step: step * step, range(3, 9))) == [9, 16, 25, 36, 49, 64]
    feed = lib.prefetch(lambda step: step, range(1000))
    assert next(feed) == 0
    feed.close()
    assert threading.active_count() == before


def test_prefetch_raises_where_the_result_would_have_come():
    def load(step):
        if step == 2:
            raise OSError("row 2 is broken")
        return step

    feed = lib.prefetch(load, range(5))
    assert [next(feed), next(feed)] == [0, 1]
    with pytest.raises(OSError, match="row 2 is broken"):
        next(feed)


@pytest.mark.parametrize(
    "error, says",
    [
        (UsageError("7.png: corrupt"), "^7.png: corrupt$"),
        (Fault("image 7 of mnist"), "^image 7 of mnist$"),
        (RuntimeError("bad chunk"), "^rows: batch 0 cannot be read: RuntimeError: bad chunk$"),
    ],
)
def test_what_cannot_be_read_in_a_stream_is_a_fault_of_this_process(error, says):
    def read(rows):
        raise error

    mesh = parallel.mesh(8, jax.devices()[:1])
    with pytest.raises(Fault, match=says):
        next(iter(_batches(_source(read=read), 8, 2, 3, mesh, resident_bytes=0).feed(0, 4)))
