"""A study's summaries as rows of text, and these as Markdown, CSV and JSON."""

import csv
import io
import json
import math

from gan_jax.study.summary import difference


def shown(spread, seeds):
    """A Spread for people.

    Args:
        spread: The Spread.
        seeds: How many it might have; not said if it has as many.

    Returns:
        Mean, standard deviation where there is one, and how many seeds if not as many as given.
    """
    if spread.mean is None:
        return "-"
    deviation = "" if spread.deviation is None else f" ± {spread.deviation:.2g}"
    return f"{_number(spread.mean)}{deviation}" + (f" (of {spread.seeds})" if spread.seeds != seeds else "")


def _number(value):
    """Three significant digits, and all that a large number has before the point."""
    return f"{value:.3g}" if abs(value) < 999.5 or not math.isfinite(value) else f"{value:,.0f}"


def rows(found, measures):
    """A head, a row a variant, and a row of what a perfect sampler has.

    Args:
        found: Summaries by variant.
        measures: Names of values.

    Returns:
        Lists of str of equal lengths.
    """
    first, *_ = found
    columns = [column for name in measures for column in (name, f"t (p) against {first}", f"best {name}")]
    table = [["variant", "seeds", *columns, "collapsed", "at step", "diverged", "seconds a run"]]
    for variant, summary in found.items():
        seeds, cells = summary.seeds, []
        for name in measures:
            final, best = (shown(spread[name], seeds) for spread in (summary.final, summary.best))
            cells += [final, _against(summary, found[first], name), best]
        collapsed = "-" if summary.collapsed is None else f"{summary.collapsed} of {seeds}"
        ends = [collapsed, shown(summary.collapse_step, summary.collapsed), f"{summary.diverged} of {seeds}"]
        seconds = "-" if summary.seconds is None else _number(summary.seconds)
        table.append([variant, str(seeds), *cells, *ends, seconds])
    return [*table, _perfect(found, measures)]


def _against(summary, first, measure):
    """How surely a final value differs from the first variant's, whose own is no difference."""
    found = None if summary is first else difference(summary.final[measure], first.final[measure])
    if found is None:
        return "-"
    return f"{found.errors:+.1f} ({'<0.001' if found.chance < 0.001 else f'{found.chance:.2g}'})"


def _perfect(found, measures):
    """The row of a perfect sampler, looked at once: the best of several looks would be better still."""
    real_baselines = {
        name: value for summary in found.values() for name, value in summary.real_baselines.items()
    }
    values = [_number(real_baselines[name]) if name in real_baselines else "-" for name in measures]
    cells = [cell for value in values for cell in (value, "-", "-")]
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
                real_baseline = summary.real_baselines.get(name)
                writer.writerow(
                    [variant, name, when, *spread, real_baseline, summary.collapsed, summary.diverged]
                )
    return text.getvalue()
