"""Batches: which rows step t sees is a pure function of (seed, t); nothing else is needed to resume."""

import collections
import concurrent.futures
import functools
from typing import Any, Callable, NamedTuple

import jax
import numpy as np

from gan_jax import images
from gan_jax.errors import Fault, UsageError
from gan_jax.runtime import parallel

# A set of at most so many bytes as uint8 lies on every device whole.
RESIDENT_BYTES = 2**30


class Batches(NamedTuple):
    """How a step comes to its batches.

    Attributes:
        resident: What lies on the device for the whole run, an argument of every step; may be empty.
        feed: `(start, stop)` to an iterator over what steps start to stop - 1 need from the host.
        decode: `(resident, fed, key) -> batches`, inside `jit`: `images` float32 in [-1, 1]
            [rounds, B, H, W, C] and, if the data has them, `labels` int32 [rounds, B].
    """

    resident: Any
    feed: Callable
    decode: Callable


def row_order(size, count, seed):
    """The rows of step t: every row once an epoch, in an order that is new in every epoch.

    Args:
        size: Rows in the data set.
        count: Rows a step.
        seed: Seed of the orders.

    Returns:
        Function from t to row numbers, int [count].
    """

    @functools.lru_cache(maxsize=2)
    def order(epoch):
        return np.random.default_rng([seed, epoch]).permutation(size)

    def rows(step):
        epochs, places = np.divmod(np.arange(step * count, (step + 1) * count), size)
        return np.concatenate([order(int(epoch))[places[epochs == epoch]] for epoch in np.unique(epochs)])

    return rows


def batches(source, batch_size, rounds, seed, mesh, *, flip=False, resident_bytes=RESIDENT_BYTES):
    """Batches of a Source, from the device's memory if it is small, else streamed.

    Args:
        source: The Source.
        batch_size: Images a batch, over all devices.
        rounds: Batches a step.
        seed: Seed of the order of rows.
        mesh: Mesh with the axis `data`.
        flip: Mirror each image with probability one half.
        resident_bytes: Largest set that is kept on the device.

    Returns:
        The Batches.
    """
    rows = row_order(source.size, rounds * batch_size, seed)
    bytes_needed = source.size * source.resolution**2 * source.channels

    def finish(batch, key):
        floats = images.to_float(batch["images"])
        return {**batch, "images": images.random_flip(key, floats) if flip else floats}

    def of_step(step):
        return rows(step).reshape(rounds, batch_size)

    if bytes_needed <= resident_bytes:
        return _resident(source, of_step, mesh, finish)
    return _streamed(source, of_step, mesh, finish)


def _resident(source, of_step, mesh, finish):
    """The whole set on every device; a step is fed row numbers."""
    everything = source.read(np.arange(source.size))
    resident = {name: parallel.place(array, parallel.replicated(mesh)) for name, array in everything.items()}
    where = parallel.sharded(mesh, axis=1)

    def feed(start, stop):
        for step in range(start, stop):
            yield parallel.place(of_step(step).astype(np.int32), where)

    def decode(resident, rows, key):
        return finish(jax.tree.map(lambda array: array[rows], resident), key)

    return Batches(resident, feed, decode)


def _streamed(source, of_step, mesh, finish):
    """A step is fed images that threads have read ahead, each host its own rows only."""
    where = parallel.sharded(mesh, axis=1)

    def load(step):
        rows = of_step(step)
        read = functools.lru_cache(lambda start, stop: source.read(rows[:, start:stop].ravel()))

        def part(name, index):
            start, stop, _ = index[1].indices(rows.shape[1])
            array = read(start, stop)[name]
            return array.reshape(rows.shape[0], stop - start, *array.shape[1:])

        image = (source.resolution, source.resolution, source.channels)
        shapes = {"images": rows.shape + image, **({"labels": rows.shape} if source.classes else {})}
        return {
            name: jax.make_array_from_callback(shape, where, functools.partial(part, name))
            for name, shape in shapes.items()
        }

    load = _faulting(source.name, load)
    return Batches((), lambda start, stop: prefetch(load, start, stop), lambda _, fed, key: finish(fed, key))


def _faulting(name, load):
    """A function of a step that raises a Fault where another raises anything.

    What one of many processes cannot read, others may well; a UsageError would look like everybody's mistake.
    """

    def loaded(step):
        try:
            return load(step)
        except (UsageError, Fault) as error:
            raise Fault(str(error)) from error
        except Exception as error:  # Decoders, file systems and a user's own function fail in many ways.
            reason = f"{type(error).__name__}: {error}"
            raise Fault(f"{name}: batch {step} cannot be read: {reason}") from error

    return loaded


def prefetch(load, start, stop, *, depth=4, workers=2):
    """`load(start)` to `load(stop - 1)` in order, computed ahead by threads.

    Args:
        load: Function of a step.
        start: First step.
        stop: One past the last.
        depth: Results waiting or under way at any time.
        workers: Threads.

    Yields:
        The results. An error in `load` is raised where its result would have come.
    """
    with concurrent.futures.ThreadPoolExecutor(workers, "reader") as pool:
        waiting = collections.deque()
        try:
            for step in range(start, stop):
                waiting.append(pool.submit(load, step))
                if len(waiting) >= depth:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
