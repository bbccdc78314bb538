"""TensorBoard's event file, written by the calling thread.

tensorboardX's own writer sends everything to a background thread. When a full disk ends that thread, training
waits forever on a full queue.
"""

import json
import os
import time
from typing import Any

import numpy as np
from tensorboardX import summary
from tensorboardX.event_file_writer import EventsWriter
from tensorboardX.proto.event_pb2 import Event, SessionLog

from gan_jax import recipe as recipe_lib
from gan_jax.training.reporters import Reporter, of_client


def tensorboard(workdir: str, recipe: recipe_lib.Recipe, first: int) -> Reporter:
    """TensorBoard as a Reporter: one event file for each start of a run.

    Args:
        workdir: Folder of the run.
        recipe: Its Recipe, for the HPARAMS tab.
        first: Steps taken before this start; TensorBoard forgets what earlier starts wrote about later ones.

    Returns:
        The Reporter. Its functions raise OSError if the file cannot be written.
    """
    # The suffix keeps apart two event files of the same second.
    events = Events(workdir, purge_step=first + 1, suffix=f".{os.getpid()}.{first}")
    if first == 0:
        _hyperparameters(events, recipe)

    def numbers(step, values):
        for name, value in values.items():
            events.add_scalar(name, value, step)
        events.flush()

    return of_client(
        numbers=numbers,
        text=lambda step, name, line: events.add_text(name, line, step),
        picture=lambda step, name, picture: events.add_image(name, picture, step),
        close=lambda failed: events.close(),
    )


def _hyperparameters(events, recipe):
    """Writes the recipe for TensorBoard's HPARAMS tab, into the run's own event file."""
    flat = recipe_lib.flatten(recipe_lib.to_dict(recipe))
    kept = {k: v if isinstance(v, (int, float, str, bool)) else json.dumps(v) for k, v in flat.items()}
    for record in summary.hparams(kept, {}):
        events.add_summary(record)


class Events:
    """A new event file.

    Args:
        folder: Folder of the file.
        purge_step: TensorBoard ignores this step and later ones in older files of the folder.
        suffix: End of the file's name, after host and second.

    Raises:
        OSError: The file cannot be written. All methods raise it too.
    """

    def __init__(self, folder: str, *, purge_step: int, suffix: str) -> None:
        self._file = EventsWriter(os.path.join(folder, "events"), suffix)
        self._add(step=purge_step, session_log=SessionLog(status=SessionLog.START))

    def _add(self, **fields):
        self._file.write_event(Event(wall_time=time.time(), **fields))

    def add_summary(self, record: Any, step: int = 0) -> None:
        """Writes a record that a function of `tensorboardX.summary` made."""
        self._add(summary=record, step=step)

    def add_scalar(self, name: str, value: float, step: int) -> None:
        """Writes a number."""
        self.add_summary(summary.scalar(name, value), step)

    def add_text(self, name: str, text: str, step: int) -> None:
        """Writes a line."""
        self.add_summary(summary.text(name, text), step)

    def add_image(self, name: str, image: np.ndarray, step: int) -> None:
        """Writes an image, uint8 [H, W, C]."""
        self.add_summary(summary.image(name, image, dataformats="HWC"), step)

    def flush(self) -> None:
        """Writes everything to the disk."""
        self._file.flush()

    def close(self) -> None:
        """Writes everything to the disk and closes the file."""
        self._file.close()
