"""What Claude sees of a run is put on file: its log, the state of its job. A first job seen training lets the next one start."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from ml_intern_helpers.guard import jobs_output
from ml_intern_helpers.guard.event import Call, ended_with
from ml_intern_helpers.guard.failure_diagnosis import Failure, diagnosed
from ml_intern_helpers.runs import launching, settlement, single_job_rule
from ml_intern_helpers.runs.run_record import ESTIMATED, Run, runs_of
from ml_intern_helpers.runs.timestamps import now, stamp

_LOGS = re.compile(r"\bhf\s+jobs\s+logs\b")
_STATES = re.compile(r"\bhf\s+jobs\s+(?:inspect|ps|ls|list|wait)\b")
_ENDED = {"failed": "failed", "stopped": "been stopped"}
_WORD = re.compile(r"""[^\s'"|;&<>()]+""")


def recorded(call: Call, folder: str, folders: list[str]) -> list[str]:
    """Put on file what `call` shows of the runs in `folder`; returns the lines for the model."""
    home = Path(folder)
    lines: list[str] = []
    for run in runs_of(home).all:
        if run.state != "released" and not (run.finished and run.settled and run.text("trained_at") and not run.estimated):
            lines += _observed(run, call, home, folders)
    return lines


def _observed(run: Run, call: Call, home: Path, folders: list[str]) -> list[str]:
    changes: dict[str, Any] = {}
    job_id = run.text("job_id")
    is_log = _is_its_log(run, call, folders)
    if is_log and run.paid and not job_id and run.text("background_task"):
        changes |= _submitted(run, call)
    if is_log:
        changes |= _from_log(run, call)
    if job_id and call.tool == "Bash":
        changes |= _from_states(run, call)
    changes = {name: value for name, value in changes.items() if run.values.get(name) != value}
    if changes:
        launching.tell(home, run.id, **changes)
    return [*_lines(run, changes), *(_meaning(run, call, changes) if is_log else [])]


def _submitted(run: Run, call: Call) -> dict[str, Any]:
    """A job that was submitted in the background is named in the output."""
    jobs = jobs_output.started(call.command, call.output)
    if len(jobs) != 1:
        return {}
    named = {"job_id": jobs[0].id, "url": jobs[0].url, "account": jobs[0].account}
    return {name: value for name, value in named.items() if value} | _ended(run, jobs[0].id, call)


def _ended(run: Run, job_id: str, call: Call) -> dict[str, Any]:
    """What an attached run says at its end: the state, and the most it can have cost."""
    state = settlement.STATES.get(jobs_output.ends(call.output).get(job_id, ""))
    return {"state": state, **settlement.estimate(run, now())} if state is not None else {}


def _is_its_log(run: Run, call: Call, folders: list[str]) -> bool:
    """Whether `call` shows what this run has printed, and no other run."""
    job_id = run.text("job_id")
    if call.tool == "Bash" and _LOGS.search(call.command):
        asked = set(re.findall(r"[0-9a-f]{20,40}", call.command))
        return bool(job_id) and asked == {job_id}
    task, log = run.text("background_task"), run.text("log")
    for path in [call.path] if call.tool == "Read" else _WORD.findall(call.command)[:200]:
        name = os.path.basename(path)
        if task and name == f"{task}.output":
            return True
        absolute = [os.path.realpath(os.path.join(folder, os.path.expanduser(path))) for folder in folders]
        if log and name == os.path.basename(log) and log in absolute:
            return True
    return False


def _from_log(run: Run, call: Call) -> dict[str, Any]:
    found: dict[str, Any] = {}
    seen = single_job_rule.seen_training(call.output)
    if seen is not None and seen.sound and not run.text("trained_at"):
        found |= {"trained_at": stamp(now()), "trained_seen": seen.how}
    code = ended_with(call.output)
    if code is not None and not run.paid and not run.finished:
        found |= {"state": "failed" if code else "completed", "exit_code": code}
    if run.text("job_id") and not run.finished and not _LOGS.search(call.command):  # they show the script's output alone
        found |= _ended(run, run.text("job_id"), call)
    return found


def _from_states(run: Run, call: Call) -> dict[str, Any]:
    """What the job's state says; its highest possible cost where it has ended and nothing says how long it ran."""
    job_id = run.text("job_id")
    cancelled = jobs_output.cancelled(call.command, call.output, job_id)
    if cancelled is not None and not call.failed and not run.finished:
        return {"state": "stopped"} | (settlement.estimate(run, now()) if cancelled else {})
    job = jobs_output.reported(job_id, call.output) if _STATES.search(call.command) else None
    if job is None:
        return {}
    found = settlement.settlement(run, job).changes()
    found = {name: value for name, value in found.items() if value is not None}
    if run.finished and found["state"] == "running":  # an older line of the same output
        return {}
    if found["state"] != "running" and "settled_usd" not in found and not run.settled:
        found |= settlement.estimate(run, now())
    seen = single_job_rule.seen_training(job=job)
    if seen is not None and not run.text("trained_at"):
        found |= {"trained_at": stamp(now()), "trained_seen": seen.how}
    return found


def _lines(run: Run, changes: dict[str, Any]) -> list[str]:
    """What is new: its id, that it was seen training, that it has ended and what it cost."""
    name = changes.get("job_id") or run.text("job_id") or run.id
    found = []
    if "job_id" in changes:
        found.append(f"ml-intern: {run.id} is job {name} {changes.get('url', '')}".strip() + ".")
    if "trained_at" in changes and run.paid and run.values.get("trains") is not False:
        found.append(f"ml-intern: job {name} was seen training ({changes['trained_seen']}), so another may be submitted.")
    if changes.get("state") in ("failed", "stopped") and run.paid:
        spent, most = changes.get("settled_usd"), str(changes.get("settled_from", "")).startswith(ESTIMATED)
        money = "`budget --apply-hub` asks the Hub what it cost"
        if spent is not None:
            money = f"it cost at most {spent:.2f} USD, which is an estimate; {money}" if most else f"it cost {spent:.2f} USD"
        look = f"; `hf jobs logs {name}` shows why" if changes["state"] == "failed" else ""
        found.append(f"ml-intern: job {name} has {_ENDED[changes['state']]}: {money}{look}.")
    return found


def _meaning(run: Run, call: Call, changes: dict[str, Any]) -> list[str]:
    """What the error at the end of a log means; nothing for a run that goes well."""
    tail = call.output[-20_000:]
    failed = run.state == "failed" or changes.get("state") == "failed" or "Traceback (most recent call last)" in tail
    seen = single_job_rule.seen_training(tail)
    if not failed and (seen is None or seen.sound):
        return []
    from ml_intern_helpers.guard.launch_outcome import judged_in

    judged = judged_in(run.text("command")) if "out of memory" in tail.lower() or "OutOfMemory" in tail else []
    failure = Failure(tail, ended_with(tail), next(iter(judged), None), "jobs" if run.paid else "local")
    found = diagnosed(failure)
    return [f"ml-intern: {found[0]}", *found[1:]] if found else []
