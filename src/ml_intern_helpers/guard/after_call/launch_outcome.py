"""What a finished call says about one run that it launched: the changes for the ledger, and the line for the model."""

from __future__ import annotations

import os
import re
from typing import Any

from ml_intern_helpers.core.text import clean
from ml_intern_helpers.guard.after_call import jobs_output
from ml_intern_helpers.guard.after_call.jobs_output import Started
from ml_intern_helpers.guard.call import Call
from ml_intern_helpers.guard.failures import diagnosis
from ml_intern_helpers.runs import single_job_rule
from ml_intern_helpers.runs.run_record import Run
from ml_intern_helpers.runs.settlement import STATES, estimate
from ml_intern_helpers.runs.timestamps import now, stamp

#: The line has ended, what it started has not.
_LEFT_BEHIND = re.compile(r"\b(?:nohup|setsid|disown|tmux|screen|sbatch)\b|(?<![&>|])&(?![&>\d])\s*(?:$|[\n;)]|\w)")
_REDIRECT = re.compile(r"(?:(?<![<&\d])[12&]?>{1,2}\|?\s*|\btee\s+(?:-a\s+)?)([\w./~-]{1,400})")
_NOT_SUBMITTED = "it was not submitted"


def shared_out(mine: list[Run], jobs: list[Started]) -> list[tuple[Run, list[Started]]]:
    """Each run with its jobs, in order; what is left over belongs to the last one that submits (a loop)."""
    paid = [run for run in mine if run.paid]
    found: dict[str, list[Started]] = {run.id: [] for run in mine}
    for position, job in enumerate(jobs):
        if paid:
            found[paid[min(position, len(paid) - 1)].id].append(job)
    return [(run, found[run.id]) for run in mine]


def changes_of(run: Run, job: Started | None, call: Call) -> dict[str, Any]:
    """The ledger's entries: state, job, exit code, where its output goes, whether it was seen training."""
    found: dict[str, Any] = {"exit_code": call.exit_code} if call.exit_code is not None else {}
    if call.background:
        found["background_task"] = call.background
    log = _log_of(call.command)
    if log:
        found["log"] = log
    found |= _of_job(run, job, call) if run.paid else {"state": _local_state(call)}
    seen = single_job_rule.seen_training(call.output)
    if seen is not None and seen.sound and (job is not None or not run.paid):
        found |= {"trained_at": stamp(now()), "trained_seen": seen.how}
    return found


def _of_job(run: Run, job: Started | None, call: Call) -> dict[str, Any]:
    if job is None:
        return _without_job(call)
    state = STATES.get(jobs_output.ends(call.output).get(job.id, "RUNNING"), "running")
    found: dict[str, Any] = {"state": state, "job_id": job.id} | (estimate(run, now()) if state != "running" else {})
    found |= {"url": clean(job.url, limit=300)} if job.url else {}
    return found | ({"account": job.account} if job.account else {})


def _without_job(call: Call) -> dict[str, Any]:
    """No job was named: it was not submitted, or nobody can say so yet; then what is set aside for it stays so."""
    schedules = jobs_output.schedules(call.output)
    if schedules:  # no job to be seen training, and nobody knows how many there will be
        return {"state": "running", "schedule_id": schedules[0], "trains": False}
    unclear = not call.failed or call.cut_off or call.interrupted or diagnosis.kind_of(call.output) in ("connection", "time")
    if unclear:
        return {"state": "running"}
    return {"state": "failed", "settled_usd": 0.0, "settled_from": _NOT_SUBMITTED}


def _local_state(call: Call) -> str:
    if call.interrupted:
        return "stopped"
    if call.failed:
        return "failed"
    return "running" if call.background or _LEFT_BEHIND.search(call.command) else "completed"


def _log_of(command: str) -> str:
    """The file that a launch writes to, as an absolute path, "" where the line names none or several."""
    found = {name for name in _REDIRECT.findall(command) if name not in ("/dev/null", "1", "2")}
    return os.path.realpath(os.path.expanduser(found.pop())) if len(found) == 1 else ""


def explained(run: Run, jobs: list[Started], changes: dict[str, Any]) -> list[str]:
    """One line for a job; nothing for a run on this machine, whose output is there to be read."""
    if not run.paid:
        return []
    if not jobs:
        return _no_job(run, changes)
    aside, spent = run.figure("reserved_usd"), changes.get("settled_usd")
    money = f"at most {aside:.2f} USD are set aside" if aside is not None else "what it may cost at most is not known"
    money = f"it cost at most {spent:.2f} USD" if spent is not None else money
    names = "; ".join(f"{job.id} {clean(job.url, limit=200)}".strip() for job in jobs[:5])
    more = f" and {len(jobs) - 5} more" if len(jobs) > 5 else ""
    state = changes["state"]
    told = f"ml-intern: job{'s' if len(jobs) > 1 else ''} {names}{more}: {state}, on file as {run.id}; {money}"
    see = f"; see it train (`hf jobs logs {jobs[0].id}`) before a second" if _is_unseen(run, changes) else ""
    return [f"{told}{see}."]


def _is_unseen(run: Run, changes: dict[str, Any]) -> bool:
    return changes["state"] == "running" and "trained_at" not in changes and run.values.get("trains") is not False


def _no_job(run: Run, changes: dict[str, Any]) -> list[str]:
    if "schedule_id" in changes:
        end = f"`hf jobs scheduled delete {changes['schedule_id']}` ends it"
        return [f"ml-intern: schedule {changes['schedule_id']} starts it again and again, without a limit on its cost; {end}."]
    if changes["state"] == "failed":
        return [f"ml-intern: no job was submitted ({run.id}): what was set aside for it is free again."]
    if "background_task" in changes:
        return [
            f"ml-intern: {run.id} is being submitted in the background; read its output for the job's id, it is put on file then."
        ]
    return [
        f"ml-intern: no job id was seen ({run.id}); what was set aside stays so. `hf jobs ps` shows whether it was "
        f"submitted; if not: `budget --apply-release {run.id} --reason …`."
    ]
