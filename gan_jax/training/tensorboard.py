"""TensorBoard's file of events, written by the thread that has something to write.

tensorboardX's own writer hands everything to a thread. When a full disk ends that, training waits for ever on
a queue that nobody empties.
"""

import os
import time

from tensorboardX import summary
from tensorboardX.event_file_writer import EventsWriter
from tensorboardX.proto.event_pb2 import Event, SessionLog


class Events:
    """A new event file.

    Args:
        folder: Where it is made.
        purge_step: TensorBoard forgets what older files of the folder say of this step and later ones.
        suffix: End of its name. The rest of that is host and second.

    Raises:
        OSError: Here and in every method: something cannot be written.
    """

    def __init__(self, folder, *, purge_step, suffix):
        self._file = EventsWriter(os.path.join(folder, "events"), suffix)
        self._add(step=purge_step, session_log=SessionLog(status=SessionLog.START))

    def _add(self, **fields):
        self._file.write_event(Event(wall_time=time.time(), **fields))

    def add_summary(self, record, step=0):
        """Writes what a function of `tensorboardX.summary` made."""
        self._add(summary=record, step=step)

    def add_scalar(self, name, value, step):
        """Writes a number."""
        self.add_summary(summary.scalar(name, value), step)

    def add_text(self, name, text, step):
        """Writes a line."""
        self.add_summary(summary.text(name, text), step)

    def add_image(self, name, image, step):
        """Writes an image, uint8 [H, W, C]."""
        self.add_summary(summary.image(name, image, dataformats="HWC"), step)

    def flush(self):
        """Brings everything to the disk."""
        self._file.flush()

    def close(self):
        """Does so for the last time."""
        self._file.close()
