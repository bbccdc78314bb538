"""When a run has lost its modes for good."""


def collapse_step(history, *, share=0.5):
    """The step from which on a run never again has the given share of the most modes it ever had before.

    No paper: a definition of ours. A run that has never captured much has lost nothing, and has not collapsed
    by it; one that dips and recovers has not either.

    Args:
        history: Pairs of step and modes captured, in the order of steps.
        share: Of the most modes captured until then, in (0, 1].

    Returns:
        The first step of the last stretch that lies below and lasts until the end; None if there is none.
    """
    most, since = 0, None
    for step, modes in history:
        most = max(most, modes)
        below = modes < share * most
        since = (step if since is None else since) if below else None
    return since
