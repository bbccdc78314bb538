"""Many processes, one run: which one logs and writes, how all agree on values, and how they end together.

Every process runs the same program on its own devices. `gather` sends a value of each process to all, and all
must call it. An error in only one process would leave the others waiting forever.
"""

import contextlib
import json
import logging
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from typing import Any

import jax
import numpy as np
from jax.experimental import multihost_utils

from gan_jax.errors import Divergence, Fault, UsageError
from gan_jax.runtime import signals

log = logging.getLogger("gan_jax")

# Bytes. Values are padded to multiples of it, so that few shapes are compiled.
BLOCK = 1024


def is_first() -> bool:
    """Is this the process that logs and writes?"""
    return jax.process_index() == 0


def gather(value: Any) -> list[Any]:
    """Sends a small value of every process to all processes; it returns when the last one has called it.

    Args:
        value: A value that JSON can write; floats are exact.

    Returns:
        The values by process number.
    """
    text = np.frombuffer(json.dumps(value).encode(), np.uint8)
    longest = np.max(multihost_utils.process_allgather(np.int32(text.size)))
    # JSON ignores blanks.
    padded = np.pad(text, (0, -(-longest // BLOCK) * BLOCK - text.size), constant_values=ord(" "))
    return [json.loads(row.tobytes()) for row in multihost_utils.process_allgather(padded)]


def together(do: Callable[[], Any]) -> Any:
    """Calls a function on every process; a UsageError on one is raised on all.

    Args:
        do: Function without arguments, in which no process waits for another.

    Returns:
        The function's value on this process.

    Raises:
        UsageError: The function raised one; that of the first process which raised one.
    """
    value, mistake = None, None
    try:
        value = do()
    except UsageError as error:
        mistake = str(error)
    mistakes = gather(mistake)
    number = next((number for number, each in enumerate(mistakes) if each is not None), None)
    if number is not None:
        raise UsageError(f"process {number}: {mistakes[number]}" if number else mistakes[number])
    return value


def from_first(compute: Callable[[], Any]) -> Any:
    """Calls a function on process 0 and sends its value to all processes.

    Args:
        compute: Function without arguments; its value can be written as JSON.

    Returns:
        The value.

    Raises:
        UsageError: The function raised one.
    """
    return gather(together(lambda: compute() if is_first() else None))[0]


def check_alike(what: str, value: Any) -> None:
    """Makes sure that a value is the same on all processes.

    Args:
        what: Its name, for the message.
        value: A value that JSON can write.

    Raises:
        UsageError: The values differ.
    """
    own = json.loads(json.dumps(value))
    others = [number for number, other in enumerate(gather(value)) if other != own]
    if others:
        raise UsageError(f"{what} differs between process {jax.process_index()} and process {others[0]}")


@contextlib.contextmanager
def joined(
    coordinator_address: str | None = None, num_processes: int | None = None, process_id: int | None = None
) -> Iterator[None]:
    """Connects this process to the others of a run; on leaving, it waits for them.

    Call it before any device is used. Errors other than UsageError and Divergence end the process at once
    (see `or_end`).

    Args:
        coordinator_address: Host and port of process 0. None, like the other two, to ask the cluster.
        num_processes: Number of processes.
        process_id: Number of this process.

    Yields:
        Nothing.

    Raises:
        UsageError: There is no cluster, or the coordinator cannot be reached. JAX itself ends a process with
            exit code 134 if its peers do not connect within five minutes.
    """
    try:
        jax.distributed.initialize(coordinator_address, num_processes, process_id)
    except Exception as error:  # JAX and its cluster plugins fail in many ways.
        hint = "" if coordinator_address else "; without a cluster that JAX knows, give --coordinator_address"
        reason = str(error).strip().partition("\n")[0]
        raise UsageError(f"--multihost: {type(error).__name__}: {reason}{hint}") from error
    _mark_log()
    try:
        with or_end():
            with _no_output():
                gather(None)  # The first one connects all processes, and Gloo says so.
            yield
            gather(None)
    finally:
        jax.distributed.shutdown()


@contextlib.contextmanager
def _no_output():
    """Drops what libraries print, past Python, to stdout, where only results belong."""
    sys.stdout.flush()
    kept, nowhere = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    try:
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)
        os.close(nowhere)


def _mark_log():
    """The first process logs everything; the others log warnings and errors, with their number."""
    if not is_first():
        log.setLevel(logging.WARNING)
        for handler in log.handlers:
            handler.setFormatter(logging.Formatter(f"process {jax.process_index()}: %(message)s"))


@contextlib.contextmanager
def or_end() -> Iterator[None]:
    """Ends this process at once after an error that the other processes may not have.

    A cleanup would wait for the others while they wait for this one. JAX ends the others about 100 s after
    it loses contact with this one, and does the same when a process is killed.

    Yields:
        Nothing.

    Raises:
        UsageError: A mistake, which is raised on all processes.
        Divergence: A loss or a parameter is not finite, on all processes.
    """
    try:
        yield
    except (UsageError, Divergence):
        raise
    except BaseException as error:
        if jax.process_count() == 1:
            raise
        message = f"error: {error}" if isinstance(error, Fault) else traceback.format_exc()
        print(message, file=sys.stderr)
        log.error("stopping all processes; rerun to resume from the last checkpoint")
        sys.stderr.flush()
        os._exit(1)


@contextlib.contextmanager
def stop_requests(manager: Any) -> Iterator[Callable[[int], bool]]:
    """Turns SIGTERM, Ctrl-C or a hang-up of any process into a request that all see at the same step.

    JAX has its own handler of SIGTERM, which another handler would replace.

    Args:
        manager: From `checkpoint.manager`.

    Yields:
        Function from finished training steps to bool: has somebody asked to stop? All processes call it after
        every step.
    """
    previous = {kind: handler for kind, handler in signals.handlers().items() if kind != signal.SIGTERM}

    def ask(number, frame):
        signal.signal(number, signal.SIG_DFL)  # A second one ends this process at once.
        signal.raise_signal(signal.SIGTERM)

    for kind in previous:
        signal.signal(kind, ask)
    try:
        with signals.saving_first(manager.reached_preemption) as stop:
            yield stop
    finally:
        for kind, handler in previous.items():
            signal.signal(kind, handler)
