"""Progress of long work, on a terminal and elsewhere."""

import io
import logging
import sys

import pytest

from gan_jax.runtime import progress


class _Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize("seconds, text", [(0, "0:00"), (59.6, "1:00"), (65, "1:05"), (3725, "62:05")])
def test_minutes_and_seconds(seconds, text):
    assert progress.clock(seconds) == text


def test_a_line_every_ten_seconds_where_there_is_no_terminal(monkeypatch, caplog):
    now = 0.0
    monkeypatch.setattr(progress.time, "monotonic", lambda: now)
    with caplog.at_level(logging.INFO, "gan_jax"):
        for item in progress.shown(range(8), 8, "classifier"):
            now += 4.0 if item else 60.0  # The first one compiles.
    # One item takes four seconds, whatever the first one took.
    assert caplog.messages == [
        "classifier: step 2/8, 0:24 left",
        "classifier: step 5/8, 0:12 left",
        "classifier: step 8/8, 0:00 left",
    ]


def test_items_have_a_name(monkeypatch, caplog):
    monkeypatch.setattr(progress.time, "monotonic", iter(range(0, 80, 20)).__next__)
    with caplog.at_level(logging.INFO, "gan_jax"):
        assert list(progress.shown("abc", 3, "translate", "file")) == ["a", "b", "c"]
    assert caplog.messages == ["translate: file 2/3, 0:20 left", "translate: file 3/3, 0:00 left"]


def test_a_bar_on_a_terminal(monkeypatch, caplog):
    monkeypatch.setattr(sys, "stderr", _Terminal())
    with caplog.at_level(logging.INFO, "gan_jax"):
        assert list(progress.shown("abc", 3, "classifier")) == ["a", "b", "c"]
    assert "classifier:   0%" in sys.stderr.getvalue() and "/3 [" in sys.stderr.getvalue()
    assert not caplog.messages
