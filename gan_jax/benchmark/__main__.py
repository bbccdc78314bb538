"""Speed of training, beside other frameworks: `python -m gan_jax.benchmark --against=torch,tensorflow`.

`--output` is a JSON file for the summary and every measurement; without it, nothing is written.
"""

import json
import sys
from typing import Any

from absl import flags

from gan_jax.benchmark import cases, report, schedule, shared_flags
from gan_jax.benchmark.frameworks import FRAMEWORKS, OURS
from gan_jax.benchmark.shared_flags import OUTPUT, REPEATS, SECONDS
from gan_jax.cli import command
from gan_jax.errors import UsageError, unknown

_AGAINST = flags.DEFINE_list(
    "against",
    [],
    "Peers: "
    + ", ".join(f"{name} ({f.description})" for name, f in FRAMEWORKS.items() if name != OURS)
    + ".",
)
_PYTHON = flags.DEFINE_list(
    "python", [], "Interpreters of other environments, as in torch:/path/python; this one by default."
)
for _name in ("cases", "repeats", "seconds", "output"):
    flags.declare_key_flag(_name)


def _do() -> None:
    from gan_jax.runtime import files, folders

    names = shared_flags.cases(cases.CASES)
    command.check("against", _AGAINST.value, FRAMEWORKS)
    frameworks = list(dict.fromkeys([OURS, *_AGAINST.value]))
    interpreters = _interpreters()
    for name in frameworks:
        schedule.check(name, interpreters.get(FRAMEWORKS[name].package, sys.executable))
    output = command.path(OUTPUT.value)
    if output:
        folders.make_room(output)
    measurements = schedule.run(names, frameworks, interpreters, REPEATS.value, SECONDS.value, command.say)
    summary = report.summarise(measurements)
    print("\n".join(report.table(summary)), flush=True)
    if output:
        with files.write_atomically(output) as file:
            json.dump({"summary": _plain(summary), "rounds": measurements}, file, indent=1)


def _interpreters() -> dict[str, str]:
    """--python as a dict of paths by package."""
    packages = {framework.package for framework in FRAMEWORKS.values()}
    pairs = [option.partition(":") for option in _PYTHON.value]
    for package, _, path in pairs:
        if package not in packages:
            raise unknown("--python", package, packages)
        if not path:
            raise UsageError(f"--python={package}: expected a path too, as in {package}:/path/to/python")
    return {package: path for package, _, path in pairs}


def _plain(summary: Any) -> Any:
    """The summary with its spreads as dicts, for JSON."""
    if hasattr(summary, "_asdict"):
        return summary._asdict()
    if isinstance(summary, dict):
        return {name: _plain(value) for name, value in summary.items()}
    return summary


if __name__ == "__main__":
    command.run(_do)
