"""How much memory a process has used at most."""

import os
import re
import resource
import sys

_STATUS = "/proc/self/status"


def peak_on_host():
    """The largest resident memory of this process so far, bytes."""
    if os.path.exists(
        _STATUS
    ):  # On Linux, `getrusage` begins with the memory of the process that started this.
        with open(_STATUS) as file:
            return 2**10 * int(re.search(r"^VmHWM:\s+(\d+) kB$", file.read(), re.MULTILINE)[1])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 2**10)


def peak_on_devices():
    """The most that any device of this process has had allocated so far, bytes; None if they do not say."""
    import jax  # Here, so that the benchmark's peers can ask for the host's without it.

    statistics = [device.memory_stats() or {} for device in jax.local_devices()]
    peaks = [numbers["peak_bytes_in_use"] for numbers in statistics if "peak_bytes_in_use" in numbers]
    return max(peaks, default=None)


def summary():
    """Both in MiB, for people."""
    here, there = peak_on_host(), peak_on_devices()
    device = "" if there is None else f", {there / 2**20:,.0f} MiB on a device"
    return f"at most {here / 2**20:,.0f} MiB in memory{device}"
