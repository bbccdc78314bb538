import logging

import numpy as np
import pytest
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from gan_jax.training import report


def _report(tmp_path, recipe, first=0):
    return report.opened(report.Report(str(tmp_path), recipe, "images", first))


@pytest.fixture
def written(tiny, tmp_path, caplog):
    with caplog.at_level(logging.INFO, "gan_jax"), _report(tmp_path, tiny()) as reporter:
        reporter.scalars(5, {"discriminator/loss": 0.5, "generator/loss": 2.0}, 1234.4, 65.0)
        reporter.scalars(10, {"discriminator/loss": 0.25, "generator/loss": 3.0}, 1000.0, 0.0)
        reporter.grid(10, lambda: np.full((22, 22, 3), 200, np.uint8))
    return tmp_path, caplog.messages


def test_log_line(written):
    assert (
        written[1][0]
        == "step 5/10  discriminator/loss 0.5000  generator/loss 2.0000  1,234 images/s  1:05 left"
    )


def test_evaluations_stand_in_log_file_and_tensorboard(tiny, tmp_path, caplog):
    values = {"frechet_distance": {"value": 12.345678, "real_baseline": 1.5}, "own": {"value": 3.0}}
    with caplog.at_level(logging.INFO, "gan_jax"), _report(tmp_path, tiny()) as reporter:
        reporter.scalars(5, {"generator/loss": 0.5}, 1.0, 0.0)
        reporter.evaluation(5, values, {"seed": 0})
        reporter.scalars(10, {"generator/loss": 0.5}, 1.0, 0.0)
    assert "step 5/10  evaluation: frechet_distance 12.35 (real baseline 1.5)  own 3" in caplog.messages
    assert report.evaluations(str(tmp_path)) == [{"step": 5, "values": values, "protocol": {"seed": 0}}]
    events = EventAccumulator(str(tmp_path)).Reload()
    assert [e.step for e in events.Scalars("evaluation/own")] == [5]
    # A second start from step 4 forgets what came later.
    with _report(tmp_path, tiny(), first=4):
        pass
    assert report.evaluations(str(tmp_path)) == []


def test_metrics_file(written):
    first, second = report.read_metrics(written[0] / "metrics.jsonl")
    assert first == {
        "step": 5,
        "discriminator/loss": 0.5,
        "generator/loss": 2.0,
        "samples_per_second": 1234.4,
    }
    assert second["step"] == 10


def test_tensorboard_reads_scalars_images_and_hyperparameters(written):
    events = EventAccumulator(str(written[0])).Reload()
    assert [(e.step, e.value) for e in events.Scalars("discriminator/loss")] == [(5, 0.5), (10, 0.25)]
    (image,) = events.Images("samples")
    assert (image.step, image.width, image.height) == (10, 22, 22)
    summaries = events.summary_metadata
    hparams = str(summaries["_hparams_/session_start_info"])
    assert "optimizers.generator.adam.learning_rate" in hparams and "batch_size" in hparams


def test_pictures(written):
    grid = Image.open(written[0] / "grids" / "step_0000010.png")
    assert grid.size == (22, 22) and grid.mode == "RGB"
    curves = np.asarray(Image.open(written[0] / "curves.png"))
    assert curves.shape[0] > 300 and len(np.unique(curves.reshape(-1, 4), axis=0)) > 10


def test_second_start_drops_what_came_after_the_checkpoint(written, tiny):
    folder, _ = written
    with _report(folder, tiny(), first=5) as reporter:
        reporter.scalars(10, {"discriminator/loss": 0.125, "generator/loss": 1.0}, 1.0, 0.0)
    assert [r["discriminator/loss"] for r in report.read_metrics(folder / "metrics.jsonl")] == [0.5, 0.125]
    # TensorBoard purges the older event of the same step.
    events = EventAccumulator(str(folder)).Reload()
    assert [(e.step, e.value) for e in events.Scalars("discriminator/loss")] == [(5, 0.5), (10, 0.125)]


def test_no_curves_from_one_point(tiny, tmp_path):
    with _report(tmp_path, tiny()) as reporter:
        reporter.scalars(5, {"generator/loss": 2.0}, 1.0, 1.0)
    assert not (tmp_path / "curves.png").exists()
    assert report.contents(str(tmp_path)) == ["metrics.jsonl"]


def test_contents_are_what_was_drawn(written):
    assert report.contents(str(written[0])) == [
        "grids",
        "metrics.jsonl",
        "curves.png",
    ]  # One grid is no film.


def test_silence_makes_and_writes_nothing():
    silence = report.Silence()
    silence.advance(1)
    silence.scalars(1, {"generator/loss": 0.5}, 1.0, 1.0)
    silence.evaluation(1, {}, {})
    silence.grid(1, lambda: pytest.fail("a grid was made"))


def test_lines_that_are_no_records_are_left_out(tmp_path):
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(b'{"step": 1}\n{"st\xffp": 2}\n[3]\n{"step": 4\n{"step": 5}\n')
    assert report.read_metrics(path) == [{"step": 1}, {"step": 5}]
