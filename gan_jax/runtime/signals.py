"""Requests to stop: a run saves first, all else ends at once. `processes.py` has runs of many processes."""

import contextlib
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

from gan_jax.runtime import files

log = logging.getLogger("gan_jax")


# Signals that ask a run to stop.
STOP = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)

# Set while a run has steps to save; until then a signal loses nothing.
_saving = threading.Event()
# Set while a request to stop may interrupt what the main thread does.
_interruptible = threading.Event()


class Interrupted(BaseException):
    """A request to stop came within `interruptible`."""


def handlers() -> dict[signal.Signals, Any]:
    """The handlers of the signals that ask a run to stop, without signals that the process ignores."""
    every = {kind: signal.getsignal(kind) for kind in STOP}
    return {kind: handler for kind, handler in every.items() if handler is not signal.SIG_IGN}


@contextlib.contextmanager
def at_once() -> Iterator[None]:
    """Lets the signals that ask to stop end this process at once, whatever it does, unless a run has to save.

    Python calls handlers between two of its own instructions, so that a compilation of minutes would delay
    them. A thread is told of signals by the system and ends the process instead; half-written files are
    removed. A run that has steps to save is left to `stop_requests`, until a second signal comes.

    Yields:
        Nothing.
    """
    ours = threading.current_thread() is threading.main_thread()
    previous = handlers() if ours else {}
    receiving, sending = socket.socketpair()
    with receiving, sending:
        if not ours:
            yield
            return
        sending.setblocking(False)
        wakeup = signal.set_wakeup_fd(sending.fileno(), warn_on_full_buffer=False)
        for kind in previous:
            signal.signal(kind, lambda number, frame: None)  # A handler, so that the system tells the thread.
        watcher = threading.Thread(target=_watch, args=(receiving, set(previous)), daemon=True)
        watcher.start()
        try:
            yield
        finally:
            signal.set_wakeup_fd(wakeup)
            for kind, handler in previous.items():
                signal.signal(kind, handler)
            receiving.shutdown(socket.SHUT_RDWR)  # Ends the thread, which may only now begin to read.
            watcher.join()


def _watch(receiving, kinds):
    """Ends the process at a signal, or at the second one while a run has steps to save."""
    asked = False
    while numbers := receiving.recv(1):
        if numbers[0] not in kinds:
            continue
        if asked or not _saving.is_set():
            files.remove_unfinished()
            with contextlib.suppress(OSError):  # Whoever read it may be gone.
                print(f"{signal.Signals(numbers[0]).name}: stopped", file=sys.stderr, flush=True)
            os._exit(128 + numbers[0])  # As shells count a process that a signal ended.
        asked = True


@contextlib.contextmanager
def saving_first(stop: Callable[[int], bool]) -> Iterator[Callable[[int], bool]]:
    """Marks that a run has steps to save, from its first finished step on.

    Args:
        stop: Function from finished training steps to bool: has somebody asked to stop?

    Yields:
        The same function, marking.
    """

    def marked(done):
        _saving.set()
        return stop(done)

    try:
        yield marked
    finally:
        _saving.clear()


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """Lets a request to stop interrupt long work that need not be finished, such as an evaluation.

    Yields:
        Nothing.

    Raises:
        Interrupted: A signal came.
    """
    _interruptible.set()
    try:
        yield
    finally:
        _interruptible.clear()


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
        if _interruptible.is_set():
            raise Interrupted

    for kind in previous:
        signal.signal(kind, ask)
    try:
        with saving_first(lambda done: event.is_set()) as stop:
            yield stop
    finally:
        for kind, handler in previous.items():
            signal.signal(kind, handler)
