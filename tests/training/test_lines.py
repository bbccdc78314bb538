"""The log of a run: one line that is rewritten on a terminal, plain lines elsewhere."""

import io
import logging
import sys

import pytest

from gan_jax.training import lines as lines_lib
from gan_jax.training import report

VALUES = {"discriminator/hinge": 0.5, "discriminator/r1": 7.0, "generator/hinge": 2.0}


class _Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(
    "step, speed, left, every, expected",
    [
        # 100 steps take 50 s; the next evaluation is 50 steps away.
        (250, 812.4, 50.0, 100, "812 images/s  0:50 left  evaluation in 0:25  "),
        # The last step has one too, before the next multiple.
        (320, 1000.0, 15.0, 100, "1,000 images/s  0:15 left  evaluation in 0:15  "),
        (250, 812.4, 50.0, 0, "812 images/s  0:50 left  "),
        (250, 0.0, 0.0, 100, "evaluation at 300  "),
        (350, 812.4, 0.0, 100, "812 images/s  0:00 left  "),
    ],
)
def test_speed_rest_next_evaluation_and_the_first_loss_of_each_player(step, speed, left, every, expected):
    shown = lines_lib.state(step, 350, VALUES, "images", speed, left, every)
    assert shown == expected + "discriminator 0.5000  generator 2.0000"


def test_a_terminal_has_one_line_that_is_rewritten(tiny, tmp_path, monkeypatch, caplog):
    terminal = _Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    log = logging.getLogger("gan_jax")
    with caplog.at_level(logging.INFO, "gan_jax"):
        with report.opened(report.Report(str(tmp_path), tiny(), "images", 0, eval_every=5)) as reporter:
            reporter.advance(4)
            reporter.scalars(4, VALUES, 1234.0, 12.0)
            reporter.evaluation(5, {"own": {"value": 3.0}}, {})
            assert log.handlers  # Lines go above the bar.
    shown = terminal.getvalue()
    assert (
        "step 4/10 |" in shown
        and "| 1,234 images/s  0:12 left  evaluation in 0:02  discriminator 0.5" in shown
    )
    assert "step 5/10  evaluation: own 3" in shown and "hinge" not in shown
    assert report.read_metrics(tmp_path / "metrics.jsonl")[0]["discriminator/r1"] == 7.0


def test_elsewhere_every_scalar_is_in_a_line(tiny, tmp_path, caplog):
    with caplog.at_level(logging.INFO, "gan_jax"):
        lines_lib.lines(tiny(), "points", 0, 0).scalars(5, VALUES, 1234.0, 65.0)
    terms = "discriminator/hinge 0.5000  discriminator/r1 7.0000  generator/hinge 2.0000"
    assert caplog.messages == [f"step 5/10  {terms}  1,234 points/s  1:05 left"]
