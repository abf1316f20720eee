"""`scripts/quickstart` as a newcomer runs it: an empty home, no account, no model hub; and what it does when things go wrong."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import sqlite3
import struct
import subprocess
import time
from pathlib import Path

import pytest

from support.helpers import ROOT, clean_environment
from support.training import training_python

QUICKSTART = ROOT / "scripts/quickstart"
STEPS = 30

pytestmark = [pytest.mark.xdist_group("quickstart"), pytest.mark.timeout(400)]  # a busy machine of two cores


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An empty home in which every service is dead; the prepared environments are used, they are not what is tested here."""
    home = tmp_path_factory.mktemp("a newcomer's home")
    cache = os.environ.get("ML_INTERN_CACHE") or str(
        Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ml-intern"
    )
    return clean_environment(home, ML_INTERN_CACHE=cache, ML_INTERN_TRAINING_PYTHON=str(training_python()))


@pytest.fixture(scope="module")
def run(environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """One real run; the folder of its result and what it printed."""
    out = tmp_path_factory.mktemp("quick start") / "my runs"
    done = quickstart(environment, "--out", str(out), "--steps", str(STEPS), TRACKIO_SPACE_ID="ada/must-not-be-used")
    assert done.returncode == 0, done.stderr
    return out / "run-1", done.stdout


def quickstart(
    environment: dict[str, str], *arguments: str, cwd: Path | None = None, **extra: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [QUICKSTART, *arguments],
        env=environment | extra,
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=380,
        check=False,
    )


@pytest.mark.training
def test_it_shows_its_way_and_ends_with_a_report(run: tuple[Path, str]) -> None:
    folder, told = run
    assert [int(number) for number in re.findall(r"^\[(\d)/8\] ", told, flags=re.M)] == list(range(1, 9))
    assert re.search(r"none: No GPU found|local: |ask_user: |jobs: ", told)
    assert "READY for sft" in told
    assert "356 of 360 rows are used" in told
    assert "PASS" in told
    assert "loss per step" in told
    assert "it has learnt the form of an answer, not to calculate" in told
    last = told[told.index("\nDone in") :]
    for name in ("model", "loss.png", "train.log", "quickstart.db", "train.py", "report.md"):
        assert str(folder / name) in last or str(folder / "trackio" / name) in last
    assert "hf jobs uv run -d -- " in last
    assert "at most 4h: $6.00" in last, "a price is computed from the recipe's own header"


@pytest.mark.training
def test_what_it_leaves_is_whole(run: tuple[Path, str]) -> None:
    folder, _ = run
    assert {path.name for path in folder.iterdir()} == {
        *("tiny-model", "model", "trackio"),
        *("train.jsonl", "train.py", "train.log", "loss.json", "loss.png", "questions.json", "report.md"),
    }
    assert [path.name for path in folder.parent.iterdir()] == ["run-1"]
    recipe = ROOT / "skills/ml-intern/recipes/sft.py"
    assert (folder / "train.py").read_bytes() == recipe.read_bytes(), "what was pre-flighted and run is the recipe as it ships"
    report = (folder / "report.md").read_text(encoding="utf-8")
    assert "SET302 row 58" in report
    assert report.count("## ") == 4


@pytest.mark.training
def test_the_loss_falls_and_trackio_has_every_step(run: tuple[Path, str]) -> None:
    folder, _ = run
    with sqlite3.connect(folder / "trackio/quickstart.db") as db:
        rows = [json.loads(metrics) for (metrics,) in db.execute("select metrics from metrics order by id")]
    losses = [row["train/loss"] for row in rows if "train/loss" in row]
    held_out = [row["eval/loss"] for row in rows if "eval/loss" in row]
    assert len(losses) == STEPS
    assert losses[-1] < 0.6 * losses[0]
    assert held_out == sorted(held_out, reverse=True)
    assert [loss for _, loss in json.loads((folder / "loss.json").read_text())["train"]] == losses


@pytest.mark.training
def test_the_curve_is_a_picture(run: tuple[Path, str]) -> None:
    data = (run[0] / "loss.png").read_bytes()
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    assert struct.unpack(">II", data[16:24]) == (1200, 750)
    assert len(data) > 20_000, "not an empty canvas"


@pytest.mark.training
def test_the_model_that_is_left_answers(run: tuple[Path, str]) -> None:
    """The replies were made from the saved folder; training changed them."""
    _, told = run
    before = re.findall(r"before: (.*)", told)
    after = re.findall(r"after:  (.*)", told)
    assert len(before) == len(after) == 3
    assert all(reply != "(blank)" for reply in after)
    assert before != after


@pytest.mark.training
def test_ctrl_c_in_training_leaves_nothing(environment: dict[str, str], tmp_path: Path) -> None:
    process = subprocess.Popen(
        [QUICKSTART, "--out", tmp_path / "runs", "--steps", "200"],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and not list(tmp_path.glob("runs/run-1/train.log")):
        time.sleep(0.05)
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "stopped; nothing of this run was kept" in told
    assert "Traceback" not in told
    assert not (tmp_path / "runs").exists()
    assert str(tmp_path) not in _command_lines(), "the training process is gone too"


def _command_lines() -> str:
    return subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout


def test_help_builds_nothing(tmp_path: Path) -> None:
    done = subprocess.run([QUICKSTART, "--help"], env=clean_environment(tmp_path), capture_output=True, text=True, check=True)
    assert "--steps N" in done.stdout
    assert "Exit codes:" in done.stdout
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(("--steps", "3"), id="too few steps"),
        pytest.param(("--steps", "many"), id="no number"),
        pytest.param(("--colour",), id="unknown option"),
    ],
)
def test_wrong_usage_is_2(environment: dict[str, str], tmp_path: Path, arguments: tuple[str, ...]) -> None:
    done = quickstart(environment, *arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.iterdir())


def test_a_file_in_the_place_of_the_folder(environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("mine")
    done = quickstart(environment, "--out", str(tmp_path / "taken"))
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        f"quickstart: {tmp_path / 'taken'} is a file, not a folder",
        "  next: name another folder with --out DIR",
    ]
    assert (tmp_path / "taken").read_text() == "mine"


def test_a_place_one_may_not_write_to(environment: dict[str, str]) -> None:
    """/proc takes no folder, not even root's."""
    done = quickstart(environment, "--out", "/proc/quickstart")
    assert done.returncode == 2
    assert "cannot write to /proc/quickstart" in done.stderr
    assert "--out DIR" in done.stderr


def test_a_training_environment_that_does_not_work(environment: dict[str, str], tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho 'no torch in here' >&2\nexit 1\n")
    python.chmod(0o755)
    done = quickstart(environment, "--out", str(tmp_path / "runs"), ML_INTERN_TRAINING_PYTHON=str(python))
    assert done.returncode == 1
    assert "no torch in here" in done.stderr
    assert "quickstart: the training environment is not usable" in done.stderr
    assert not (tmp_path / "runs").exists()


def test_no_code_of_the_folder_one_stands_in_is_run(environment: dict[str, str], tmp_path: Path) -> None:
    """A folder that somebody else has filled; the training Python is real, and says at its end that it is not usable."""
    for name in ("json", "importlib", "torch", "trl", "sitecustomize"):
        (tmp_path / f"{name}.py").write_text(f"open({str(tmp_path / 'was-run')!r}, 'w')\n")
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\n"{training_python()}" "$@"\nexit 1\n')
    python.chmod(0o755)
    done = quickstart(environment, cwd=tmp_path, ML_INTERN_TRAINING_PYTHON=str(python))
    assert (done.returncode, done.stderr) == (1, "quickstart: the training environment is not usable\n")
    assert not (tmp_path / "was-run").exists()


def test_the_log_of_a_failure_is_not_written_through_a_link(tmp_path: Path) -> None:
    """Through the module: the folder of runs may come with a checkout of somebody else's."""
    (tmp_path / "mine").write_text("mine")
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs/failed.log").symlink_to(tmp_path / "mine")
    code = "import folder, pathlib, sys; folder.reserve(pathlib.Path(sys.argv[1])).discard('what was said')"
    module = {"PYTHONPATH": str(ROOT / "scripts/quickstart_run"), "PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1"}
    subprocess.run(["python3", "-c", code, tmp_path / "runs"], env=module, capture_output=True, text=True, check=True)
    assert (tmp_path / "mine").read_text() == "mine"
    assert (tmp_path / "runs/failed.log").read_text() == "what was said"


@pytest.mark.training
def test_a_step_that_fails_keeps_its_output_and_no_run(environment: dict[str, str], tmp_path: Path) -> None:
    """A copy of the plugin whose tiny-model script is broken; a run that was there before stays."""
    copy = tmp_path / "plugin"
    for name in ("scripts", "src", "skills", "examples", "requirements", "requirements.lock"):
        place = ROOT / name
        shutil.copytree(place, copy / name) if place.is_dir() else shutil.copyfile(place, copy / name)
    (copy / "examples/make_tiny_model.py").write_text("raise MemoryError('no room for 227,808 parameters')\n")
    earlier = tmp_path / "runs/run-1"
    earlier.mkdir(parents=True)
    (earlier / "report.md").write_text("mine")
    done = subprocess.run(
        [copy / "scripts/quickstart", "--out", tmp_path / "runs"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 1
    last = done.stderr.splitlines()[-2:]
    assert last[0] == "quickstart: make_tiny_model.py failed (exit code 1)"
    assert "MemoryError: no room" in last[1]
    assert str(tmp_path / "runs/failed.log") in last[1]
    assert "Traceback" in (tmp_path / "runs/failed.log").read_text()
    assert sorted(path.name for path in (tmp_path / "runs").iterdir()) == ["failed.log", "run-1"]
    assert (earlier / "report.md").read_text() == "mine"


def test_what_a_killed_run_left_is_swept_and_what_lives_is_not(tmp_path: Path) -> None:
    """Through the module: a killed process cannot be had cheaply here."""
    code = "import folder, pathlib, sys; print(folder.reserve(pathlib.Path(sys.argv[1])).path.name)"
    for name, pid in {"run-1": 2**22 + 1, "run-2": os.getpid()}.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / ".unfinished").write_text(str(pid))
    (tmp_path / "run-3").mkdir()
    module = {"PYTHONPATH": str(ROOT / "scripts/quickstart_run"), "PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(["python3", "-c", code, tmp_path], env=module, capture_output=True, text=True, check=True)
    assert done.stdout == "run-1\n"
    assert {path.name for path in tmp_path.iterdir()} == {"run-1", "run-2", "run-3"}
