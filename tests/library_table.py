"""The tables of the library, from its docstrings: `python tests/library_table.py` writes gan_jax/LIBRARY.md."""

import inspect
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
LIBRARY = os.path.join(ROOT, "gan_jax", "LIBRARY.md")
HEADING = """# The library

Every function and network that a recipe or a command line can name, with its source. `python tests/library_table.py`
writes this file from the docstrings, which also give equations, shapes and hyperparameters. A dotted path to a
function of your own stands wherever one of these names can.

"""


def public():
    """Functions of the library by section and name."""
    from gan_jax import augment, losses, metrics, moves, penalties, transforms, wrap

    def own(module):
        members = inspect.getmembers(module, inspect.isfunction)
        return {n: f for n, f in members if not n.startswith("_") and f.__module__ == module.__name__}

    return {
        "losses": {name: getattr(losses, name) for name in losses.__all__},
        "penalties": own(penalties),
        "transforms": own(transforms),
        "augment": {name: getattr(augment, name) for name in augment.__all__},
        "wrap": own(wrap),
        "moves": own(moves),
        "metrics": {name: getattr(metrics, name) for name in metrics.__all__},
    }


def parts():
    """The other parts of recipes by section and name: games, networks, heads, latents and data sets."""
    from gan_jax import data, games, latents, names, nets
    from gan_jax.nets import heads

    places = {"games": games, "nets": nets, "nets.heads": heads, "latents": latents, "data": data}
    return {
        section: {name: names.find(name, (place,), section) for name in names.offers(place)}
        for section, place in places.items()
    }


def sources(function):
    """The arXiv numbers of a docstring, else its first year, else nothing."""
    text = inspect.getdoc(function)
    return (
        list(dict.fromkeys(re.findall(r"arXiv:(\d{4}\.\d{4,5})", text)))
        or re.findall(r"\b[12]\d{3}\b", text)[:1]
    )


def _linked(number):
    return f"[{number}](https://arxiv.org/abs/{number})" if "." in number else number


def _row(names, function):
    first = inspect.getdoc(function).partition("\n\n")[0].replace("\n", " ").replace("|", "\\|")
    listed = " ".join(f"`{name}`" for name in names)
    return f"| {listed} | {first} | {' '.join(map(_linked, sources(function)[:2]))} |\n"


def table():
    """The text of LIBRARY.md: one table per section; the two sides of a loss share a row."""
    text = HEADING
    for section, functions in {**public(), **parts()}.items():
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
    sys.path.insert(0, ROOT)
    main()
