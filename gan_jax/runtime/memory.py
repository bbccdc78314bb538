"""Memory: how much there is, how much a process has used, and what is said when it does not suffice."""

import contextlib
import os
import re
import resource
import sys
from collections.abc import Iterator

from gan_jax.errors import Fault, UsageError

_STATUS = "/proc/self/status"
# Folder of the limits that containers and clusters set, and the files of its two versions.
_GROUPS, _LIMITS = "/sys/fs/cgroup", ("memory.max", "memory/memory.limit_in_bytes")

# What a user can do about a step that needs too much memory.
LEVERS = (
    "a smaller batch_size, more slices (accumulate), precision=bfloat16, networks wrapped in remat, more "
    "model_devices or narrower networks need less"
)


def of_host() -> int:
    """Memory that this process can ever have, bytes: RAM and swap, less if there is a limit."""
    return min([_physical(), *_limits()])


def _physical():
    """RAM and swap, bytes."""
    try:
        with open("/proc/meminfo") as file:
            kibibytes = re.findall(r"^(?:MemTotal|SwapTotal):\s+(\d+) kB$", file.read(), re.MULTILINE)
        return 2**10 * sum(map(int, kibibytes))
    except OSError:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _limits():
    """Limits of this process and of its groups, bytes."""
    soft, _ = resource.getrlimit(resource.RLIMIT_AS)
    limits = [] if soft == resource.RLIM_INFINITY else [soft]
    for name in _LIMITS:
        try:
            with open(os.path.join(_GROUPS, name)) as file:
                limits.append(int(file.read()))
        except (OSError, ValueError):  # No such group, or `max`.
            continue
    return limits


def of_device() -> int:
    """Memory that one device of this process has for arrays, bytes; CPU devices share that of the host."""
    import jax

    devices = jax.local_devices()
    limits = [(device.memory_stats() or {}).get("bytes_limit") for device in devices]
    known = [limit for limit in limits if limit]
    return min(known) if known else of_host() // len(devices)


def check_host(what: str, needed: int) -> None:
    """Makes sure that arrays can fit into this machine's memory, before they are made.

    Args:
        what: The flag or field with its value and what it needs memory for, for the message.
        needed: Bytes that are surely needed.

    Raises:
        UsageError: There is less memory.
    """
    if needed > (there := of_host()):
        raise UsageError(
            f"{what}: needs at least {gibibytes(needed)} of memory, and this machine has {gibibytes(there)}"
        )


# Texts in the errors of XLA, its libraries and C++ when memory is exhausted.
_EXHAUSTED = r"RESOURCE_EXHAUSTED|[Oo]ut of memory|OUT_OF_MEMORY|bad_alloc|ALLOC_FAILED"


def exhausted(error: BaseException) -> bool:
    """Tells if an error says that the memory of a device or of this machine is exhausted."""
    if isinstance(error, (UsageError, Fault)):
        return False
    return (
        isinstance(error, MemoryError)
        or isinstance(error, RuntimeError)
        and bool(re.search(_EXHAUSTED, str(error)))
    )


@contextlib.contextmanager
def exhaustion_as_fault(advice: str = f"{LEVERS}; checkpoints are kept") -> Iterator[None]:
    """Turns errors of exhausted memory into one line.

    Args:
        advice: What a user can do, and what is not lost.

    Yields:
        Nothing.

    Raises:
        Fault: The memory of a device or of this machine does not suffice.
    """
    try:
        yield
    except Exception as error:
        if not exhausted(error):
            raise
        reason = str(error).strip().partition("\n")[0][:200] or type(error).__name__
        raise Fault(f"out of memory ({reason}); {advice}") from error


def gibibytes(count: int) -> str:
    """A number of bytes for people."""
    return f"{count / 2**30:,.1f} GiB"


def readable(count: int) -> str:
    """A number of bytes for people, MiB or GiB."""
    return gibibytes(count) if count >= 2**30 else f"{count / 2**20:,.3g} MiB"


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
