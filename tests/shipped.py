"""The recipes that ship, for tests that go through them."""

import glob
import os

CONFIGS = sorted(glob.glob(os.path.join(os.path.dirname(__file__), "..", "configs", "*.py")))
# Their networks and their losses are, in other sizes, those of others.
_ALIKE = ("colourise", "deblur", "inpaint", "restore_pixels", "rrdb", "srresnet")


def name(path):
    """The name of a recipe."""
    return os.path.basename(path)[: -len(".py")]


DISTINCT = [path for path in CONFIGS if name(path) not in _ALIKE]
