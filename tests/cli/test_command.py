"""How a command line ends."""

import configparser
import pathlib
import subprocess
import sys

import command_line
import pytest

import gan_jax
from gan_jax.cli import command


@pytest.mark.parametrize(
    "error, code, says",
    [
        ("errors.UsageError('batch_size=3:\\nodd')", 2, "error: batch_size=3: odd\n"),
        ("errors.Divergence('step 3: inf')", 1, "error: step 3: inf\n"),
        ("errors.Fault('a disk failed')", 1, "error: a disk failed\n"),
        (
            "OSError(28, 'No space left on device', 'x')",
            1,
            "error: [Errno 28] No space left on device: 'x'\n",
        ),
    ],
)
def test_an_error_is_one_line_and_an_exit_code(error, code, says):
    imports = "from gan_jax import errors\nfrom gan_jax.cli import command"
    program = f"{imports}\ndef do(): raise {error}\ncommand.run(do)"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=command_line.ROOT, text=True, capture_output=True
    )
    assert (done.returncode, done.stderr) == (code, says)


def test_every_command_line_tells_the_version_of_the_package():
    setup = configparser.ConfigParser()
    setup.read(pathlib.Path(command_line.ROOT) / "setup.cfg")
    assert setup["metadata"]["version"] == "attr: gan_jax.__version__"  # One place for all.
    for module in ("gan_jax.main", "gan_jax.study"):
        done = subprocess.run(
            [sys.executable, "-m", module, "--version"], cwd=command_line.ROOT, text=True, capture_output=True
        )
        assert (done.returncode, done.stdout) == (0, f"gan_jax {gan_jax.__version__}\n"), done.stderr


def test_a_path_may_begin_with_the_home_folder(monkeypatch):
    monkeypatch.setenv("HOME", "/home/ada")
    assert command.path("~/runs/x") == "/home/ada/runs/x"
    assert command.path("runs/~x") == "runs/~x" and command.path("") == "" and command.path(None) is None


def test_every_flag_of_the_program_belongs_to_a_mode():
    """A flag that no mode lists would be ignored without a word."""
    code = (
        "from absl import flags; from gan_jax import main; own = flags.FLAGS.get_flags_for_module('gan_jax.main');"
        "taken = {name for mode in main._MODES.values() for name in mode.takes.split()};"
        "print(sorted({flag.name for flag in own} ^ taken))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=command_line.ROOT, text=True, capture_output=True)
    assert done.stdout.strip() == "['list', 'mode']", done.stderr


def test_words_that_are_no_flags_are_taken_where_they_are_expected():
    program = (
        "import sys\nfrom absl import flags\nfrom gan_jax.cli import command\nwords = []\n"
        "output = flags.DEFINE_string('output', None, '')\n"
        "sys.argv = ['x', 'runs/a', '--output', 'o', 'runs/b']\n"
        "command.run(lambda: print(words, output.value), words=words)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=command_line.ROOT, text=True, capture_output=True
    )
    assert done.stdout == "['runs/a', 'runs/b'] o\n", done.stderr
