"""The state of an open task on one screen, for a session that begins or is compacted: terms, money, time, runs, steps."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from ml_intern_helpers.core.text import clean
from ml_intern_helpers.guard.sessions.open_work import MOST_RUNS, MOST_STEPS, line_of
from ml_intern_helpers.guard.sessions.plan_steps import Plan
from ml_intern_helpers.runs import spend
from ml_intern_helpers.runs.contract import Task
from ml_intern_helpers.runs.run_record import Runs
from ml_intern_helpers.runs.timestamps import span


def screen(task: Task, runs: Runs, plan: Plan, at: datetime) -> str:
    """The state of an open task: terms, money, time, the last runs, the open steps; at most some twenty lines."""
    return "\n".join(_lines(task, runs, plan, at))


def _lines(task: Task, runs: Runs, plan: Plan, at: datetime) -> Iterator[str]:
    yield f"ml-intern: a task is open here ({task.path}). What was agreed stands; `task show` has all of it."
    yield f"request: {_said(task, 'request', limit=300)}"
    yield f"terms: {_said(task, 'method')} ({_said(task, 'adapter')}) of {_model(task)} on {_data(task)}, {_said(task, 'where')}"
    yield f"sizes: max_length {_said(task, 'max_length')}, effective batch {_said(task, 'effective_batch')}"
    yield f"money: {_money(task, runs, at)}; time: {_time(task, at)}"
    mine = runs.of_task(task.id)
    yield f"runs: {len(mine)} on file" + (f", the last {min(len(mine), MOST_RUNS)}:" if mine else "")
    for run in mine[-MOST_RUNS:]:
        yield f"  {line_of(run)}"
        if run.state == "reserved":
            yield f"    never seen to happen: look (`hf jobs ps`), else `budget --apply-release {run.id} --reason …`"
    yield from _steps(plan)


def _model(task: Task) -> str:
    return clean(task.usable("base_model", "id") or "?", limit=80)


def _data(task: Task) -> str:
    found = task.usable("datasets") or []
    more = f" and {len(found) - 3} more" if len(found) > 3 else ""
    return ", ".join(clean(one.get("id"), limit=80) for one in found[:3]) + more or "?"


def _steps(plan: Plan) -> Iterator[str]:
    if not plan.written:
        yield "plan: none in .ml-intern/plan.md"
        return
    yield f"plan: {len(plan.done)} steps done, {len(plan.open)} open" + (":" if plan.open else "")
    yield from (f"  - [ ] {step}" for step in plan.open[:MOST_STEPS])
    if len(plan.open) > MOST_STEPS:
        yield f"  and {len(plan.open) - MOST_STEPS} more"


def _money(task: Task, runs: Runs, at: datetime) -> str:
    whole, _ = spend.limits(task, runs, at)
    if whole is None:
        return "no paid job was agreed"
    doubt = f", {whole.unknown} runs cost nobody knows what" if whole.unknown else ""
    borne = f"{whole.settled_usd:.2f} spent, {whole.reserved_usd:.2f} set aside{doubt}"
    return f"{whole.left_usd:.2f} of {whole.cap_usd:.2f} USD left ({borne})"


def _time(task: Task, at: datetime) -> str:
    ends = task.ends_at
    if ends is None:
        return "no limit"
    left = (ends - at).total_seconds()
    return f"{span(left)} left" if left > 0 else f"over since {span(-left)}"


def _said(task: Task, name: str, limit: int = 80) -> str:
    value = task.usable(name)
    return clean(value, limit=limit) if value is not None else "none"
