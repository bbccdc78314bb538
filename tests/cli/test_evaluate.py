"""`python -m gan_jax.evaluate`, run as a user runs it."""

import json
import subprocess
import sys

import command_line
import in_process
import pytest


def _evaluate(*flags):
    flags = ["--generated=digits:test", "--reference=digits", "--features=pixels", *flags]
    return in_process.run(*flags, module="gan_jax.evaluate")


@pytest.mark.parametrize("given, shape", [("8", [8, 8, 1]), ("8x12", [8, 12, 1])])
def test_resolution_is_one_side_or_height_and_width(tmp_path, given, shape):
    flags = ["--metrics=frechet_distance", f"--resolution={given}", f"--output={tmp_path}/record.json"]
    code, out, err = _evaluate(*flags)
    assert code == 0, err
    record = json.loads((tmp_path / "record.json").read_text())
    assert record["protocol"]["shape"] == shape and "frechet_distance" in out


@pytest.mark.parametrize(
    "given, says",
    [
        ("abc", "flag --resolution=abc: invalid literal for int() with base 10: 'abc'"),
        ("8x", "flag --resolution=8x: invalid literal for int() with base 10: '8x'"),
        ("-8", "flag --resolution=-8: -8 is not a non-negative integer"),
        (
            "8x0",
            "resolution=(8, 0): expected a whole number of at least 1, or a pair (height, width) of them",
        ),
    ],
)
def test_a_wrong_resolution_is_one_line_and_exit_code_2(given, says):
    assert _evaluate(f"--resolution={given}") == (2, "", f"error: {says}\n")


def test_a_process_ends_with_the_same_exit_code():
    command = [sys.executable, "-m", "gan_jax.evaluate", "--resolution=8x"]
    done = subprocess.run(command, cwd=command_line.ROOT, text=True, capture_output=True)
    assert done.returncode == 2 and done.stderr.startswith("error: flag --resolution=8x: ")
