"""Weights & Biases and MLflow: refused in time, forgiven later, and, where they are installed, tried offline."""

import json

import numpy as np
import pytest

from gan_jax.errors import UsageError
from gan_jax.training import report, trackers, train
from gan_jax.training.reporters import Reporter, of_client

PICTURE = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)


@pytest.fixture
def fake(monkeypatch):
    """A client without a package, and what it was asked."""
    asked = []

    def of(fails=lambda step: False, ready=lambda: None):
        def open_run(workdir, recipe, identity):
            def numbers(step, values):
                if fails(step):
                    raise ConnectionError("no route\nto host")
                asked.append((step, *values))

            asked.append(("open", identity))
            run = of_client(
                numbers=numbers,
                text=lambda step, name, line: asked.append((step, name, line)),
                picture=lambda step, name, picture: asked.append((step, name, picture.shape)),
                close=lambda failed: asked.append(("close", failed)),
            )
            return "its name", run

        monkeypatch.setitem(trackers.TRACKERS, "fake", trackers.Tracker(ready, open_run))
        monkeypatch.setattr(trackers, "_installed", lambda name: name == "fake")
        return asked

    return of


def test_everything_has_a_name(fake, tiny, tmp_path):
    asked = fake()
    with trackers.opened(("fake",), str(tmp_path), tiny()) as reporters:
        with report.opened(report.Report(str(tmp_path), tiny(), "images", 0, trackers=reporters)) as reporter:
            reporter.advance()
            reporter.scalars(5, {"generator/loss": 0.5}, 100.0, 1.0)
            reporter.evaluation(5, {"own": {"value": 3.0, "real_baseline": 1.0}}, {"seed": 0})
            reporter.alerts(5, {"generator": {"gradient": 0.1}}, ["it is small"])
            reporter.grid(5, lambda: PICTURE, lambda: PICTURE[:2])
            reporter.grid(10, lambda: PICTURE, lambda: pytest.fail("real samples are shown again"))
    assert asked == [
        ("open", None),
        (5, "generator/loss", "samples_per_second"),
        (5, "evaluation/own"),
        (5, "diagnostics/generator/gradient"),
        (5, "diagnostics/0", "it is small"),
        (5, "real", (2, 4, 3)),
        (5, "samples", (4, 4, 3)),
        (10, "samples", (4, 4, 3)),
        ("close", False),
    ]
    assert json.loads((tmp_path / "trackers.json").read_text()) == {"fake": "its name"}


def test_a_second_start_goes_on_with_the_same_run_and_its_end_is_told(fake, tiny, tmp_path):
    asked = fake()
    with trackers.opened(("fake",), str(tmp_path), tiny()):
        pass
    with pytest.raises(KeyError):
        with trackers.opened(("fake", "fake"), str(tmp_path), tiny()):
            raise KeyError
    assert asked == [("open", None), ("close", False), ("open", "its name"), ("close", True)]


def test_a_run_outlives_its_tracker(fake, tiny, tmp_path, caplog):
    asked = fake(fails=lambda step: step == 10)
    with trackers.opened(("fake",), str(tmp_path), tiny()) as reporters:
        with report.opened(report.Report(str(tmp_path), tiny(), "images", 0, trackers=reporters)) as reporter:
            for step in (5, 10, 15):
                reporter.scalars(step, {"generator/loss": 0.5}, 100.0, 1.0)
    assert [each[0] for each in asked] == ["open", 5]
    warning = "tracker=fake: ConnectionError: no route; the run goes on without it"
    assert caplog.messages.count(warning) == 1
    assert [record["step"] for record in report.read_metrics(tmp_path / "metrics.jsonl")] == [5, 10, 15]


def test_a_tracker_that_cannot_be_opened_is_left_alone(fake, tiny, tmp_path, monkeypatch, caplog):
    fake()
    broken = trackers.Tracker(lambda: None, lambda *args: 1 / 0)
    monkeypatch.setitem(trackers.TRACKERS, "fake", broken)
    with trackers.opened(("fake",), str(tmp_path), tiny()) as reporters:
        assert reporters == []
    assert "tracker=fake: ZeroDivisionError: division by zero; the run goes on without it" in caplog.messages


def test_mistakes_are_found_before_training(fake, tiny, tmp_path):
    def log_in():
        raise ValueError("no key is set\nand more")

    fake(ready=log_in)
    for names, message in (
        (["wandd"], "tracker: unknown name 'wandd'; did you mean wandb?"),
        (["wandb"], "^tracker=wandb needs its client: pip install wandb$"),
        (["mlflow"], "^tracker=mlflow needs its client: pip install mlflow$"),
        (["fake"], "^tracker=fake: ValueError: no key is set$"),
    ):
        with pytest.raises(UsageError, match=message):
            train.run(tiny(), str(tmp_path / "unborn"), trackers=names)
    assert not (tmp_path / "unborn").exists()


def _reported(reporter: Reporter) -> None:
    """Two log lines, an evaluation, an alert and pictures of both kinds, as a run reports them."""
    reporter.scalars(5, {"generator/loss": 0.5}, 100.0, 1.0)
    reporter.evaluation(5, {"own": {"value": 3.25}}, {})
    reporter.alerts(5, {"generator": {"gradient": 0.125}}, ["it is small"])
    reporter.picture(5, "real", PICTURE[..., :1])
    reporter.picture(5, "samples", PICTURE)
    reporter.scalars(10, {"generator/loss": 0.25}, 100.0, 1.0)


def _twice(name, recipe, workdir):
    """Two starts of a run; warnings would be failures of the client."""
    for _ in range(2):
        trackers.check([name])
        with trackers.opened([name], workdir, recipe) as reporters:
            _reported(reporters[0])


def _ours(caplog):
    return [record.message for record in caplog.records if record.name == "gan_jax"]


def test_wandb_offline(tiny, tmp_path, monkeypatch, caplog):
    pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_MODE", "offline")
    _twice("wandb", tiny(), str(tmp_path))
    assert not _ours(caplog)
    identity = json.loads((tmp_path / "trackers.json").read_text())["wandb"]
    files = sorted((tmp_path / "wandb").glob(f"offline-run-*-{identity}/run-{identity}.wandb"))
    assert len(files) == 2  # Of one run; `wandb sync` puts them together.
    written = files[0].read_bytes()
    for name in (
        b"generator/loss",
        b"evaluation/own",
        b"diagnostics/generator/gradient",
        b"3.25",
        b"it is small",
    ):
        assert name in written, name
    assert len(list(files[0].parent.glob("files/media/images/*.png"))) == 2


def test_mlflow_file_store(tiny, tmp_path, monkeypatch, caplog):
    mlflow = pytest.importorskip("mlflow")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", (tmp_path / "store").as_uri())
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")  # Newer versions ask for it.
    _twice("mlflow", tiny(), str(tmp_path))
    assert not _ours(caplog)
    client, run = mlflow.MlflowClient(), json.loads((tmp_path / "trackers.json").read_text())["mlflow"]
    stored = client.get_run(run)
    assert stored.info.status == "FINISHED" and stored.info.run_name == tmp_path.name
    assert client.get_experiment(stored.info.experiment_id).name == "gan_jax"
    assert stored.data.params["batch_size"] == "8"
    assert stored.data.params["optimizers.generator.adam.learning_rate"] == "0.001"
    history = client.get_metric_history(run, "generator/loss")
    assert [(metric.step, metric.value) for metric in history] == [(5, 0.5), (10, 0.25)] * 2
    assert stored.data.metrics["evaluation/own"] == 3.25
    assert stored.data.metrics["diagnostics/generator/gradient"] == 0.125
    assert {artifact.path for artifact in client.list_artifacts(run)} == {"diagnostics", "images"}
