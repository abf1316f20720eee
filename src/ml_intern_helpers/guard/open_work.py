"""Describes what is still open in a task: its terms, money and time, runs without a recorded end, steps of the plan."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from ml_intern_helpers.core.errors import ToolError
from ml_intern_helpers.core.text import clean
from ml_intern_helpers.guard.event import ended_with
from ml_intern_helpers.guard.permission_denied import release_refused
from ml_intern_helpers.runs import launching, spend
from ml_intern_helpers.runs.contract import Task, read_task
from ml_intern_helpers.runs.run_record import Run, Runs, runs_of
from ml_intern_helpers.runs.timestamps import now, span

#: The most steps and runs that are listed; further ones are only counted.
_MOST_STEPS, _MOST_RUNS = 6, 5
_WIDE = 160
_MOST_PLAN_BYTES = 256 * 1024
_STEP = re.compile(r"^\s*(?:[-*+]|\d+[.)])\s+\[([ xX~-])\]\s+(.+)$", re.MULTILINE)


class Plan(NamedTuple):
    """The steps of `.ml-intern/plan.md` in their order; `written` is False where there is no plan."""

    open: tuple[str, ...] = ()
    done: tuple[str, ...] = ()
    written: bool = False


def plan_in(folder: Path) -> Plan:
    """The plan in `folder` (`.ml-intern`). A step that was given up (`[-]`, `[~]`) is not open."""
    try:
        with (folder / "plan.md").open("rb") as file:
            text = file.read(_MOST_PLAN_BYTES).decode("utf-8", "replace")
    except OSError:
        return Plan()
    steps = [(match[1], clean(match[2], limit=120)) for match in _STEP.finditer(text)]
    return Plan(tuple(step for mark, step in steps if mark == " "), tuple(step for mark, step in steps if mark in "xX"), True)


def runs_in(folder: Path) -> Runs:
    """The runs on file; none where the ledger cannot be read."""
    try:
        return runs_of(folder)
    except ToolError:
        return Runs()


def settle_ended(folder: Path, runs: Runs, event: dict[str, Any]) -> Runs:
    """Record the ends of this session's background runs, read from the ends of their output files; return the current runs."""
    still_running = str(event.get("background_tasks"))
    changed = False
    for run in runs.all:
        task = run.text("background_task")
        if run.finished or run.paid or not task or task in still_running or run.text("session_id") != event.get("session_id"):
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
    """What is not done, one line each: runs without a recorded end, then unticked steps."""
    unfinished = [run for run in runs.of_task(task.id) if not run.finished]
    lines = [_line_of(run) for run in unfinished[-_MOST_RUNS:]]
    lines += [f"- [ ] {step}" for step in plan.open[:_MOST_STEPS]]
    if len(plan.open) > _MOST_STEPS:
        lines.append(f"and {len(plan.open) - _MOST_STEPS} more steps in .ml-intern/plan.md")
    if not lines and not plan.written:
        lines.append("There is no plan yet: write .ml-intern/plan.md with one `- [ ]` line for each step.")
    return lines


def _line_of(run: Run) -> str:
    """A run in one line: its name, place, state, and its URL or log."""
    name = run.text("job_id") or run.text("script") or run.id
    progress = "seen training" if run.text("trained_at") else "not seen training yet"
    state = f"{run.state}, {progress}" if run.state == "running" and run.paid else run.state
    where = run.text("url") or run.text("log")
    return clean(f"run {name} ({'Jobs' if run.paid else 'here'}): {state}{f', {where}' if where else ''}", limit=_WIDE)


def state_screen(name: str, event: dict[str, Any]) -> str:
    """The state of the open task in folder `name`, at most about twenty lines; "" where no task is open there."""
    folder = Path(name)
    task = read_task(folder / "task.json")
    if not task.open:
        return ""
    release_refused(event)
    return "\n".join(_screen(task, runs_in(folder), plan_in(folder), now()))


def _screen(task: Task, runs: Runs, plan: Plan, at: datetime) -> Iterator[str]:
    datasets = task.usable("datasets") or []
    more_datasets = f" and {len(datasets) - 3} more" if len(datasets) > 3 else ""
    data = ", ".join(clean(dataset.get("id"), limit=80) for dataset in datasets[:3]) + more_datasets or "?"
    model = clean(task.usable("base_model", "id") or "?", limit=80)
    yield f"ml-intern: a task is open here ({task.path}). Its terms still hold; `task show` prints all of them."
    yield f"request: {_term(task, 'request', limit=300)}"
    yield f"terms: {_term(task, 'method')} ({_term(task, 'adapter')}) of {model} on {data}, {_term(task, 'where')}"
    yield f"sizes: max_length {_term(task, 'max_length')}, effective batch {_term(task, 'effective_batch')}"
    yield f"money: {_money(task, runs, at)}; time: {_time(task, at)}"
    task_runs = runs.of_task(task.id)
    yield f"runs: {len(task_runs)} on file" + (f", the last {min(len(task_runs), _MOST_RUNS)}:" if task_runs else "")
    for run in task_runs[-_MOST_RUNS:]:
        yield f"  {_line_of(run)}"
        if run.state == "reserved":
            release = f"budget --apply-release {run.id} --reason …"
            yield f"    It is not known whether it started: see `hf jobs ps`; if it is not there, release it: `{release}`."
    if not plan.written:
        yield "plan: there is no .ml-intern/plan.md"
        return
    yield f"plan: {len(plan.done)} steps done, {len(plan.open)} open" + (":" if plan.open else "")
    yield from (f"  - [ ] {step}" for step in plan.open[:_MOST_STEPS])
    if len(plan.open) > _MOST_STEPS:
        yield f"  and {len(plan.open) - _MOST_STEPS} more"


def _money(task: Task, runs: Runs, at: datetime) -> str:
    limit, _ = spend.limits(task, runs, at)
    if limit is None:
        return "no paid job was agreed"
    unknown = f", the cost of {limit.unknown} runs is unknown" if limit.unknown else ""
    parts = f"{limit.settled_usd:.2f} spent, {limit.reserved_usd:.2f} reserved{unknown}"
    return f"{limit.left_usd:.2f} of {limit.cap_usd:.2f} USD left ({parts})"


def _time(task: Task, at: datetime) -> str:
    ends = task.ends_at
    if ends is None:
        return "no limit"
    left_s = (ends - at).total_seconds()
    return f"{span(left_s)} left" if left_s > 0 else f"over since {span(-left_s)}"


def _term(task: Task, name: str, limit: int = 80) -> str:
    value = task.usable(name)
    return clean(value, limit=limit) if value is not None else "none"
