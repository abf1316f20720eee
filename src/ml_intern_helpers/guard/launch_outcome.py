"""What became of a launch: job id and state on file, a line for the model, and what a failure means.

A launch that passed the guard was put on file before it started. One that the user allowed when asked was not: it is put
there now, so that what it costs counts.
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
from ml_intern_helpers.guard.event import Call, speaks_of
from ml_intern_helpers.guard.failure_diagnosis import Failure, diagnosed
from ml_intern_helpers.guard.jobs_output import Started
from ml_intern_helpers.runs import launching, project_files, single_job_rule
from ml_intern_helpers.runs.contract import task_for
from ml_intern_helpers.runs.run_record import Run, runs_of
from ml_intern_helpers.runs.settlement import STATES, estimate
from ml_intern_helpers.runs.timestamps import now, stamp

if TYPE_CHECKING:
    from ml_intern_helpers.preflight.launch_check import Judged


def told(call: Call, where: list[str], folder: str | None) -> list[str]:
    """Put on file what `call` did; the lines that the model is told.

    Args:
        call: a Bash call that may have launched something.
        where: the folders of the event.
        folder: the `.ml-intern` that has a ledger, None without one.
    """
    gc.disable()  # syntax trees are all live objects
    home = Path(folder) if folder is not None else project_files.home(*map(Path, where))
    mine = _on_file(home, call)
    looked_at = speaks_of(str(home), "guard.log", call.id)
    judged = judged_in(call.command) if call.failed or (not mine and looked_at) else []
    if not mine and judged and looked_at:
        mine = _put_on_file(home, judged, call)
    lines = _noted(home, mine, call) if mine else []
    return lines + (_meaning(call, judged, mine) if call.failed and not call.interrupted else [])


def _on_file(home: Path, call: Call) -> list[Run]:
    """The runs of this call that nothing was said of yet; one that was given back too early is taken up again."""
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
    from ml_intern_helpers.guard.reservation import record_of

    ids: dict[str, object] = {"tool_use_id": call.id, "session_id": call.session}
    task = task_for(home.parent)
    if jobs_output.started(call.command, call.output):  # `$CMD`, or a script that was not looked at, has submitted them
        for one in judged:
            one.launch.mode = "jobs" if one.launch.target.kind == "unknown" else one.launch.mode
    wanted = [one for one in judged if one.launch.mode == "jobs" or one.trains]
    made = [launching.launched(home, task, record_of(one, ids), cost_of(one)) for one in wanted]
    return [run for run in runs_of(home).all if run.id in made]


def _noted(home: Path, mine: list[Run], call: Call) -> list[str]:
    jobs = jobs_output.started(call.command, call.output)
    lines: list[str] = []
    for run, its in shared_out(mine, jobs):
        changes = changes_of(run, its[0] if its else None, call)
        launching.tell(home, run.id, **_with_share(changes, run, len(its)))
        for job in its[1:]:
            _another(home, run, job, len(its), call)
        lines += explained(run, its, changes)
    return lines


def _with_share(changes: dict[str, Any], run: Run, count: int) -> dict[str, Any]:
    """A loop is put aside as one run; each of its jobs then bears its part."""
    whole = run.figure("reserved_usd")
    return {**changes, "reserved_usd": round(whole / count, 4)} if count > 1 and whole is not None else changes


def _another(home: Path, run: Run, job: jobs_output.Started, count: int, call: Call) -> None:
    from ml_intern_helpers.runs.spend import Cost

    whole = run.figure("reserved_usd")
    cost = Cost(round(whole / count, 4) if whole is not None else None, run.text("estimate"))
    launch = launching.Launch(
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
    launching.launched(home, task_for(home.parent), launch, cost, **changes_of(run, job, call))


def _meaning(call: Call, judged: list[Judged], mine: list[Run]) -> list[str]:
    """What the failure means; of a script that trains nothing only wrong names and arguments are our business."""
    if not judged and not mine:
        return []
    main = next((one for one in judged if one.trains), judged[0] if judged else None)
    jobs = any(run.paid for run in mine) or (main is not None and main.launch.mode == "jobs")
    trains = bool(mine) or jobs or (main is not None and main.trains)
    failure = Failure(call.output, call.exit_code, main, "jobs" if jobs else "local")
    found = diagnosed(failure, only_api=not trains)
    return [f"ml-intern: {found[0]}", *found[1:]] if found else []


# MERGED ml_intern_helpers.guard.launch_outcome: What a finished call says about one run that it launched: the changes for the ledger, and the line for the model.

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
