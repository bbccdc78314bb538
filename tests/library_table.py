"""The README's table of the library, from its docstrings: `python tests/library_table.py` writes it."""

import inspect
import os
import re
import sys

README = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "README.md")
BEGIN, END = "<!-- library: written by tests/library_table.py -->\n", "<!-- end of library -->"


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
    written = " ".join(f"`{name}`" for name in names)
    return f"| {written} | {first} | {' '.join(map(_linked, sources(function)[:2]))} |\n"


def table():
    """One collapsed table a section; the two sides of a loss share a row."""
    text = ""
    for section, functions in public().items():
        pairs = {}
        for name in functions:
            pairs.setdefault(re.sub("_(discriminator|generator)$", "", name), []).append(name)
        rows = "".join(_row(names, functions[names[0]]) for names in pairs.values())
        text += f"<details><summary><b>{section}</b>: {len(functions)} functions</summary>\n\n"
        text += f"| `gan_jax.{section}` | | source |\n|---|---|---|\n{rows}\n</details>\n\n"
    return text


def main():
    """Puts the table between its marks in the README."""
    with open(README) as file:
        before, _, rest = file.read().partition(BEGIN)
    written = f"{before}{BEGIN}{table()}{END}{rest.partition(END)[2]}"
    with open(README, "w") as file:
        file.write(written)


if __name__ == "__main__":
    sys.path.insert(0, os.path.dirname(README))
    main()
