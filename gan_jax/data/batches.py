"""Batches: the rows of step t are a pure function of (seed, t); nothing else is needed to resume."""

import collections
import concurrent.futures
import contextlib
import functools
import itertools
import math
from collections.abc import Callable, Generator, Iterable, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

from gan_jax.data.source import Source
from gan_jax.errors import Fault, UsageError
from gan_jax.runtime import parallel

# A data set of at most so many bytes lies on every device whole.
RESIDENT_BYTES = 2**30


class Batches(NamedTuple):
    """How a step gets its batches.

    Attributes:
        resident: Arrays that lie on the device for the whole run, an argument of every step; may be empty.
            Of data of several parts it is a tuple, an entry a part, as is what `feed` yields.
        feed: `(start, stop, calls=singly)` to an iterator over the inputs that steps start to stop - 1 need
            from the host, those of the steps of one program call together: arrays [steps, count, B, ...].
            `calls` is a function from start and stop to the ranges of steps, one for each call.
        decode: `(resident, fed, key) -> batches`, inside `jit`: from the inputs of one step, arrays
            [count, B, ...], to decoded rows by name, arrays [count, B, *shape].
    """

    resident: Any
    feed: Callable[..., Generator]
    decode: Callable[[Any, Any, jax.Array], dict]


def row_order(size: int, count: int, *seed: int, skipped: int = 0) -> Callable[[int], np.ndarray]:
    """The rows of step t: every row once per epoch, in a new order in every epoch.

    Args:
        size: Rows in the data set.
        count: Rows per step.
        *seed: Seed of the orders, one number or several.
        skipped: Rows that earlier steps of another `count` took more than as many of this one, or fewer:
            step t begins `skipped` rows after its t * count.

    Returns:
        Function from t to row numbers, int [count].
    """

    @functools.lru_cache(maxsize=2)
    def order(epoch):
        return np.random.default_rng([*seed, epoch]).permutation(size)

    def rows(step):
        epochs, places = np.divmod(np.arange(step * count, (step + 1) * count) + skipped, size)
        return np.concatenate([order(int(epoch))[places[epochs == epoch]] for epoch in np.unique(epochs)])

    return rows


def singly(start: int, stop: int) -> Iterable[range]:
    """The steps start to stop - 1, each in a program call of its own."""
    return (range(step, step + 1) for step in range(start, stop))


def batches(
    source: Source,
    batch_size: int,
    count: int,
    seed: int,
    mesh: jax.sharding.Mesh,
    decode: Callable[[jax.Array, dict], dict],
    *,
    skipped: int = 0,
    resident: Any = None,
    resident_bytes: int = RESIDENT_BYTES,
) -> Batches:
    """Batches of a Source, from the device's memory if the data set is small, else streamed.

    The parts of a Source each have an order and epochs of their own; their entries together are a row.

    Args:
        source: The Source.
        batch_size: Rows per batch, over all devices.
        count: Batches per step.
        seed: Seed of the orders of rows.
        mesh: Mesh with the axis `data`.
        decode: `(key, rows) -> rows`, inside `jit`: from stored rows by name to the arrays that networks see.
        skipped: As for `row_order`.
        resident: That of other Batches of the Source on the same mesh, to be shared; None to place the rows.
        resident_bytes: Largest data set that is kept on the device.

    Returns:
        The Batches.
    """
    parts = source.parts or (source,)
    place = _resident if sum(map(_bytes, parts)) <= resident_bytes else _streamed
    if len(parts) == 1:
        return place(parts[0], _calls(parts[0], batch_size, count, skipped, seed), mesh, decode, resident)
    shared = resident or itertools.repeat(None)
    orders = [
        _calls(part, batch_size, count, skipped, seed, *([k] if k else [])) for k, part in enumerate(parts)
    ]
    stored = [
        place(part, order, mesh, lambda key, rows: rows, there)
        for part, order, there in zip(parts, orders, shared)
    ]
    return _merged(stored, decode)


def _bytes(source):
    """The bytes of all rows."""
    return source.size * sum(math.prod(row.shape) * row.dtype.itemsize for row in source.spec.values())


def _calls(source, batch_size, count, skipped, *seed):
    """Function from the steps of a call to their rows, int [steps, count, B]."""
    rows = row_order(source.size, count * batch_size, *seed, skipped=skipped)
    return lambda steps: np.stack([rows(step).reshape(count, batch_size) for step in steps])


def _merged(parts: Sequence[Batches], decode: Callable[[jax.Array, dict], dict]) -> Batches:
    """Several parts, whose entries together are a row."""

    def feed(start, stop, calls=singly):
        with contextlib.ExitStack() as open_feeds:
            feeds = [open_feeds.enter_context(contextlib.closing(p.feed(start, stop, calls))) for p in parts]
            yield from zip(*feeds, strict=True)

    def decode_rows(resident, fed, key):
        rows: dict[str, Any] = {}
        for part, own, inputs in zip(parts, resident, fed, strict=True):
            rows |= part.decode(own, inputs, key)
        return decode(key, rows)

    return Batches(tuple(part.resident for part in parts), feed, decode_rows)


def _resident(source, of_call, mesh, decode, resident):
    """The whole data set on every device; a step is fed row numbers."""
    if resident is None:
        everything = source.read(np.arange(source.size))
        resident = {
            name: parallel.place(array, parallel.replicated(mesh)) for name, array in everything.items()
        }
    where = parallel.sharded(mesh, axis=2)

    def feed(start, stop, calls=singly):
        for steps in calls(start, stop):
            yield parallel.place(of_call(steps).astype(np.int32), where)

    def decode_rows(resident, rows, key):
        return decode(key, jax.tree.map(lambda array: array[rows], resident))

    return Batches(resident, feed, decode_rows)


def _streamed(source, of_call, mesh, decode, _):
    """A step is fed rows that threads have read ahead, each host its own rows only."""
    where = parallel.sharded(mesh, axis=2)

    def load(steps):
        rows = of_call(steps)
        read = functools.lru_cache(lambda start, stop: source.read(rows[:, :, start:stop].ravel()))

        def part(name, index):
            start, stop, _ = index[2].indices(rows.shape[2])
            array = read(start, stop)[name]
            return array.reshape(*rows.shape[:2], stop - start, *array.shape[1:])

        return {
            name: jax.make_array_from_callback(rows.shape + row.shape, where, functools.partial(part, name))
            for name, row in source.spec.items()
        }

    load = _faulting(source.name, load)

    def feed(start, stop, calls=singly):
        return prefetch(load, calls(start, stop))

    return Batches((), feed, lambda _, fed, key: decode(key, fed))


def _faulting(name, load):
    """The same function of a call's steps; every error becomes a Fault.

    One of many processes may fail to read rows that others can read, so it is no UsageError: all processes
    raise those together.
    """

    def loaded(steps):
        try:
            return load(steps)
        except (UsageError, Fault) as error:
            raise Fault(str(error)) from error
        except Exception as error:  # Decoders, file systems and a user's own function fail in many ways.
            reason = f"{type(error).__name__}: {error}"
            raise Fault(f"{name}: batch {steps[0]} cannot be read: {reason}") from error

    return loaded


def prefetch(
    load: Callable[[Any], Any], items: Iterable[Any], *, depth: int = 4, workers: int = 2
) -> Generator[Any]:
    """`load(item)` for each item in order, computed ahead by threads.

    Args:
        load: Function of an item.
        items: The items.
        depth: Results waiting or under way at any time.
        workers: Threads.

    Yields:
        The results. An error in `load` is raised at the place of its result.
    """
    with concurrent.futures.ThreadPoolExecutor(workers, "reader") as pool:
        waiting: collections.deque = collections.deque()
        try:
            for item in items:
                waiting.append(pool.submit(load, item))
                if len(waiting) >= depth:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
