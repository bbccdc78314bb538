"""The tables of the library, from its docstrings: `python tests/library_table.py` writes gan_jax/LIBRARY.md."""

import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, ROOT)

from gan_jax import library  # noqa: E402

LIBRARY = os.path.join(ROOT, "gan_jax", "LIBRARY.md")
HEADING = """# The library

Every function and network that a recipe or a command line can name, with its source. `python tests/library_table.py`
writes this file from the docstrings, which also give equations, shapes and hyperparameters. A dotted path to a
function of your own stands wherever one of these names can. `python -m gan_jax.main --list=losses` prints the same.

"""


def _linked(number):
    return f"[{number}](https://arxiv.org/abs/{number})" if "." in number else number


def _row(names, entry):
    listed = " ".join(f"`{name}`" for name in names)
    says = library.says(entry).replace("|", "\\|")
    return f"| {listed} | {says} | {' '.join(map(_linked, library.sources(entry)[:2]))} |\n"


def table():
    """The text of LIBRARY.md: one table per section; the two sides of a loss share a row."""
    text = HEADING
    for kind, section in library.MODULES.items():
        functions = library.entries(kind)
        pairs = {}
        for name in functions:
            pairs.setdefault(re.sub("_(discriminator|generator)$", "", name), []).append(name)
        rows = "".join(_row(names, functions[names[0]]) for names in pairs.values())
        text += (
            f"## {section}: {len(functions)}\n\n| `gan_jax.{section}` | | source |\n|---|---|---|\n{rows}\n"
        )
    return text[:-1]


def main():
    """Writes LIBRARY.md."""
    with open(LIBRARY, "w") as file:
        file.write(table())


if __name__ == "__main__":
    main()
