"""The scripts in a separate repository, with the programs of programs.sh first on the PATH."""

import json
import os
import pathlib
import shutil
import signal
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]


class Machine:
    """A user's machine: real scripts that call fake programs.

    Attributes:
        root: Folder of its own copy of the repository.
        started: Every script started, as `subprocess.Popen`.
        stubs: Folder in which the stand-ins record their calls.
        environment: Environment variables of everything that is started.
    """

    def __init__(self, folder, project, programs):
        self.root, self.stubs, self.started = folder / "project", folder / "stubs", []
        shutil.copytree(project, self.root)
        (self.stubs / "bin").mkdir(parents=True)
        self.plan(training="finish finish\n", job="RUNNING")
        for name in programs:
            shutil.copy(pathlib.Path(__file__).with_name("programs.sh"), self.stubs / "bin" / name)
            (self.stubs / "bin" / name).chmod(0o755)
        programs = f"{self.stubs}/bin:{os.environ['PATH']}"
        self.environment = dict(
            os.environ, PATH=programs, STUBS=str(self.stubs), BACKOFF_SECONDS="0", POLL_SECONDS="0.05",
            HOME=str(folder),
        )  # fmt: skip
        for name in ("GAN_JAX_VENV", "EXTRAS", "PYTHON"):
            self.environment.pop(name, None)

    def plan(self, **files):
        """Sets the behaviour of the fake programs: files that they read."""
        for name, content in files.items():
            (self.stubs / name).write_text(content)

    def start(self, script, *arguments, **environment):
        process = subprocess.Popen(
            [self.root / "launch" / script, *arguments], env={**self.environment, **environment}, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip
        self.started.append(process)
        return process

    def kill(self, process):
        """Kills a script, with all processes that are not detached from it."""
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()

    def close(self):
        """Kills all processes that a test may have left."""
        self.kill_training()
        for process in self.started:
            if process.poll() is None:
                self.kill(process)

    def run(self, script, *arguments, **environment):
        """Exit code, stdout and stderr of a script."""
        process = self.start(script, *arguments, **environment)
        try:
            out, err = process.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            self.kill(process)
            raise
        return process.returncode, out, err

    def kill_training(self):
        """Kills training, as a reboot of every worker of the TPU does."""
        for path in self.stubs.glob("workers/*/gan_jax-runs/*/pid"):
            command = pathlib.Path("/proc", path.read_text().strip(), "cmdline")
            if command.exists() and b"gan_jax.main" in command.read_bytes():
                os.kill(int(path.read_text()), signal.SIGKILL)

    def recorded(self, name):
        """Every call that a fake program recorded, as lists of arguments."""
        path = self.stubs / f"{name}.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


@pytest.fixture(scope="session")
def project(tmp_path_factory):
    """A repository with one commit of the files that the scripts need."""
    root = tmp_path_factory.mktemp("launch") / "project"
    shutil.copytree(ROOT / "launch", root / "launch")
    for name in ("setup.cfg", "pyproject.toml", ".gitignore"):
        shutil.copy(ROOT / name, root)
    author = ("-c", "user.name=Test", "-c", "user.email=test@example.org")
    for command in (["init", "-q"], ["add", "-A"], [*author, "commit", "-qm", "All"]):
        subprocess.run(["git", *command], cwd=root, check=True)
    return root


@pytest.fixture
def cloud(tmp_path, project):
    """A machine with a cloud in which nothing fails and training ends at once; `code` is HEAD's folder."""
    machine = Machine(tmp_path, project, ("gcloud", "uv", "python3.12"))
    head = subprocess.check_output(["git", "rev-parse", "--short=12", "HEAD"], cwd=project, text=True)
    machine.code = f"gan_jax-{head.strip()}"
    yield machine
    machine.close()


@pytest.fixture
def cluster(tmp_path, project):
    """A machine of a SLURM cluster on which nothing fails and training finishes at once."""
    machine = Machine(tmp_path, project, ("sbatch", "srun", "scontrol", "uv", "python3.12"))
    yield machine
    machine.close()
