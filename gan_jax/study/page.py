"""A study as one HTML page that needs no other file."""

import base64
import html
from collections.abc import Mapping, Sequence
from typing import NamedTuple

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 76rem; margin: 2rem auto; color: #222 }
table { border-collapse: collapse; font-size: 14px; font-variant-numeric: tabular-nums }
th, td { padding: .25rem .6rem; border-bottom: 1px solid #ddd; text-align: right; white-space: nowrap }
th:first-child, td:first-child { text-align: left; position: sticky; left: 0; background: #fff }
tr:last-child { font-style: italic } tr:hover td { background: #f4f4f4 }
.wide { overflow-x: auto } .wide img { max-width: 100% }
.variants { display: grid; grid-template-columns: repeat(auto-fill, minmax(17rem, 1fr)); gap: 1.5rem }
.variants img { width: 100% } h3 { margin: 0 }
ul { padding-left: 1.2rem; font-size: 13px; overflow-wrap: anywhere }
"""


class Page(NamedTuple):
    """The contents of a page.

    Attributes:
        title: One line.
        notes: Lines of text under it.
        table: Rows of text; the first one is the head.
        plots: Paths of PNGs by their caption.
        changes: By variant, lines that list its changes.
        pictures: By variant, the path of a PNG of its samples; not every variant has one.
        heading: Heading of the variants.
    """

    title: str
    notes: Sequence[str]
    table: Sequence[Sequence[str]]
    plots: Mapping[str, str]
    changes: Mapping[str, Sequence[str]]
    pictures: Mapping[str, str]
    heading: str = "Variants"


def written(page: Page) -> str:
    """The page as HTML, with its pictures inside.

    Args:
        page: The Page.

    Returns:
        str.
    """
    parts = [
        "<!doctype html>",
        f'<html lang="en"><head><meta charset="utf-8"><title>{html.escape(page.title)}</title>',
        f"<style>{STYLE}</style></head><body>",
        f"<h1>{html.escape(page.title)}</h1>",
        *(f"<p>{html.escape(note)}</p>" for note in page.notes),
        f'<div class="wide">{_table(page.table)}</div>',
        *(f'<h2>{html.escape(caption)}</h2><div class="wide">{_picture(path, caption)}</div>'
          for caption, path in page.plots.items()),
        f"<h2>{html.escape(page.heading)}</h2>",
        f'<div class="variants">{"".join(_variant(page, name) for name in page.changes)}</div>',
        "</body></html>",
    ]  # fmt: skip
    return "\n".join(parts) + "\n"


def _table(rows):
    head, *body = rows
    cells = "".join(f"<th>{html.escape(cell)}</th>" for cell in head)
    lines = ["".join(f"<td>{html.escape(cell)}</td>" for cell in row) for row in body]
    return f"<table><tr>{cells}</tr>{''.join(f'<tr>{line}</tr>' for line in lines)}</table>"


def _variant(page, name):
    """The changes of a variant, and its samples."""
    lines = "".join(f"<li>{html.escape(line)}</li>" for line in page.changes[name])
    picture = _picture(page.pictures[name], f"samples of {name}") if name in page.pictures else ""
    return f"<section><h3>{html.escape(name)}</h3>{picture}<ul>{lines}</ul></section>"


def _picture(path, caption):
    """A PNG inside the page."""
    with open(path, "rb") as file:
        data = base64.b64encode(file.read()).decode()
    return f'<img alt="{html.escape(caption)}" src="data:image/png;base64,{data}">'
