"""Peak memory, against an array of a known size."""

import re
import subprocess
import sys

import pytest

from gan_jax.runtime import memory


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
