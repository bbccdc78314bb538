"""The flags of each mode, and the text that explains them."""

import pytest
from absl import flags

from gan_jax.cli import modes
from gan_jax.cli.modes import Mode
from gan_jax.errors import UsageError

flags.DEFINE_integer("oars", 2, "Number of oars.")
flags.DEFINE_string("port", None, "Where to go.")
flags.DEFINE_bool("calm", False, "Wait for calm water.")
MODES = {
    "row": Mode(print, "row a boat", "--oars=4", "oars port"),
    "sail": Mode(print, "sail", "--mode=sail --port=Brest", "port"),
}


def test_a_flag_of_another_mode_is_refused():
    modes.check(MODES, "row", lambda name: name == "oars")
    with pytest.raises(UsageError, match="^--oars: --mode=sail does not take it; only row does$"):
        modes.check(MODES, "sail", lambda name: name == "oars")


def test_a_flag_is_explained_once():
    assert modes.described("boat", MODES, "calm").splitlines() == [
        "--mode=row (the default): row a boat",
        "  boat --oars=4",
        "  --oars                 Number of oars. [2]",
        "  and --port",
        "",
        "--mode=sail: sail",
        "  boat --mode=sail --port=Brest",
        "  and --port",
        "",
        "flags of several modes:",
        "  --port                 Where to go.",
        "",
        "in every mode:",
        "  --calm                 Wait for calm water.",
    ]
