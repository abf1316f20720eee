"""What became of a launch: job id and state on file, a line for the model, and what a failure means.

A launch that passed was put on file before it started. One that the user allowed when asked was not: it is put on file now, so
that its cost counts.
"""

from __future__ import annotations

import gc
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ml_intern_helpers.core.errors import ToolError
from ml_intern_helpers.core.text import clean
from ml_intern_helpers.guard import failure_diagnosis, jobs_output
from ml_intern_helpers.guard.event import Call, names_call
from ml_intern_helpers.guard.failure_diagnosis import Failure, diagnosed
from ml_intern_helpers.guard.jobs_output import Started
from ml_intern_helpers.runs import launching, project_files, single_job_rule
from ml_intern_helpers.runs.contract import task_for
from ml_intern_helpers.runs.run_record import Run, runs_of
from ml_intern_helpers.runs.settlement import STATES, estimate
from ml_intern_helpers.runs.spend import Cost
from ml_intern_helpers.runs.timestamps import now, stamp

if TYPE_CHECKING:
    from ml_intern_helpers.preflight.launch_check import Judged

#: The command has ended, what it started has not.
_LEFT_BEHIND = re.compile(r"\b(?:nohup|setsid|disown|tmux|screen|sbatch)\b|(?<![&>|])&(?![&>\d])\s*(?:$|[\n;)]|\w)")
_REDIRECT = re.compile(r"(?:(?<![<&\d])[12&]?>{1,2}\|?\s*|\btee\s+(?:-a\s+)?)([\w./~-]{1,400})")
_NOT_SUBMITTED = "it was not submitted"


def recorded(call: Call, folders: list[str], folder: str | None) -> list[str]:
    """Put on file what `call` did; returns the lines for the model.

    Args:
        call: a Bash call that may have launched something.
        folders: the folders of the event.
        folder: the `.ml-intern` that has a ledger, None without one.
    """
    gc.disable()  # syntax trees are all live objects
    home = Path(folder) if folder is not None else project_files.home(*map(Path, folders))
    runs = _unsettled_runs(home, call)
    was_checked = names_call(str(home), "guard.log", call.id)
    judged = judged_in(call.command) if call.failed or (not runs and was_checked) else []
    if not runs and judged and was_checked:
        runs = _put_on_file(home, judged, call)
    lines = _record_outcome(home, runs, call) if runs else []
    return lines + (_meaning(call, judged, runs) if call.failed and not call.interrupted else [])


def _unsettled_runs(home: Path, call: Call) -> list[Run]:
    """The runs of this call of which nothing is known yet; one that was released too early is taken up again."""
    if not call.id or not home.is_dir():
        return []
    runs = runs_of(home).all
    return [run for run in runs if run.text("tool_use_id") == call.id and run.state in ("reserved", "released")]


def judged_in(command: str) -> list[Judged]:
    """The launches in a command with their scripts, as they are now; none where they cannot be read."""
    from ml_intern_helpers.launches.find import launches_of
    from ml_intern_helpers.preflight.launch_check import examined

    try:
        return examined([launch for launch in launches_of(command, Path.cwd()) if not launch.dry])
    except (ToolError, RecursionError, OSError):
        return []


def _put_on_file(home: Path, judged: list[Judged], call: Call) -> list[Run]:
    from ml_intern_helpers.guard.holds import cost_of
    from ml_intern_helpers.guard.reservation import ledger_entry

    ids: dict[str, object] = {"tool_use_id": call.id, "session_id": call.session}
    task = task_for(home.parent)
    if jobs_output.started(call.command, call.output):  # `$CMD`, or a script that nobody has read, has submitted them
        for each in judged:
            each.launch.mode = "jobs" if each.launch.target.kind == "unknown" else each.launch.mode
    wanted = [each for each in judged if each.launch.mode == "jobs" or each.trains]
    names = [launching.launched(home, task, ledger_entry(each, ids), cost_of(each)) for each in wanted]
    return [run for run in runs_of(home).all if run.id in names]


def _record_outcome(home: Path, runs: list[Run], call: Call) -> list[str]:
    """Tell the ledger what became of each run; a loop was reserved as one run, and each of its jobs then bears its share."""
    paid = [run for run in runs if run.paid]
    jobs_of: dict[str, list[Started]] = {run.id: [] for run in runs}
    for position, job in enumerate(jobs_output.started(call.command, call.output) if paid else []):
        jobs_of[paid[min(position, len(paid) - 1)].id].append(job)  # what is left over belongs to the last one that submits
    lines: list[str] = []
    for run in runs:
        jobs, whole = jobs_of[run.id], run.figure("reserved_usd")
        changes = _changes_of(run, jobs[0] if jobs else None, call)
        share = {"reserved_usd": round(whole / len(jobs), 4)} if len(jobs) > 1 and whole is not None else {}
        launching.tell(home, run.id, **changes, **share)
        for job in jobs[1:]:
            cost = Cost(share.get("reserved_usd"), run.text("estimate"))
            launching.launched(home, task_for(home.parent), _same_launch(run, call), cost, **_changes_of(run, job, call))
        lines += _explained(run, jobs, changes)
    return lines


def _same_launch(run: Run, call: Call) -> launching.Launch:
    return launching.Launch(
        command=run.text("command"),
        where="jobs",
        script=run.text("script"),
        script_sha256=run.text("script_sha256"),
        flavor=run.text("flavor") or None,
        timeout_s=run.figure("timeout_s"),
        usd_per_hour=run.figure("usd_per_hour"),
        account=run.text("account") or None,
        trains=run.values.get("trains") is not False,
        smoke=run.values.get("smoke") is True,
        ids=(("tool_use_id", call.id), ("session_id", call.session)),
    )


def _meaning(call: Call, judged: list[Judged], mine: list[Run]) -> list[str]:
    """What the failure means; for a script that trains nothing only wrong names and arguments are explained."""
    if not judged and not mine:
        return []
    main = next((each for each in judged if each.trains), judged[0] if judged else None)
    jobs = any(run.paid for run in mine) or (main is not None and main.launch.mode == "jobs")
    trains = bool(mine) or jobs or (main is not None and main.trains)
    failure = Failure(call.output, call.exit_code, main, "jobs" if jobs else "local")
    found = diagnosed(failure, only_api=not trains)
    return [f"ml-intern: {found[0]}", *found[1:]] if found else []


def _changes_of(run: Run, job: Started | None, call: Call) -> dict[str, Any]:
    """The ledger's entries: state, job, exit code, where its output goes, whether it was seen training."""
    found: dict[str, Any] = {"exit_code": call.exit_code} if call.exit_code is not None else {}
    if call.background:
        found["background_task"] = call.background
    logs = {name for name in _REDIRECT.findall(call.command) if name not in ("/dev/null", "1", "2")}
    if len(logs) == 1:
        found["log"] = os.path.realpath(os.path.expanduser(logs.pop()))
    if not run.paid:
        found["state"] = _local_state(call)
    elif job is None:
        found |= _without_job(call)
    else:
        state = STATES.get(jobs_output.ends(call.output).get(job.id, "RUNNING"), "running")
        found |= {"state": state, "job_id": job.id} | (estimate(run, now()) if state != "running" else {})
        found |= {"url": clean(job.url, limit=300)} if job.url else {}
        found |= {"account": job.account} if job.account else {}
    seen = single_job_rule.seen_training(call.output)
    if seen is not None and seen.sound and (job is not None or not run.paid):
        found |= {"trained_at": stamp(now()), "trained_seen": seen.how}
    return found


def _without_job(call: Call) -> dict[str, Any]:
    """No job was named: it was not submitted, or nobody can say so yet; then its reservation stays."""
    schedules = jobs_output.schedules(call.output)
    if schedules:  # no job can be seen training, and nobody knows how many there will be
        return {"state": "running", "schedule_id": schedules[0], "trains": False}
    unclear = (
        not call.failed or call.cut_off or call.interrupted or failure_diagnosis.kind_of(call.output) in ("connection", "time")
    )
    if unclear:
        return {"state": "running"}
    return {"state": "failed", "settled_usd": 0.0, "settled_from": _NOT_SUBMITTED}


def _local_state(call: Call) -> str:
    if call.interrupted:
        return "stopped"
    if call.failed:
        return "failed"
    return "running" if call.background or _LEFT_BEHIND.search(call.command) else "completed"


def _explained(run: Run, jobs: list[Started], changes: dict[str, Any]) -> list[str]:
    """One line for a job; nothing for a run on this machine, whose output is there to be read."""
    if not run.paid:
        return []
    if not jobs:
        return [_without_job_explained(run, changes)]
    reserved, spent, state = run.figure("reserved_usd"), changes.get("settled_usd"), changes["state"]
    money = f"at most {reserved:.2f} USD are set aside" if reserved is not None else "its highest possible cost is unknown"
    money = f"it cost at most {spent:.2f} USD" if spent is not None else money
    names = "; ".join(f"{job.id} {clean(job.url, limit=200)}".strip() for job in jobs[:5])
    more = f" and {len(jobs) - 5} more" if len(jobs) > 5 else ""
    line = f"ml-intern: job{'s' if len(jobs) > 1 else ''} {names}{more}: {state}, on file as {run.id}; {money}."
    if state == "running" and "trained_at" not in changes and run.values.get("trains") is not False:
        line += f" See it train (`hf jobs logs {jobs[0].id}`) before you submit a second job."
    return [line]


def _without_job_explained(run: Run, changes: dict[str, Any]) -> str:
    if "schedule_id" in changes:
        schedule = changes["schedule_id"]
        return (
            f"ml-intern: schedule {schedule} starts the job again and again, without a limit on its cost. "
            f"`hf jobs scheduled delete {schedule}` ends it."
        )
    if changes["state"] == "failed":
        return f"ml-intern: no job was submitted ({run.id}); its reservation is released."
    if "background_task" in changes:
        return (
            f"ml-intern: {run.id} is being submitted in the background. Read its output for the job id, which is then recorded."
        )
    return (
        f"ml-intern: no job id was seen ({run.id}), so its reservation stays. `hf jobs ps` shows whether it was submitted; "
        f"if it was not, `budget --apply-release {run.id} --reason …`."
    )
