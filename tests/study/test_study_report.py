"""Tables, plots and the page of a study, from summaries written by hand."""

import csv
import html.parser
import io
import json
import re

import numpy as np
from PIL import Image

from gan_jax.study import Study, page, plots, tables
from gan_jax.study.summary import Spread, Summary

MEASURES = ("modes", "kl")


def _summary(modes, real_baselines=None, deviation=0.0):
    return Summary(
        seeds=2,
        diverged=0,
        curves={"modes": [[(1, 1.0), (2, modes)], [(1, 2.0), (2, modes)]], "kl": [[], []]},
        final={"modes": Spread(modes, deviation, 2), "kl": Spread(None, None, 0)},
        best={"modes": Spread(7.25, 1.5, 2), "kl": Spread(float("inf"), None, 1)},
        real_baselines=real_baselines or {},
        collapsed=1,
        collapse_step=Spread(2.0, None, 1),
        seconds=3.25,
    )


SUMMARIES = {"plain": _summary(3.0, {"modes": 8.0}), "other": _summary(6.0, deviation=1.5)}


def test_markdown():
    lines = tables.markdown(tables.rows(SUMMARIES, MEASURES)).splitlines()
    assert lines[0].startswith(
        "| variant | seeds | modes | t (p) against plain | best modes | kl | t (p) against plain | best kl | col"
    )
    assert (
        lines[2] == "| plain | 2 | 3 ± 0 | - | 7.25 ± 1.5 | - | - | inf (of 1) | 1 of 2 | 2 | 0 of 2 | 3.25 |"
    )
    # Three more, with the deviation 1.5 of two seeds against none: t is 2 sqrt(2) with one degree of freedom,
    # of which p is 1 - 2 / pi arctan(t).
    assert lines[3].startswith("| other | 2 | 6 ± 1.5 | +2.8 (0.22) | 7.25 ± 1.5 |")
    assert lines[-1] == "| a perfect sampler | - | 8 | - | - | - | - | - | - | - | - | - |"
    assert len(lines) == 5


def test_collapses_that_are_not_counted_and_chances_that_are_tiny():
    sure = {
        name: summary._replace(collapsed=None, collapse_step=Spread(None, None, 0))
        for name, summary in SUMMARIES.items()
    }
    final = {**SUMMARIES["other"].final, "modes": Spread(1000.0, 1e-4, 2)}
    sure["other"] = sure["other"]._replace(final=final, seconds=1234.5)
    line = tables.markdown(tables.rows(sure, MEASURES)).splitlines()[3]
    assert line.startswith("| other | 2 | 1,000 ± 0.0001 |") and "(<0.001)" in line
    assert line.endswith("| - | - | 0 of 2 | 1,234 |")


def test_csv():
    records = list(csv.DictReader(io.StringIO(tables.as_csv(SUMMARIES, MEASURES))))
    assert len(records) == 2 * 2 * 2
    assert records[1] == {
        "variant": "plain", "measure": "modes", "when": "best", "mean": "7.25", "standard_deviation": "1.5",
        "seeds": "2", "perfect": "8.0", "collapsed": "1", "diverged": "0",
    }  # fmt: skip
    assert records[2]["mean"] == records[2]["perfect"] == ""


def test_json(tiny):
    study = Study(title="which?", base=tiny(), variants={"plain": {}}, measures=MEASURES)
    stored = json.loads(tables.as_json(study, SUMMARIES))
    assert stored["title"] == "which?" and stored["measures"] == ["modes", "kl"]
    plain = stored["variants"]["plain"]
    assert plain["final"]["modes"] == {"mean": 3.0, "deviation": 0.0, "seeds": 2}
    assert plain["best"]["kl"]["mean"] == "inf" and plain["collapse_step"]["mean"] == 2.0
    assert plain["curves"]["modes"] == [[[1, 1.0], [2, 3.0]], [[1, 2.0], [2, 3.0]]]


def test_plot_has_the_first_variant_in_grey_and_others_in_red(tmp_path):
    path = str(tmp_path / "plot.png")
    plots.over_time({"plain": _summary(3.0), "other": _summary(6.0)}, "modes", path)
    picture = np.asarray(Image.open(path).convert("RGB"))
    left, right = np.array_split(picture, 2, axis=1)
    grey, red = ((128, 128, 128), (214, 39, 40))
    for half, colour, there in (
        (left, grey, True),
        (left, red, False),
        (right, grey, True),
        (right, red, True),
    ):
        assert np.all(half == colour, axis=-1).any() == there
    # A measure without values is no error.
    plots.over_time({"plain": _summary(3.0)}, "kl", path)


def test_a_run_that_diverged_early_does_not_cut_the_curve_of_the_others():
    calls = {}

    class Axes:
        def fill_between(self, steps, least, most, **options):
            calls["band"] = (list(steps), list(least), list(most))

        def plot(self, steps, means, **options):
            calls["line"] = (list(steps), list(means))

    plots._draw(Axes(), [[(1, 2.0)], [(1, 4.0), (2, 5.0)]], "red")
    assert calls == {"band": ([1, 2], [2.0, 5.0], [4.0, 5.0]), "line": ([1, 2], [3.0, 5.0])}


def test_page_needs_no_other_file(tmp_path):
    picture = tmp_path / "p.png"
    Image.new("RGB", (2, 2)).save(picture)
    text = page.written(
        page.Page(
            title="Ring & <grid>",
            notes=["a < b"],
            table=tables.rows(SUMMARIES, MEASURES),
            plots={"modes": str(picture)},
            changes={"plain": ["nothing"], "a<b>": ["x: 1 -> '<2>'"]},
            pictures={"plain": str(picture)},
        )
    )
    tags = []

    class Reader(html.parser.HTMLParser):
        def handle_starttag(self, tag, attributes):
            tags.append((tag, dict(attributes)))

    Reader().feed(text)
    sources = [attributes["src"] for tag, attributes in tags if tag == "img"]
    assert len(sources) == 2 and all(source.startswith("data:image/png;base64,") for source in sources)
    assert not {"script", "link", "iframe"} & {tag for tag, _ in tags} and not re.search(r"https?:", text)
    assert [tag for tag, _ in tags].count("tr") == 4 and [tag for tag, _ in tags].count("section") == 2
    # Titles and names are text, not markup.
    assert "grid" not in {tag for tag, _ in tags} and "b" not in {tag for tag, _ in tags}
    assert "&lt;grid&gt;" in text and "a&lt;b&gt;" in text
