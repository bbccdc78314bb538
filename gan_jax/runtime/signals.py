"""Requests to stop, for a run of one process; those of many are in `processes.py`."""

import contextlib
import logging
import signal
import threading

log = logging.getLogger("gan_jax")


@contextlib.contextmanager
def stop_requests():
    """SIGTERM and Ctrl-C as a question; a second one ends the process at once. For a run of one process.

    Yields:
        Function from rounds played to bool.
    """
    event, kinds = threading.Event(), (signal.SIGTERM, signal.SIGINT)
    if threading.current_thread() is not threading.main_thread():
        yield lambda done: event.is_set()
        return
    before = {kind: signal.getsignal(kind) for kind in kinds}

    def ask(number, frame):
        event.set()
        log.info("%s: saving and stopping", signal.Signals(number).name)
        signal.signal(number, before[number])

    for kind in kinds:
        signal.signal(kind, ask)
    try:
        yield lambda done: event.is_set()
    finally:
        for kind, handler in before.items():
            signal.signal(kind, handler)
