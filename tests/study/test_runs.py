"""Runs side by side, from files written by hand."""

import json
import re
import subprocess
import sys

import command_line
import pytest
from PIL import Image

from gan_jax import recipe as recipe_lib
from gan_jax.errors import UsageError
from gan_jax.study import runs


def _workdir(path, recipe, distances, grid=True):
    """A run of two log lines, and of evaluations at steps 10, 20, ..."""
    (path / "grids").mkdir(parents=True)
    stored = {"recipe": recipe_lib.to_dict(recipe), "data": {}}
    if recipe.steps == 20:
        stored["init_from"] = {"workdir": "/runs/old", "step": 7}
    (path / "recipe.json").write_text(json.dumps(stored))
    scalars = [
        {"step": step, "generator/hinge": 0.5, "samples_per_second": 100.0 * step} for step in (10, 20, 30)
    ]
    (path / "metrics.jsonl").write_text("".join(json.dumps(record) + "\n" for record in scalars))
    evaluations = [
        {"step": 10 * number, "values": {"distance": {"value": value, "real_baseline": 0.25}}, "protocol": {}}
        for number, value in enumerate(distances, 1)
    ]
    (path / "evaluations.jsonl").write_text("".join(json.dumps(record) + "\n" for record in evaluations))
    if grid:
        Image.new("RGB", (2, 2)).save(path / "grids" / "step_0000010.png")
        Image.new("RGB", (3, 3)).save(path / "grids" / "step_0000020.png")
    return str(path)


@pytest.fixture
def two(tiny, tmp_path):
    first = _workdir(tmp_path / "a", tiny(), [4.0, 3.0])
    second = _workdir(tmp_path / "b", tiny(batch_size=16, steps=20), [5.0, 2.5, 1.5], grid=False)
    return first, second


def test_reads_a_run_and_its_newest_grid(two):
    first, second = map(runs.read, two)
    assert runs.evaluated(first, "distance") == [(10, 4.0), (20, 3.0)]
    assert runs.logged(first, "generator/hinge") == [(10, 0.5), (20, 0.5), (30, 0.5)]
    assert first.grid.endswith("step_0000020.png") and second.grid == ""
    with pytest.raises(UsageError, match="nowhere holds no run: it has no recipe.json"):
        runs.read("nowhere")


def test_page_has_values_differences_and_pictures(two):
    text = runs.compared([runs.read(path) for path in two])
    rows = [re.findall(r"<t[dh]>(.*?)</t[dh]>", row) for row in re.findall(r"<tr>(.*?)</tr>", text)]
    assert rows == [
        ["run", "step", "samples/s", "distance"],
        [two[0], "30", "2,000", "3"],
        [two[1], "30", "2,000", "1.5"],
        ["real data", "-", "-", "0.25"],
    ]
    for line in (
        "batch_size: 8 -&gt; 16",
        "steps: 10 -&gt; 20",
        "began with parameters of /runs/old, step 7",
        "<h2>Runs</h2>",
        f'alt="samples of {two[0]}"',
    ):
        assert line in text
    # Two plots and one grid, all inside.
    assert text.count('src="data:image/png;base64,') == text.count("<img") == 3


def test_command_writes_one_page(two, tmp_path):
    def run(*words):
        command = [sys.executable, "-m", "gan_jax.compare", *words]
        return subprocess.run(command, cwd=command_line.ROOT, text=True, capture_output=True)

    done = run(*two, f"--output={tmp_path}/page.html")
    assert (done.returncode, done.stdout) == (0, f"{tmp_path}/page.html\n"), done.stderr
    assert (tmp_path / "page.html").read_text().startswith("<!doctype html>")
    for words, says in (((), "no run: give workdirs"), ((two[0], two[0] + "/"), "this run is given twice")):
        done = run(*words)
        assert done.returncode == 2 and says in done.stderr and done.stderr.count("\n") == 1
