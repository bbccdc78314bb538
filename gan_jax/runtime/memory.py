"""Peak memory of a process."""

import os
import re
import resource
import sys

_STATUS = "/proc/self/status"


def peak_on_host() -> int:
    """Peak resident memory of this process so far, bytes."""
    # On Linux, `getrusage` begins with the memory of the process that started this one.
    if os.path.exists(_STATUS):
        with open(_STATUS) as file:
            (kibibytes,) = re.findall(r"^VmHWM:\s+(\d+) kB$", file.read(), re.MULTILINE)
        return 2**10 * int(kibibytes)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 2**10)


def peak_on_devices() -> int | None:
    """Largest peak memory of a device of this process so far, bytes; None if it is not counted."""
    import jax  # Here, so that the benchmark's peers can use `peak_on_host` without JAX.

    statistics = [device.memory_stats() or {} for device in jax.local_devices()]
    peaks = [numbers["peak_bytes_in_use"] for numbers in statistics if "peak_bytes_in_use" in numbers]
    return max(peaks, default=None)


def summary() -> str:
    """Both peaks in MiB, for a log line."""
    host, device = peak_on_host(), peak_on_devices()
    on_device = "" if device is None else f", {device / 2**20:,.0f} MiB on a device"
    return f"at most {host / 2**20:,.0f} MiB in memory{on_device}"
