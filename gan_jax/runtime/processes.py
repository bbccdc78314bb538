"""Many processes, one run: who speaks, what all agree on, and how they end together.

Every process runs the same program on its own devices. What one of them alone finds out goes to all by
`gather`, in which all must take part; an error that only one has would leave the others waiting for ever.
"""

import contextlib
import json
import logging
import os
import signal
import sys
import traceback

import jax
import numpy as np
from jax.experimental import multihost_utils

from gan_jax.errors import Divergence, Fault, UsageError

log = logging.getLogger("gan_jax")

# Bytes that values travel in multiples of, so that few shapes are compiled.
BLOCK = 1024


def is_first():
    """Is this the process that writes and speaks?"""
    return jax.process_index() == 0


def gather(value):
    """A small value of every process, on all of them; it returns when the last one has called it.

    Args:
        value: What JSON can write; a float comes back bit for bit.

    Returns:
        List of the values by process number.
    """
    text = np.frombuffer(json.dumps(value).encode(), np.uint8)
    longest = np.max(multihost_utils.process_allgather(np.int32(text.size)))
    # JSON ignores blanks.
    padded = np.pad(text, (0, -(-longest // BLOCK) * BLOCK - text.size), constant_values=ord(" "))
    return [json.loads(row.tobytes()) for row in multihost_utils.process_allgather(padded)]


def together(do):
    """Does something on every process; a mistake on one is a mistake on all.

    Args:
        do: Function of nothing, in which no process waits for another.

    Returns:
        What it returns here.

    Raises:
        UsageError: It raised one somewhere; the first process's own, or that of the first that raised one.
    """
    made, mistake = None, None
    try:
        made = do()
    except UsageError as error:
        mistake = str(error)
    mistakes = gather(mistake)
    number = next((number for number, said in enumerate(mistakes) if said is not None), None)
    if number is not None:
        raise UsageError(f"process {number}: {mistakes[number]}" if number else mistakes[number])
    return made


def from_first(compute):
    """What process 0 computes, on all of them.

    Args:
        compute: Function of nothing to what JSON can write; not called elsewhere.

    Returns:
        Its value.

    Raises:
        UsageError: It raised one.
    """
    return gather(together(lambda: compute() if is_first() else None))[0]


def check_alike(what, value):
    """Makes sure that all processes were given the same.

    Args:
        what: Its name, for people.
        value: What JSON can write.

    Raises:
        UsageError: They were not.
    """
    others = [number for number, given in enumerate(gather(value)) if given != json.loads(json.dumps(value))]
    if others:
        raise UsageError(
            f"{what}: process {jax.process_index()} was given another one than process {others[0]}"
        )


@contextlib.contextmanager
def joined(coordinator_address=None, num_processes=None, process_id=None):
    """Makes this process one of many; on leaving, it waits for the others. No device may be in use before.

    An error that is no UsageError or Divergence ends the process at once: see `or_end`.

    Args:
        coordinator_address: Host and port of process 0; None where the cluster tells, as the other two.
        num_processes: How many there are.
        process_id: Number of this one.

    Yields:
        Nothing.

    Raises:
        UsageError: There is no cluster, or the coordinator cannot be had. JAX itself ends a process whose
            peers do not come within five minutes, with exit code 134.
    """
    try:
        jax.distributed.initialize(coordinator_address, num_processes, process_id)
    except Exception as error:  # JAX and the clusters that it knows fail in many ways.
        hint = "" if coordinator_address else "; without a cluster that JAX knows, give --coordinator_address"
        reason = str(error).strip().partition("\n")[0]
        raise UsageError(f"--multihost: {type(error).__name__}: {reason}{hint}") from error
    _mark_log()
    try:
        with or_end():
            yield
            gather(None)
    finally:
        jax.distributed.shutdown()


def _mark_log():
    """The first process says everything, the others warnings and errors, with their number."""
    if not is_first():
        log.setLevel(logging.WARNING)
        for handler in log.handlers:
            handler.setFormatter(logging.Formatter(f"process {jax.process_index()}: %(message)s"))


@contextlib.contextmanager
def or_end():
    """Ends this process at once at an error that the other processes may not have.

    To clean up would be to wait for them, and they for this one. JAX ends them when it misses this one, after
    about 100 s, and so it does with those that a killed process leaves behind.

    Yields:
        Nothing.

    Raises:
        UsageError: Somebody's mistake, which all processes know of.
        Divergence: Of a loss, which all have.
    """
    try:
        yield
    except (UsageError, Divergence):
        raise
    except BaseException as error:
        if jax.process_count() == 1:
            raise
        said = f"error: {error}" if isinstance(error, Fault) else traceback.format_exc()
        print(said, file=sys.stderr)
        log.error(
            "this process ends, and so will all others; started again, they go on from the last checkpoint"
        )
        sys.stderr.flush()
        os._exit(1)


@contextlib.contextmanager
def stop_requests(manager):
    """SIGTERM or Ctrl-C to any process as a question that all of them answer alike, at the same step.

    JAX hears SIGTERM itself; a handler of ours would keep it from that.

    Args:
        manager: From `checkpoint.manager`.

    Yields:
        Function from rounds played to bool, to be asked after every round by all processes.
    """
    before = signal.getsignal(signal.SIGINT)

    def ask(number, frame):
        signal.signal(number, signal.SIG_DFL)  # A second one ends this process at once.
        signal.raise_signal(signal.SIGTERM)

    signal.signal(signal.SIGINT, ask)
    try:
        yield manager.reached_preemption
    finally:
        signal.signal(signal.SIGINT, before)
