"""`--on-jobs`: the script that is written runs by itself, and its launch is one that the client and the pre-flight check take."""

from __future__ import annotations

import ast
import json
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

import ml_intern_helpers
from dataset import full_truth
from dataset.viewer import Viewer, hub_with
from ml_intern_helpers.dataset.full import on_jobs
from support.helpers import Outcome, clean_environment

pytestmark = pytest.mark.slow

NAME = "ada/chats"
Inspect = Callable[..., Outcome]
SCRIPT = cache(on_jobs.script)


@pytest.fixture
def inspect(call: Inspect, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Inspect]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(on_jobs, "script", SCRIPT)  # packed once: it takes seconds
    hub, _ = hub_with(NAME)
    viewer = Viewer(NAME, {("default", "train"): (full_truth.chats(1, 30), 3 * 10**9)})
    viewer.splits["default", "test"] = (full_truth.chats(2, 5), 5)
    yield lambda *words: call(*words, HF_ENDPOINT=hub.url, ML_INTERN_DATASET_VIEWER_URL=viewer.url)
    viewer.close()
    hub.service.close()


def test_the_script_runs_by_itself(inspect: Inspect, tmp_path: Path, home: Path) -> None:
    """In an interpreter without this package: what the script carries must do."""
    assert inspect(NAME, "--on-jobs").code == 0
    rows = tmp_path / "rows.jsonl"
    rows.write_text("".join(json.dumps(row) + "\n" for row in full_truth.chats(3, 300)), "utf-8")
    done = subprocess.run(
        [sys.executable, "-I", on_jobs.SCRIPT, str(rows), "--full", "--json"],
        cwd=tmp_path,
        env=clean_environment(home),
        capture_output=True,
        check=False,
        timeout=120,
    )
    assert json.loads(done.stdout)["full"]["rows"] == 300, done.stderr


def test_the_launch_is_told_and_not_made(inspect: Inspect) -> None:
    launch = inspect(NAME, "--on-jobs", "--config", "default", "--split", "train", "--json").json["on_jobs"]
    words = shlex.split(launch["command"])
    assert words[:4] == ["hf", "jobs", "uv", "run"]
    assert words[words.index("--") + 1 :][:3] == [on_jobs.SCRIPT, NAME, "--full"]
    assert words[-4:] == ["--config", "default", "--split", "train"]
    assert launch["timeout"] == "2h", "30 GB take longer than the half hour that a job gets by default"
    shown = inspect(NAME, "--on-jobs").stdout
    assert "not launched" in shown
    assert "    hf jobs uv run --flavor cpu-upgrade" in shown


def test_the_pre_flight_check_takes_it_for_what_it_is(inspect: Inspect, helper: Inspect, tmp_path: Path) -> None:
    command = inspect(NAME, "--on-jobs", "--json").json["on_jobs"]["command"]
    secret = "hf_" + "a" * 20
    done = helper("preflight_check", "--launch", command, "--json", cwd=tmp_path, HF_TOKEN=secret)
    assert done.code == 3, "no training: nothing to judge, and nothing wrong"
    assert [item for item in done.json["findings"] if item["severity"] == "error"] == []


def test_the_script_is_small_enough_to_be_read_and_names_every_package() -> None:
    text = SCRIPT()
    assert len(text) < on_jobs.MOST_CHARACTERS
    compile(text, "script", "exec")
    root = Path(ml_intern_helpers.__file__).parent
    files = [*root.glob("*.py"), *(path for room in on_jobs.ROOMS for path in (root / room).rglob("*.py"))]
    imported = {name.partition(".")[0] for path in files for name in _imports(path)} - set(sys.stdlib_module_names)
    assert imported - {"ml_intern_helpers"} <= set(on_jobs.PACKAGES)
    for package in on_jobs.PACKAGES:
        assert f'"{package}==' in text


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def test_local_files_and_others_scripts_are_refused(inspect: Inspect, tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_text('{"text": "a b c"}\n', "utf-8")
    assert "is for datasets on the Hub" in inspect("rows.jsonl", "--on-jobs").stderr
    (tmp_path / on_jobs.SCRIPT).write_text("print('mine')\n", "utf-8")
    done = inspect(NAME, "--on-jobs")
    assert done.code == 2
    assert (tmp_path / on_jobs.SCRIPT).read_text("utf-8") == "print('mine')\n"
