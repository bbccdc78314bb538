"""A study's summaries as rows of text, and these as Markdown, CSV and JSON."""

import csv
import io
import json
import math

from gan_jax.study.summary import standard_errors


def shown(spread):
    """A Spread for people: mean, and standard deviation where there is one."""
    if spread.mean is None:
        return "-"
    deviation = "" if spread.deviation is None else f" ± {spread.deviation:.2g}"
    return f"{spread.mean:.3g}{deviation}"


def rows(found, measures):
    """A head, a row a variant, and a row of what a perfect sampler has.

    Args:
        found: Summaries by variant.
        measures: Names of values.

    Returns:
        Lists of str of equal lengths.
    """
    first, *_ = found
    columns = [column for name in measures for column in (name, f"t against {first}", f"best {name}")]
    table = [["variant", "seeds", *columns, "collapsed", "at step", "diverged", "seconds a run"]]
    for variant, summary in found.items():
        cells = [
            (shown(summary.final[name]), _against(summary, found[first], name), shown(summary.best[name]))
            for name in measures
        ]
        table.append(
            [variant, str(summary.seeds)]
            + [cell for of_measure in cells for cell in of_measure]
            + [f"{summary.collapsed} of {summary.seeds}", shown(summary.collapse_step)]
            + [f"{summary.diverged} of {summary.seeds}", f"{summary.seconds:.3g}"]
        )
    return [*table, _perfect(found, measures)]


def _against(summary, first, measure):
    """How surely a final value differs from the first variant's, whose own is no difference."""
    errors = None if summary is first else standard_errors(summary.final[measure], first.final[measure])
    return "-" if errors is None else f"{errors:+.1f}"


def _perfect(found, measures):
    """The row of a perfect sampler, whose final values are its best ones."""
    floors = {name: value for summary in found.values() for name, value in summary.floors.items()}
    values = [f"{floors[name]:.3g}" if name in floors else "-" for name in measures]
    cells = [cell for value in values for cell in (value, "-", value)]
    return ["a perfect sampler", "-", *cells, *["-"] * 4]


def markdown(table):
    """Rows of text as a Markdown table."""
    lines = [f"| {' | '.join(row)} |" for row in table]
    return "\n".join([lines[0], f"|{'---|' * len(table[0])}", *lines[1:], ""])


def plain(study, found):
    """Summaries as what JSON can hold.

    Args:
        study: The Study.
        found: Summaries by variant.

    Returns:
        Dict of the study's title and of each variant's summary, curves included.
    """
    variants = {
        name: {
            **summary._asdict(),
            "final": {measure: spread._asdict() for measure, spread in summary.final.items()},
            "best": {measure: spread._asdict() for measure, spread in summary.best.items()},
            "collapse_step": summary.collapse_step._asdict(),
        }
        for name, summary in found.items()
    }
    return {"title": study.title, "measures": list(study.measures), "variants": variants}


def as_json(study, found):
    """The same as text; numbers that are not finite become strings, since JSON has none."""
    return json.dumps(_finite(plain(study, found)), indent=1, allow_nan=False) + "\n"


def _finite(tree):
    if isinstance(tree, dict):
        return {name: _finite(part) for name, part in tree.items()}
    if isinstance(tree, (list, tuple)):
        return [_finite(part) for part in tree]
    return str(tree) if isinstance(tree, float) and not math.isfinite(tree) else tree


def as_csv(found, measures):
    """Summaries as CSV, a line for each variant, measure and time.

    Args:
        found: Summaries by variant.
        measures: Names of values.

    Returns:
        The text.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(
        [
            "variant",
            "measure",
            "when",
            "mean",
            "standard_deviation",
            "seeds",
            "perfect",
            "collapsed",
            "diverged",
        ]
    )
    for variant, summary in found.items():
        for name in measures:
            for when, spread in (("final", summary.final[name]), ("best", summary.best[name])):
                floor = summary.floors.get(name)
                writer.writerow([variant, name, when, *spread, floor, summary.collapsed, summary.diverged])
    return text.getvalue()
