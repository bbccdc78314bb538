"""Weights & Biases and MLflow, by their own clients, which are imported only when a run asks for them.

Where they write and as whom is their own matter: both read the environment, as in `WANDB_MODE=offline` or
`MLFLOW_TRACKING_URI`. A workdir keeps the name of its run in `trackers.json`, so that every start of it goes
on with the same one.
"""

import contextlib
import importlib.util
import json
import logging
import os
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from gan_jax import recipe as recipe_lib
from gan_jax.errors import UsageError, unknown
from gan_jax.recipe import Recipe
from gan_jax.runtime.files import write_atomically
from gan_jax.training.reporters import Reporter, of_client

log = logging.getLogger("gan_jax")

# The project or experiment of a run, unless the environment names another one.
PROJECT = "gan_jax"
# Parameters that MLflow takes at a time.
MOST = 100


class Tracker(NamedTuple):
    """A client.

    Attributes:
        check: Function without arguments that raises whatever the client raises if it cannot work.
        open: `(workdir, recipe, identity) -> (identity, reporter)`: begins a run, or goes on with the one of
            that identity, None for a new one.
    """

    check: Callable[[], Any]
    open: Callable[[str, Recipe, str | None], tuple[str, Reporter]]


def check(names: Sequence[str]) -> None:
    """Finds what is wrong with trackers before anything is trained.

    Args:
        names: Their names.

    Raises:
        UsageError: An unknown name, a client that is not installed, or one that cannot work as it is set up.
    """
    for name in names:
        if name not in TRACKERS:
            raise unknown("tracker", name, TRACKERS)
        if not _installed(name):
            raise UsageError(f"tracker={name} needs its client: pip install {name}")
        try:
            TRACKERS[name].check()
        except Exception as error:  # Clients fail in many ways.
            raise UsageError(f"tracker={name}: {_said(error)}") from error


@contextlib.contextmanager
def opened(names: Sequence[str], workdir: str, recipe: Recipe) -> Iterator[list[Reporter]]:
    """Opens trackers, and closes them on leaving. A tracker that fails is warned of once and left alone.

    Args:
        names: Their names, from `check`.
        workdir: Folder of the run.
        recipe: Its Recipe.

    Yields:
        One Reporter each, which its user does not close.
    """
    reporters = [each for name in dict.fromkeys(names) if (each := _opened(name, workdir, recipe))]
    failed = True
    try:
        yield [reporter._replace(close=Reporter().close) for reporter in reporters]
        failed = False
    finally:
        for reporter in reporters:
            reporter.close(failed)


def _opened(name, workdir, recipe):
    """A Reporter that never fails, or None."""
    path = os.path.join(workdir, "trackers.json")
    try:
        known = _known(path)
        identity, reporter = TRACKERS[name].open(workdir, recipe, known.get(name))
    except Exception as error:  # Clients fail in many ways.
        log.warning("tracker=%s: %s; the run goes on without it", name, _said(error))
        return None
    if known.get(name) != identity:
        with write_atomically(path) as file:
            json.dump({**known, name: identity}, file)
    return _forgiven(name, reporter)


def _installed(name):
    return importlib.util.find_spec(name) is not None


def _known(path):
    """Identities of the workdir's runs by tracker."""
    with contextlib.suppress(OSError, ValueError), open(path) as file:
        return {str(name): str(identity) for name, identity in json.load(file).items()}
    return {}


def _forgiven(name: str, reporter: Reporter) -> Reporter:
    """The same Reporter until it fails, then none: no tracker may end a run."""
    lost = False

    def forgiving(function):
        def call(*arguments):
            nonlocal lost
            if lost:
                return
            try:
                function(*arguments)
            except Exception as error:  # Clients fail in many ways.
                lost = True
                log.warning("tracker=%s: %s; the run goes on without it", name, _said(error))

        return call

    return Reporter(*map(forgiving, reporter))


def _said(error):
    """An error in a line."""
    first = str(error).strip().partition("\n")[0]
    return f"{type(error).__name__}: {first}"


def _check_wandb():
    import wandb

    wandb.login()  # Asks on a terminal, fails elsewhere, and does nothing offline.


def _wandb(workdir, recipe, identity):
    """A run of Weights & Biases; its local files lie in the workdir."""
    import wandb

    run = wandb.init(
        project=os.environ.get("WANDB_PROJECT", PROJECT),
        name=_name(workdir),
        id=identity,
        resume="allow" if identity else None,
        dir=workdir,
        config=recipe_lib.to_dict(recipe),
    )
    # Its own steps only grow; those of a run go back to the last checkpoint after a kill.
    run.define_metric("step")
    run.define_metric("*", step_metric="step")
    return run.id, of_client(
        numbers=lambda step, values: run.log({"step": step, **values}),
        text=lambda step, name, line: run.log({"step": step, name: line}),
        picture=lambda step, name, picture: run.log({"step": step, name: wandb.Image(picture.squeeze())}),
        close=lambda failed: run.finish(exit_code=int(failed)),
    )


def _check_mlflow():
    import mlflow

    mlflow.MlflowClient().search_experiments(max_results=1)  # Is there a server, or a folder?


def _mlflow(workdir, recipe, identity):
    """A run of MLflow."""
    import mlflow

    client = mlflow.MlflowClient()
    run = identity or _new_run(client, workdir, recipe)
    client.update_run(run, status="RUNNING")

    def numbers(step, values):
        now = int(time.time() * 1000)
        metrics = [mlflow.entities.Metric(name, value, now, step) for name, value in values.items()]
        client.log_batch(run, metrics=metrics)

    return run, of_client(
        numbers=numbers,
        text=lambda step, name, line: client.log_text(run, line, f"{name}/step_{step:07d}.txt"),
        picture=lambda step, name, picture: client.log_image(run, picture, key=name, step=step),
        close=lambda failed: client.set_terminated(run, "FAILED" if failed else "FINISHED"),
    )


def _new_run(client, workdir, recipe):
    """A new run of MLflow with the recipe as its parameters."""
    from mlflow.entities import Param

    experiment = os.environ.get("MLFLOW_EXPERIMENT_NAME", PROJECT)
    known = client.get_experiment_by_name(experiment)
    number = known.experiment_id if known else client.create_experiment(experiment)
    run = client.create_run(number, run_name=_name(workdir)).info.run_id
    flat = recipe_lib.flatten(recipe_lib.to_dict(recipe))
    params = [Param(name, json.dumps(value)) for name, value in flat.items()]
    for start in range(0, len(params), MOST):
        client.log_batch(run, params=params[start : start + MOST])
    return run


def _name(workdir):
    return os.path.basename(os.path.abspath(workdir))


TRACKERS = {"wandb": Tracker(_check_wandb, _wandb), "mlflow": Tracker(_check_mlflow, _mlflow)}
