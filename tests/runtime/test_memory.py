"""Peak memory, against an array of a known size."""

import re
import subprocess
import sys

import jax
import pytest

from gan_jax.errors import Fault, UsageError
from gan_jax.runtime import memory
from gan_jax.training import train


def test_peak_on_host_has_seen_every_page_that_was_written():
    script = (
        "import sys; from gan_jax.runtime import memory; before = memory.peak_on_host(); "
        "kept = b'x' * 2**28; print(memory.peak_on_host() - before, 'jax' in sys.modules)"
    )
    grown, with_jax = subprocess.check_output([sys.executable, "-c", script], text=True).split()
    assert int(grown) == pytest.approx(2**28, rel=0.05)
    assert with_jax == "False"


def test_a_platform_that_does_not_count_is_left_out(monkeypatch):
    monkeypatch.setattr(memory, "peak_on_devices", lambda: None)
    assert re.fullmatch(r"at most [\d,]+ MiB in memory", memory.summary())
    monkeypatch.setattr(memory, "peak_on_devices", lambda: 3 * 2**30)
    assert memory.summary().endswith(", 3,072 MiB on a device")


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        MemoryError("Unable to allocate 112. GiB for an array"),
        jax.errors.JaxRuntimeError(
            "RESOURCE_EXHAUSTED: Out of memory while trying to allocate 8 bytes.\nmore"
        ),
        jax.errors.JaxRuntimeError("INTERNAL: std::bad_alloc"),
        jax.errors.JaxRuntimeError("INTERNAL: CUDNN_STATUS_ALLOC_FAILED"),
    ],
    ids=["host", "NumPy", "XLA", "C++", "cuDNN"],
)
def test_exhausted_memory_is_one_line_that_names_the_levers(error):
    with pytest.raises(Fault) as caught, memory.exhaustion_as_fault():
        raise error
    line = str(caught.value)
    assert "\n" not in line and line.startswith(
        f"out of memory ({str(error).partition(chr(10))[0] or 'MemoryError'}); "
    )
    for lever in (
        "batch_size", "accumulate", "precision=bfloat16", "remat", "model_devices", "checkpoints are kept",
    ):  # fmt: skip
        assert lever in line


@pytest.mark.parametrize(
    "error",
    [
        UsageError("out of memory"),
        Fault("Out of memory"),
        jax.errors.JaxRuntimeError("INTERNAL: a bug"),
        ValueError("Out of memory"),
    ],
    ids=["mistake", "fault", "another error of XLA", "another type"],
)
def test_other_errors_stay_what_they_are(error):
    with pytest.raises(type(error)) as caught, memory.exhaustion_as_fault():
        raise error
    assert caught.value is error


def test_a_run_out_of_memory_is_a_fault_through_manager_and_lock(tiny, tmp_path, monkeypatch):
    def exhausted(*arguments):
        raise jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: Out of memory")

    monkeypatch.setattr(train, "loop", exhausted)
    with pytest.raises(
        Fault, match="^out of memory .RESOURCE_EXHAUSTED: Out of memory.; .* checkpoints are kept$"
    ):
        train.run(tiny(diagnostics_every=0), str(tmp_path))


def test_memory_of_the_host_is_at_most_its_limits(monkeypatch, tmp_path):
    with open("/proc/meminfo") as file:
        total = int(file.readline().split()[1]) * 2**10
    assert 0 < memory.of_host() <= total + 2**40 and memory.of_device() == memory.of_host() // 8
    (tmp_path / "memory.max").write_text("1048576\n")
    monkeypatch.setattr(memory, "_GROUPS", str(tmp_path))
    assert memory.of_host() == 2**20
    (tmp_path / "memory.max").write_text("max\n")
    assert memory.of_host() >= total
    with pytest.raises(
        UsageError, match=r"^num_images=9: needs at least 1,024\.0 GiB of memory, and this machine has"
    ):
        monkeypatch.setattr(memory, "_physical", lambda: 2**30)
        memory.check_host("num_images=9", 2**40)
