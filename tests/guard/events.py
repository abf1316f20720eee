"""A project with a session in it, whose hook points are called with one event each."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from guard.project import fired
from ml_intern_helpers.runs import launching
from ml_intern_helpers.runs.contract import read_task
from ml_intern_helpers.runs.run_record import Run, runs_of
from ml_intern_helpers.runs.spend import ON_THIS_MACHINE, Cost
from runs.tasks import on_file

JOB = "687fb701029421ae5549d998"
URL = f"https://huggingface.co/jobs/ada/{JOB}"
SUBMIT = "hf jobs uv run --flavor a10g-large --timeout 4h --secrets HF_TOKEN -d -- train.py"


class Project:
    """A folder with a task of ours, and a session in it."""

    def __init__(self, folder: Path, home: Path, *, task: bool = True, **terms: Any) -> None:
        self.folder, self.home = folder, home
        self.data = folder / ".ml-intern"
        if task:
            on_file(folder, **{"spend_cap_usd": 100, **terms})

    def fire(self, point: str, event: dict[str, Any] | bytes, *, cold: bool = False, **environment: str) -> dict[str, Any] | None:
        """The answer of a hook point; fails where that is not one JSON object or nothing."""
        if isinstance(event, dict):
            event = json.dumps({"session_id": "session-1", "cwd": str(self.folder), **event}).encode()
        code, stdout, stderr = fired(point, event, self.home, self.folder, cold=cold, **environment)
        assert (code, stderr) == (0, b"")
        if not stdout:
            return None
        answer = json.loads(stdout)
        assert isinstance(answer, dict), answer
        return answer

    def context(self, point: str, event: dict[str, Any], **environment: str) -> str:
        """The context that the model gets, "" for none."""
        answer = self.fire(point, event, **environment)
        if answer is None:
            return ""
        found = answer["hookSpecificOutput"]
        assert set(found) == {"hookEventName", "additionalContext"}
        text: str = found["additionalContext"]
        return text

    def reserve(self, command: str = SUBMIT, *, usd: float = 6.0, call: str = "call-1", **changes: Any) -> Run:
        """A launch that the guard let pass."""
        fixed: dict[str, Any] = {"where": "jobs", "script": "train.py", "flavor": "a10g-large", "timeout_s": 14400.0}
        fixed |= {"usd_per_hour": 1.5, "ids": (("tool_use_id", call), ("session_id", "session-1")), **changes}
        cost = Cost(usd, "1.50 USD/h x 4 h") if fixed["where"] == "jobs" else ON_THIS_MACHINE
        path = self.data / "task.json"
        task = read_task(path) if path.exists() else None
        decision, run_id = launching.reserve(self.data, task, launching.Launch(command, **fixed), cost)
        assert run_id is not None, decision
        found = runs_of(self.data).get(run_id)
        assert found is not None
        return found

    def run(self, number: int = -1) -> Run:
        return runs_of(self.data).all[number]


def bash(command: str, output: str, *, call: str = "call-1", **more: Any) -> dict[str, Any]:
    """A Bash call that went well."""
    response = {"stdout": output, "stderr": "", "interrupted": False, "isImage": False, **more}
    event = {"hook_event_name": "PostToolUse", "tool_name": "Bash", "tool_input": {"command": command}, "tool_use_id": call}
    return {**event, "tool_response": response}


def failed(command: str, output: str, *, code: int = 1, call: str = "call-1") -> dict[str, Any]:
    """A Bash call that failed, as the client tells of it."""
    event = {"hook_event_name": "PostToolUseFailure", "tool_name": "Bash", "tool_input": {"command": command}}
    return {**event, "tool_use_id": call, "error": f"Exit code {code}\n{output}", "is_interrupt": False}


def read(path: str, content: str) -> dict[str, Any]:
    """A Read call."""
    response = {"type": "text", "file": {"filePath": path, "content": content}}
    event = {"hook_event_name": "PostToolUse", "tool_name": "Read", "tool_input": {"file_path": path}, "tool_use_id": "call-9"}
    return {**event, "tool_response": response}
