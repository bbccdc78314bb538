"""Requests to stop a run of one process; `processes.py` has those of many."""

import contextlib
import logging
import signal
import threading
from collections.abc import Callable, Iterator
from typing import Any

log = logging.getLogger("gan_jax")


# Signals that ask a run to stop.
STOP = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def handlers() -> dict[signal.Signals, Any]:
    """The handlers of the signals that ask a run to stop, without signals that the process ignores."""
    every = {kind: signal.getsignal(kind) for kind in STOP}
    return {kind: handler for kind, handler in every.items() if handler is not signal.SIG_IGN}


@contextlib.contextmanager
def stop_requests() -> Iterator[Callable[[int], bool]]:
    """Turns SIGTERM, Ctrl-C and a hang-up into requests to stop; a second one ends the process at once.

    A hang-up (SIGHUP) comes when a terminal is closed or a connection drops; under `nohup` it stays ignored.

    Yields:
        Function from finished training steps to bool: has somebody asked to stop?
    """
    event = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield lambda done: event.is_set()
        return
    previous = handlers()

    def ask(number, frame):
        event.set()
        log.info("%s: saving and stopping", signal.Signals(number).name)
        signal.signal(number, previous[number])

    for kind in previous:
        signal.signal(kind, ask)
    try:
        yield lambda done: event.is_set()
    finally:
        for kind, handler in previous.items():
            signal.signal(kind, handler)
