"""A study's summaries as rows of text, Markdown, CSV and JSON."""

import csv
import io
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from gan_jax.study.definition import Study
from gan_jax.study.summary import Spread, Summary, difference


def shown(spread: Spread, seeds: int | None) -> str:
    """A Spread for people.

    Args:
        spread: The Spread.
        seeds: Number of seeds that it could have.

    Returns:
        Mean, standard deviation if there is one, and the number of seeds if it is another one.
    """
    if spread.mean is None:
        return "-"
    deviation = "" if spread.deviation is None else f" ± {spread.deviation:.2g}"
    return f"{_number(spread.mean)}{deviation}" + (f" (of {spread.seeds})" if spread.seeds != seeds else "")


def _number(value):
    """Three significant digits; all digits before the point of a large number."""
    return f"{value:.3g}" if abs(value) < 999.5 or not math.isfinite(value) else f"{value:,.0f}"


def rows(summaries: Mapping[str, Summary], measures: Sequence[str]) -> list[list[str]]:
    """A head, one row per variant, and a row of a perfect sampler.

    Args:
        summaries: Summaries by variant.
        measures: Names of values.

    Returns:
        Lists of str of equal lengths.
    """
    first, *_ = summaries
    columns = [column for name in measures for column in (name, f"t (p) against {first}", f"best {name}")]
    table = [["variant", "seeds", *columns, "collapsed", "at step", "diverged", "seconds a run"]]
    for variant, summary in summaries.items():
        seeds, cells = summary.seeds, list[str]()
        for name in measures:
            final, best = (shown(spread[name], seeds) for spread in (summary.final, summary.best))
            cells += [final, _against(summary, summaries[first], name), best]
        collapsed = "-" if summary.collapsed is None else f"{summary.collapsed} of {seeds}"
        ends = [collapsed, shown(summary.collapse_step, summary.collapsed), f"{summary.diverged} of {seeds}"]
        seconds = "-" if summary.seconds is None else _number(summary.seconds)
        table.append([variant, str(seeds), *cells, *ends, seconds])
    return [*table, _perfect(summaries, measures)]


def _against(summary, first, measure):
    """The test of a final value against the first variant's."""
    test = None if summary is first else difference(summary.final[measure], first.final[measure])
    if test is None:
        return "-"
    return f"{test.errors:+.1f} ({'<0.001' if test.chance < 0.001 else f'{test.chance:.2g}'})"


def _perfect(summaries, measures):
    """The row of a perfect sampler, evaluated once: the best of several evaluations would be better still."""
    real_baselines = {
        name: value for summary in summaries.values() for name, value in summary.real_baselines.items()
    }
    values = [_number(real_baselines[name]) if name in real_baselines else "-" for name in measures]
    cells = [cell for value in values for cell in (value, "-", "-")]
    return ["a perfect sampler", "-", *cells, *["-"] * 4]


def markdown(table: Sequence[Sequence[str]]) -> str:
    """Rows of text as a Markdown table."""
    lines = [f"| {' | '.join(row)} |" for row in table]
    return "\n".join([lines[0], f"|{'---|' * len(table[0])}", *lines[1:], ""])


def plain(study: Study, summaries: Mapping[str, Summary]) -> dict[str, Any]:
    """Summaries as nested dicts and lists.

    Args:
        study: The Study.
        summaries: Summaries by variant.

    Returns:
        Dict of the study's title and of each variant's summary, including its curves.
    """
    variants = {
        name: {
            **summary._asdict(),
            "final": {measure: spread._asdict() for measure, spread in summary.final.items()},
            "best": {measure: spread._asdict() for measure, spread in summary.best.items()},
            "collapse_step": summary.collapse_step._asdict(),
        }
        for name, summary in summaries.items()
    }
    return {"title": study.title, "measures": list(study.measures), "variants": variants}


def as_json(study: Study, summaries: Mapping[str, Summary]) -> str:
    """The same as JSON. Numbers that are not finite become strings, since JSON has none."""
    return json.dumps(_finite(plain(study, summaries)), indent=1, allow_nan=False) + "\n"


def _finite(tree):
    if isinstance(tree, dict):
        return {name: _finite(part) for name, part in tree.items()}
    if isinstance(tree, (list, tuple)):
        return [_finite(part) for part in tree]
    return str(tree) if isinstance(tree, float) and not math.isfinite(tree) else tree


_HEAD = "variant measure when mean standard_deviation seeds perfect collapsed diverged".split()


def as_csv(summaries: Mapping[str, Summary], measures: Sequence[str]) -> str:
    """Summaries as CSV, one line for each variant, measure and time.

    Args:
        summaries: Summaries by variant.
        measures: Names of values.

    Returns:
        The text.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_HEAD)
    for variant, summary in summaries.items():
        for name in measures:
            for when, spread in (("final", summary.final[name]), ("best", summary.best[name])):
                real_baseline = summary.real_baselines.get(name)
                writer.writerow(
                    [variant, name, when, *spread, real_baseline, summary.collapsed, summary.diverged]
                )
    return text.getvalue()
