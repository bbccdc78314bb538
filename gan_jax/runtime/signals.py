"""Requests to stop a run of one process; `processes.py` has those of many."""

import contextlib
import logging
import signal
import threading
from collections.abc import Callable, Iterator

log = logging.getLogger("gan_jax")


@contextlib.contextmanager
def stop_requests() -> Iterator[Callable[[int], bool]]:
    """Turns SIGTERM and Ctrl-C into requests to stop; a second one ends the process at once.

    Yields:
        Function from finished training steps to bool: has somebody asked to stop?
    """
    event, kinds = threading.Event(), (signal.SIGTERM, signal.SIGINT)
    if threading.current_thread() is not threading.main_thread():
        yield lambda done: event.is_set()
        return
    previous = {kind: signal.getsignal(kind) for kind in kinds}

    def ask(number, frame):
        event.set()
        log.info("%s: saving and stopping", signal.Signals(number).name)
        signal.signal(number, previous[number])

    for kind in kinds:
        signal.signal(kind, ask)
    try:
        yield lambda done: event.is_set()
    finally:
        for kind, handler in previous.items():
            signal.signal(kind, handler)
