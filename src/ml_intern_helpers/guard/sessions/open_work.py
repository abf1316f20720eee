"""What is still open in a task: runs that nobody has seen the end of, and steps of the plan without a tick."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from ml_intern_helpers.core.errors import ToolError
from ml_intern_helpers.core.text import clean
from ml_intern_helpers.guard.call import ended_with
from ml_intern_helpers.guard.sessions.plan_steps import Plan
from ml_intern_helpers.runs import launching
from ml_intern_helpers.runs.contract import Task
from ml_intern_helpers.runs.run_record import Run, Runs, runs_of

#: Shown; the rest is counted.
MOST_STEPS, MOST_RUNS = 6, 5
_WIDE = 160


def runs_in(folder: Path) -> Runs:
    """The runs on file; none where the ledger cannot be read."""
    try:
        return runs_of(folder)
    except ToolError:
        return Runs()


def settle_ended(folder: Path, runs: Runs, event: dict[str, Any]) -> Runs:
    """Runs in the background of this session that are over: their state is put on file from the end of their output."""
    going = str(event.get("background_tasks"))
    changed = False
    for run in runs.all:
        task = run.text("background_task")
        if run.finished or run.paid or not task or task in going or run.text("session_id") != event.get("session_id"):
            continue
        code = _exit_code(task)
        if code is not None:
            launching.tell(folder, run.id, state="failed" if code else "completed", exit_code=code)
            changed = True
    return runs_in(folder) if changed else runs


def _exit_code(task: str) -> int | None:
    """Of a background task of this session; the client keeps its output beside the notes on what it started."""
    notes = os.environ.get("CLAUDE_CODE_CHILD_NOTES_DIR", "")
    path = os.path.join(os.path.dirname(notes), "tasks", f"{os.path.basename(task)}.output")
    if not notes or not os.path.isfile(path):
        return None
    with open(path, "rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - 4096))
        return ended_with(file.read(4096).decode("utf-8", "replace"))


def still_open(plan: Plan, runs: Runs, task: Task) -> list[str]:
    """What is not done, one line each: runs that nobody has seen the end of, then steps without a tick."""
    going = [run for run in runs.of_task(task.id) if not run.finished]
    lines = [line_of(run) for run in going[-MOST_RUNS:]]
    lines += [f"- [ ] {step}" for step in plan.open[:MOST_STEPS]]
    more = len(plan.open) - MOST_STEPS
    lines += [f"and {more} more steps in .ml-intern/plan.md"] if more > 0 else []
    return lines or ([] if plan.written else ["no plan yet: .ml-intern/plan.md with one `- [ ]` line for each step"])


def line_of(run: Run) -> str:
    """A run in one line: what, where, its state, where to look."""
    name = run.text("job_id") or run.text("script") or run.id
    seen = "seen training" if run.text("trained_at") else "not seen training yet"
    told = f"{run.state}, {seen}" if run.state == "running" and run.paid else run.state
    where = run.text("url") or run.text("log")
    return clean(f"run {name} ({'Jobs' if run.paid else 'here'}): {told}{f', {where}' if where else ''}", limit=_WIDE)
