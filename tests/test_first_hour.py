"""The notebook of the first hour runs from top to bottom, at a tiny size, in a kernel of its own."""

import os
import pathlib

import command_line
import pytest

nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")

PATH = pathlib.Path(command_line.ROOT) / "configs" / "first_hour.ipynb"
# In the place of the values of the first cell.
SMALL = """
CONFIG, STEPS, FEATURES = "gan", 10, "pixels"
CHANGES = dict(
    batch_size=8, eval_every=0, log_every=5, data=dict(resolution=8),
    nets=dict(generator=dict(widths=(8,)), discriminator=dict(widths=(8,))),
)
"""


def test_all_cells_run_and_show_pictures(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", command_line.ROOT)
    monkeypatch.setenv("JAX_PLATFORMS", "cpu")
    notebook = nbformat.read(PATH, as_version=4)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert len(cells) == 10 and not any(cell.outputs for cell in cells)  # Kept without outputs.
    cells[0].source += SMALL
    # It raises if a cell does.
    nbclient.NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(tmp_path)}}).execute()
    shown = [[out.get("data", {}) for out in cell.outputs] for cell in cells]
    pictures = [sum(any("image/" in kind for kind in data) for data in each) for each in shown]
    assert pictures == [0, 1, 0, 2, 1, 1, 0, 0, 0, 2]
    assert "frechet_distance" in shown[6][-1]["text/plain"]
    assert sorted(os.listdir(tmp_path)) == ["my_losses.py", "runs"]
