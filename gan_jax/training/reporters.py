"""The seam between a run and everything that it reports to: its log, its files, TensorBoard, trackers."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np


def _ignored(*arguments: Any) -> None:
    """Reports nothing."""


class Reporter(NamedTuple):
    """One of those that a run reports to. `step` is always the number of finished training steps.

    Attributes:
        advance: `(steps)`: so many more steps are taken, or at least under way.
        scalars: `(step, values, samples_per_second, seconds_left)`: the mean of each scalar since the last
            call, by name; real samples per second; the rest of the run at this speed. 0 for an unknown speed.
        evaluation: `(step, values, protocol)`: metrics by name, dicts of `value` and perhaps `real_baseline`,
            and how they were computed.
        alerts: `(step, numbers, lines)`: diagnostics by subject and name, and new alerts.
        picture: `(step, name, picture)`: uint8 [H, W, 1 or 3]; the name is `samples` or `real`.
        close: `(failed)`: the last call; did the run end with an error?
    """

    advance: Callable[[int], None] = _ignored
    scalars: Callable[[int, Mapping[str, float], float, float], None] = _ignored
    evaluation: Callable[[int, Mapping[str, Mapping[str, Any]], Mapping[str, Any]], None] = _ignored
    alerts: Callable[[int, Mapping[str, Mapping[str, float]], list[str]], None] = _ignored
    picture: Callable[[int, str, np.ndarray], None] = _ignored
    close: Callable[[bool], None] = _ignored


def of_client(
    numbers: Callable[[int, dict[str, float]], None],
    text: Callable[[int, str, str], None],
    picture: Callable[[int, str, np.ndarray], None],
    close: Callable[[bool], None],
) -> Reporter:
    """A Reporter whose client knows nothing but numbers, lines and pictures by name.

    Args:
        numbers: `(step, values)`, floats by name: scalars as they are, `evaluation/metric`,
            `diagnostics/subject/name`.
        text: `(step, name, line)`.
        picture: As in Reporter.
        close: As in Reporter.

    Returns:
        The Reporter.
    """

    def scalars(step, values, samples_per_second, seconds_left):
        numbers(step, {**values, "samples_per_second": samples_per_second})

    def evaluation(step, values, protocol):
        numbers(step, {f"evaluation/{name}": value["value"] for name, value in values.items()})

    def alerts(step, by_subject, lines):
        numbers(
            step,
            {
                f"diagnostics/{subject}/{name}": value
                for subject, values in by_subject.items()
                for name, value in values.items()
            },
        )
        for number, line in enumerate(lines):
            text(step, f"diagnostics/{number}", line)

    return Reporter(scalars=scalars, evaluation=evaluation, alerts=alerts, picture=picture, close=close)
