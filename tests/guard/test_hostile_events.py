"""Whatever a client, a model or a broken disk sends: one JSON object or nothing, code 0, nothing on stderr."""

from __future__ import annotations

import json
import random
import subprocess
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from guard.events import SUBMIT, Project, bash, failed, read
from ml_intern_helpers.guard import hook
from ml_intern_helpers.runs.run_record import runs_of
from support.helpers import ROOT, clean_environment

pytestmark = pytest.mark.slow

POINTS = list(hook.EVENTS)
RAW = [b"", b"{", b"[]", b"null", b"7", b"\xff\xfe", b"[" * 50_000, b'{"cwd": "\\ud800"}', b'{"a": NaN}', b'{"cwd": "relative"}']


@pytest.mark.parametrize("point", [*POINTS, "", "no_such_point", "../x"])
def test_no_event_at_all(project: Project, point: str) -> None:
    for raw in RAW:
        assert project.fire(point, raw) is None, raw


VALUES: list[Any] = [
    None,
    True,
    0,
    -1,
    1e308,
    "",
    "x",
    "\0",
    "\ud800",
    "/",
    "~",
    "\n" * 99,
    "a" * 99_999,
    [],
    [[]],
    {},
    {"stdout": 7},
]
NAMES = ["session_id", "transcript_path", "cwd", "hook_event_name", "tool_name", "tool_input", "tool_response", "tool_use_id"]
NAMES += ["error", "is_interrupt", "last_assistant_message", "background_tasks", "agent_type", "agent_id", "source", "trigger"]
TEMPLATES: list[dict[str, Any]] = [
    bash(SUBMIT, "id=" + "a" * 24 + " url=https://x/jobs/ada/" + "a" * 24),
    bash("hf jobs inspect " + "a" * 24, '[{"id": "' + "a" * 24 + '", "status": 7}]'),
    failed("python train.py", "KeyError: 'x'"),
    read("/x/train.log", "{'loss': '1'}"),
    {"hook_event_name": "Stop", "last_assistant_message": "RESULT", "background_tasks": []},
    {"agent_type": "ml-intern:ml-paper-researcher", "agent_id": "1", "last_assistant_message": "| | |\nRECIPES\n|"},
    {"tool_name": "Write", "tool_input": {"file_path": "train.py"}},
]


@pytest.fixture
def hurt(project: Project) -> Project:
    """A project in which everything of ours is damaged."""
    (project.folder / "train.py").write_text("from trl import SFTTrainer\nSFTTrainer(\n")
    (project.data / "plan.md").write_bytes(b"- [ ] \xff\xfe\n" * 500)
    (project.data / "runs.jsonl").write_bytes(
        b'{"id": "r", "state": 7, "job_id": [], "at": 1}\n\xff\n{"id": "r", "tool_use_id": "call-1"}\n'
    )
    return project


@pytest.mark.parametrize("seed", range(4))
def test_fuzzed_events(hurt: Project, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    """In this process, for the number; the tests above and below go through the client's door."""
    monkeypatch.setenv("ML_INTERN_CACHE", str(hurt.home / "cache"))
    monkeypatch.setenv("CLAUDE_CODE_SESSION_ATTENDED", "0")
    monkeypatch.setenv("ML_INTERN_DEADLINE", "2999-01-01T00:00:00Z")
    monkeypatch.chdir(hurt.folder)
    chance = random.Random(seed)
    for _ in range(400):
        event = {"session_id": "s", "cwd": str(hurt.folder), **chance.choice(TEMPLATES)}
        for name in chance.sample(NAMES, chance.randint(0, 4)):
            event[name] = chance.choice(VALUES)
        json.dumps(answer_of(chance.choice(POINTS), event))


def answer_of(point: str, event: dict[str, Any]) -> object:
    """As `hook.main` does, without the process."""
    try:
        found = import_module(f"ml_intern_helpers.guard.{point}").answer(event)
    except Exception:
        return None
    assert found is None or isinstance(found, dict)
    return found


@pytest.mark.parametrize("point", POINTS)
def test_damaged_project(hurt: Project, point: str) -> None:
    for event in TEMPLATES:
        hurt.fire(point, event, CLAUDE_CODE_SESSION_ATTENDED="0", ML_INTERN_DEADLINE="2999-01-01T00:00:00Z")


def test_killed_half_way_loses_no_line(project: Project) -> None:
    """Kill the hook again and again while it writes; every line that is there is whole, and the next call goes well."""
    project.reserve()
    event = json.dumps({"session_id": "session-1", "cwd": str(project.folder), **bash(SUBMIT, "id=x")}).encode()
    env = clean_environment(project.home, CLAUDE_PLUGIN_ROOT=str(ROOT))
    for number in range(12):
        process = subprocess.Popen(
            [ROOT / "scripts/launch", "guard", "post_tool_use"], stdin=subprocess.PIPE, env=env, cwd=project.folder
        )
        assert process.stdin
        process.stdin.write(event)
        process.stdin.close()
        try:
            process.wait(0.02 * number)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    lines = (project.data / "runs.jsonl").read_bytes().splitlines()
    assert all(isinstance(json.loads(line), dict) for line in lines)
    project.fire("post_tool_use", json.loads(event))
    assert project.run().state == "running"


def test_many_sessions_at_once_lose_nothing(project: Project) -> None:
    for number in range(8):
        project.reserve(call=f"call-{number}", usd=1.0)
    events = [
        bash(SUBMIT, f"id={number:024x} url=https://x/jobs/ada/{number:024x}", call=f"call-{number}") for number in range(8)
    ]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda event: project.fire("post_tool_use", event, cold=True), events))
    found = {run.text("tool_use_id"): run.text("job_id") for run in runs_of(project.data).all}
    assert found == {f"call-{number}": f"{number:024x}" for number in range(8)}


def test_read_only_project(project: Project, tmp_path: Path) -> None:
    """A full or read-only disk: nothing is said that is not so, nothing breaks."""
    project.reserve()
    (project.data / "lock").unlink()
    (project.data / "lock").mkdir()
    assert project.fire("post_tool_use", bash(SUBMIT, "id=x")) is None
