"""Progress of long work: a bar where stderr is a terminal, log lines elsewhere."""

import logging
import sys
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

log = logging.getLogger("gan_jax")

# Seconds between two log lines.
EVERY = 10.0

Item = TypeVar("Item")


def clock(seconds: float) -> str:
    """A duration as `minutes:seconds`."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}"


def shown(items: Iterable[Item], total: int, what: str, unit: str = "step") -> Iterator[Item]:
    """Passes items on, and shows how many of them are done.

    Args:
        items: The items; each is done when the next one is asked for.
        total: Their number.
        what: A name of the work, for people.
        unit: What an item is called.

    Yields:
        The items.
    """
    if sys.stderr.isatty():
        from tqdm import tqdm

        yield from tqdm(items, total=total, desc=what, unit=unit, leave=False, dynamic_ncols=True)
        return
    begun = said = time.monotonic()
    for done, item in enumerate(items, 1):
        yield item
        now = time.monotonic()
        if done == 1:
            begun = now  # The first one may compile.
        elif now - said >= EVERY:
            said, left = now, (now - begun) / (done - 1) * (total - done)
            log.info("%s: %s %d/%d, %s left", what, unit, done, total, clock(left))
