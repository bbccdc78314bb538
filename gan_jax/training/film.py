"""A film of a run: its grids of samples, one after the other."""

import contextlib
import os
import re

import numpy as np
from PIL import Image

from gan_jax import images
from gan_jax.runtime.files import write_atomically

# Frames at most, and their larger side in pixels: a film has a few megabytes.
FRAMES, SIDE = 60, 1024
# Milliseconds: of the whole film about, of a frame at least and at most, and of the last one.
WHOLE, SHORTEST, LONGEST, LAST = 8000, 80, 500, 2000


def film(folder: str, until: int, path: str) -> None:
    """Writes the grids of a run as an animated WebP; with fewer than two grids nothing is written.

    Args:
        folder: Folder of the grids, `step_0000500.png` and so on, also those of earlier starts; it need not
            exist.
        until: Steps taken; grids of later steps are left over from a start that did not save them.
        path: The film. Of more than 60 grids, it has 60 at equal distances, the first and the last one
            included.

    Raises:
        OSError: The film cannot be written.
    """
    names = sorted(_steps(folder, until).items())
    chosen = np.unique(np.linspace(0, len(names) - 1, min(FRAMES, len(names))).round().astype(int))
    frames = [
        frame for number in chosen if (frame := _frame(os.path.join(folder, names[number][1]))) is not None
    ]
    frames = [frame for frame in frames if frame.shape == frames[-1].shape]
    if len(frames) < 2:
        return
    each = int(np.clip(WHOLE // len(frames), SHORTEST, LONGEST))
    with write_atomically(path, "wb") as file:
        images.save_animation(file, frames, [each] * (len(frames) - 1) + [LAST], quality=80, method=0)


def _steps(folder, until):
    """Names of the grids by step."""
    names = os.listdir(folder) if os.path.isdir(folder) else []
    steps = {int(match[1]): name for name in names if (match := re.fullmatch(r"step_(\d+)\.png", name))}
    return {step: name for step, name in steps.items() if step <= until}


def _frame(path):
    """A grid, uint8 [H, W, 3], made smaller if it is large; None for a file that a kill cut short."""
    with contextlib.suppress(OSError, SyntaxError):  # Both are Pillow's.
        with Image.open(path) as picture:
            frame = picture.convert("RGB")
        frame.thumbnail((SIDE, SIDE))
        return np.asarray(frame)
    return None
