"""The benchmark's command line, in tiny blocks."""

import json
import os
import subprocess
import sys

import command_line
import parity
import pytest


def run(*flags, module="gan_jax.benchmark"):
    """Exit code, stdout and stderr."""
    clean = {name: value for name, value in os.environ.items() if name != "XLA_FLAGS"}
    ended = subprocess.run(
        [sys.executable, "-m", module, *flags], cwd=command_line.ROOT, capture_output=True, text=True,
        env={**clean, "JAX_PLATFORMS": "cpu"}, timeout=300,
    )  # fmt: skip
    return ended.returncode, ended.stdout, ended.stderr


def test_a_run(tmp_path):
    output = tmp_path / "speed.json"
    code, out, err = run("--cases=mlp", "--repeats=1", "--seconds=0.01", f"--output={output}")
    assert code == 0, err
    stored = json.loads(output.read_text())
    (measured,) = [by_framework["gan_jax"] for by_framework in stored["rounds"]["cases"]["mlp"]]
    assert len(measured["milliseconds"]) == 3 and min(measured["milliseconds"]) > 0
    assert measured["first_step_seconds"] > measured["compile_seconds"] > 0
    assert measured["parameters"] == parity.count("mlp") and measured["images"] == 128
    assert 30 < measured["memory_mib"] < 10_000
    # Products of the dense layers. The generator's update: its forward, kernel and input gradients (except
    # for the first layer's input), the discriminator's forward and input gradients. The discriminator's
    # update: the generator's forward and, for real and fake, its own three, again except for the first
    # layer's input.
    generator, discriminator = 100 * 128 + 128 * 128 + 128 * 784, 784 * 128 + 128 * 128 + 128
    products = (3 * generator - 100 * 128 + 2 * discriminator) + (
        generator + 2 * (3 * discriminator - 784 * 128)
    )
    assert measured["flops"] == pytest.approx(2 * 128 * products, rel=0.1)
    assert stored["summary"]["cases"]["mlp"]["gan_jax"]["milliseconds"]["median"] > 0
    assert stored["summary"]["peak"] > 1e8
    assert out.splitlines()[1].startswith("mlp") and "mlp: gan_jax" in err


@pytest.mark.parametrize(
    "flags, message",
    [
        (["--cases=mpl"], "--cases: unknown name 'mpl'; did you mean mlp"),
        (["--against=pytorch"], "--against: unknown name 'pytorch'; did you mean torch"),
        (["--python=torhc:/bin/python"], "--python: unknown name 'torhc'"),
        (["--python=torch"], "--python=torch: expected a path too"),
        (
            ["--against=torch", "--python=torch:/bin/false"],
            "torch needs torch, which /bin/false does not have",
        ),
        (["--against=torch", "--python=torch:/no/python"], "--python: /no/python cannot be run"),
        (["--repeats=0"], "repeats"),
        (["--seconds=-1"], "seconds"),
    ],
)
def test_a_mistake_is_one_line(flags, message):
    code, out, err = run(*flags)
    assert code == 2 and not out and len(err.splitlines()) == 1 and message in err


def test_nothing_is_measured_for_a_file_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    code, out, err = run("--cases=mlp", f"--output={tmp_path}/file/speed.json")
    assert code == 2 and not out and len(err.splitlines()) == 1 and "cannot be written" in err


def test_help_imports_no_framework():
    code = "import gan_jax.benchmark.__main__, gan_jax.benchmark.worker, sys; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], cwd=command_line.ROOT, capture_output=True, text=True, check=True
    )
    assert not {"jax", "torch", "tensorflow", "numpy"} & set(loaded.stdout.split())
    assert run("--help")[0] == 0


def test_a_worker_that_fails_gives_the_reason():
    code, out, err = run("--case=none", module="gan_jax.benchmark.worker")
    assert code == 1 and not out and "unknown name 'none'" in err.splitlines()[-1]
