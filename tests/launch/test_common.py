"""Scripts recognise the log lines that training writes."""

import ast
import pathlib
import re
import shutil
import subprocess

import pytest

from gan_jax.cli import command
from gan_jax.errors import UsageError

ROOT = pathlib.Path(__file__).resolve().parents[2]


def outcome(*logs):
    read = ["bash", "-c", f'. {ROOT}/launch/common.sh && outcome "$@"', "bash", *logs]
    return subprocess.check_output(read, text=True, stderr=subprocess.STDOUT).strip()


def test_outcome_of_every_line_that_training_logs(tmp_path):
    source = ast.parse((ROOT / "gan_jax/training/train.py").read_text())
    calls = [node for node in ast.walk(source) if isinstance(node, ast.Call)]
    logged = [call.args[0].value for call in calls if ast.unparse(call.func) == "log.info"]
    read = {}
    for message in logged:
        log = tmp_path / "log"
        log.write_text(re.sub("%-?[0-9]*[ds]", "7", message))
        read.setdefault(outcome(log), []).append(message[:8])
    assert read["stopped"] == ["stopped "] and read["finished"] == ["finished"]
    assert len(read["lost"]) == len(logged) - 2 and "failed" not in read


def test_outcome_of_a_mistake(tmp_path, capsys):
    with pytest.raises(SystemExit):
        command.fail(UsageError("--config is missing"))
    (tmp_path / "log").write_text("warning: error: of something\n" + capsys.readouterr().err)
    assert outcome(tmp_path / "log") == "failed"


@pytest.mark.parametrize(
    "texts, expected",
    [
        ([""], "lost"),
        (["training step 3\nTraceback (most recent call last):\nValueError: error: x"], "lost"),
        (["stopped at step 3 of 10; the same", ""], "stopped"),
        (["", "finished 10 steps; runs/x holds"], "finished"),
        (["stopped at step 3 of 10; the same", "error: checkpoint 3 is damaged"], "failed"),
    ],
)
def test_outcome_of_many_logs(tmp_path, texts, expected):
    logs = [tmp_path / f"{number}.log" for number in range(len(texts))]
    for log, text in zip(logs, texts):
        log.write_text(text)
    assert outcome(*logs) == expected


def test_no_log_is_a_lost_run(tmp_path):
    assert outcome(tmp_path / "none") == "lost"


@pytest.mark.parametrize(
    "flags, workdir",
    [
        (["--config=c.py", "--workdir=gs://b/a run"], "gs://b/a run"),
        (["--workdir", "runs/x", "--config=c.py"], "runs/x"),
        (["--workdir=one", "--workdir=two"], "two"),  # As absl does.
        (["--config.workdir=x"], ""),
    ],
)
def test_workdir_among_flags(flags, workdir):
    read = ["bash", "-c", f'. {ROOT}/launch/common.sh && workdir_of "$@"', "bash", *flags]
    assert subprocess.check_output(read, text=True) == f"{workdir}\n"


@pytest.mark.skipif(shutil.which("shellcheck") is None, reason="shellcheck is not installed")
def test_shellcheck():
    scripts = sorted([*ROOT.glob("launch/*.sh"), *ROOT.glob("tests/launch/*.sh")])
    check = subprocess.run(
        ["shellcheck", "--external-sources", "--source-path=.", *scripts],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert len(scripts) >= 8 and (check.returncode, check.stdout) == (0, "")
