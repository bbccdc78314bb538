"""What is nobody's mistake, as one line: a full disk, a folder that is gone."""

import contextlib

from gan_jax.errors import Fault


@contextlib.contextmanager
def told_of(workdir):
    """Makes Faults of the system's errors while a run writes in its workdir.

    Args:
        workdir: Folder of the run.

    Yields:
        Nothing.

    Raises:
        Fault: Says where and what failed.
    """
    try:
        yield
    except OSError as error:
        raise Fault(f"training in {workdir} ended: {error}") from error
