"""The step at which a run has lost its modes for good."""

from collections.abc import Iterable


def collapse_step(history: Iterable[tuple[int, float]], *, share: float = 0.5) -> int | None:
    """The step from which on a run never again has the given share of its highest number of modes so far.

    No paper: a definition of ours. A run that never captured many modes has lost nothing, so it has not
    collapsed. Nor has a run that dips and recovers.

    Args:
        history: Pairs of step and modes captured, in the order of steps.
        share: Share of the highest number of modes until then, in (0, 1].

    Returns:
        The first step of the last stretch that is below the share and lasts until the end; None if there is
        none.
    """
    most: float = 0
    since: int | None = None
    for step, modes in history:
        most = max(most, modes)
        below = modes < share * most
        since = (step if since is None else since) if below else None
    return since
