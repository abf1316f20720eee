"""Records in the ledger how launches went: the outcome of the launching call, and what later calls show of logs and job states.

The model reads one line for each change, and an explanation of a failure. A launch that passed was recorded before it started;
one that the user allowed when asked is recorded afterwards, so that its cost counts. Once a first job has been seen training, the
next one may start.
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
from ml_intern_helpers.guard.event import Call, ended_with, names_call
from ml_intern_helpers.guard.failure_diagnosis import Failure, diagnosed
from ml_intern_helpers.guard.jobs_output import Started
from ml_intern_helpers.runs import launching, project_files, settlement, single_job_rule
from ml_intern_helpers.runs.contract import task_for
from ml_intern_helpers.runs.run_record import ESTIMATED, Run, runs_of
from ml_intern_helpers.runs.settlement import STATES, estimate
from ml_intern_helpers.runs.spend import Cost
from ml_intern_helpers.runs.timestamps import now, stamp

if TYPE_CHECKING:
    from ml_intern_helpers.preflight.launch_check import ExaminedLaunch

#: Commands that may end while the program that they started continues.
_LEFT_BEHIND = re.compile(r"\b(?:nohup|setsid|disown|tmux|screen|sbatch)\b|(?<![&>|])&(?![&>\d])\s*(?:$|[\n;)]|\w)")
_REDIRECT = re.compile(r"(?:(?<![<&\d])[12&]?>{1,2}\|?\s*|\btee\s+(?:-a\s+)?)([\w./~-]{1,400})")
_NOT_SUBMITTED = "it was not submitted"


def record_launch(call: Call, folders: list[str], folder: str | None) -> list[str]:
    """Record what `call` did; returns the lines for the model.

    Args:
        call: a Bash call that may have launched something.
        folders: the folders of the event.
        folder: the `.ml-intern` that has a ledger, None without one.
    """
    gc.disable()  # collections would only cost time: syntax trees stay alive
    home = Path(folder) if folder is not None else project_files.home(*map(Path, folders))
    runs = _unsettled_runs(home, call)
    was_checked = names_call(str(home), "guard.log", call.id)
    examined = examined_in(call.command) if call.failed or (not runs and was_checked) else []
    if not runs and examined and was_checked:
        runs = _record_afterwards(home, examined, call)
    lines = _record_outcome(home, runs, call) if runs else []
    return lines + (_failure_explained(call, examined, runs) if call.failed and not call.interrupted else [])


def _unsettled_runs(home: Path, call: Call) -> list[Run]:
    """The runs of this call whose outcome is not recorded yet, including any that were released too early."""
    if not call.id or not home.is_dir():
        return []
    runs = runs_of(home).all
    return [run for run in runs if run.text("tool_use_id") == call.id and run.state in ("reserved", "released")]


def examined_in(command: str) -> list[ExaminedLaunch]:
    """The launches in a command with the current content of their scripts; empty if they cannot be read."""
    from ml_intern_helpers.launches.find import launches_of
    from ml_intern_helpers.preflight.launch_check import examine_launches

    try:
        return examine_launches([launch for launch in launches_of(command, Path.cwd()) if not launch.dry])
    except (ToolError, RecursionError, OSError):
        return []


def _record_afterwards(home: Path, examined: list[ExaminedLaunch], call: Call) -> list[Run]:
    """Record launches that the user allowed and that were therefore not recorded before they started."""
    from ml_intern_helpers.guard.holds import cost_of, ledger_entry

    ids: dict[str, object] = {"tool_use_id": call.id, "session_id": call.session}
    task = task_for(home.parent)
    if jobs_output.started(call.command, call.output):  # submitted by `$CMD` or by a script that was not read
        for each in examined:
            each.launch.mode = "jobs" if each.launch.target.kind == "unknown" else each.launch.mode
    recordable = [each for each in examined if each.launch.mode == "jobs" or each.trains]
    names = [launching.launched(home, task, ledger_entry(each, ids), cost_of(each)) for each in recordable]
    return [run for run in runs_of(home).all if run.id in names]


def _record_outcome(home: Path, runs: list[Run], call: Call) -> list[str]:
    """Record the outcome of each run. A loop was reserved as one run; its cost is divided among the jobs that it submitted."""
    paid = [run for run in runs if run.paid]
    jobs_of: dict[str, list[Started]] = {run.id: [] for run in runs}
    for position, job in enumerate(jobs_output.started(call.command, call.output) if paid else []):
        jobs_of[paid[min(position, len(paid) - 1)].id].append(job)  # further jobs belong to the last run
    lines: list[str] = []
    for run in runs:
        jobs, reserved = jobs_of[run.id], run.figure("reserved_usd")
        changes = _changes_of(run, jobs[0] if jobs else None, call)
        share = {"reserved_usd": round(reserved / len(jobs), 4)} if len(jobs) > 1 and reserved is not None else {}
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


def _failure_explained(call: Call, examined: list[ExaminedLaunch], runs: list[Run]) -> list[str]:
    """The explanation of a failure; for a script that trains nothing, only of wrong names and arguments."""
    if not examined and not runs:
        return []
    main_launch = next((each for each in examined if each.trains), examined[0] if examined else None)
    jobs = any(run.paid for run in runs) or (main_launch is not None and main_launch.launch.mode == "jobs")
    trains = bool(runs) or jobs or (main_launch is not None and main_launch.trains)
    explanation = diagnosed(Failure(call.output, call.exit_code, main_launch, "jobs" if jobs else "local"), only_api=not trains)
    return [f"ml-intern: {explanation[0]}", *explanation[1:]] if explanation else []


def _changes_of(run: Run, job: Started | None, call: Call) -> dict[str, Any]:
    """The ledger's entries: state, job, exit code, where its output goes, whether it was seen training."""
    changes: dict[str, Any] = {"exit_code": call.exit_code} if call.exit_code is not None else {}
    if call.background:
        changes["background_task"] = call.background
    logs = {name for name in _REDIRECT.findall(call.command) if name not in ("/dev/null", "1", "2")}
    if len(logs) == 1:
        changes["log"] = os.path.realpath(os.path.expanduser(logs.pop()))
    if not run.paid:
        changes["state"] = _local_state(call)
    elif job is None:
        changes |= _without_job(call)
    else:
        state = STATES.get(jobs_output.ends(call.output).get(job.id, "RUNNING"), "running")
        changes |= {"state": state, "job_id": job.id} | (estimate(run, now()) if state != "running" else {})
        changes |= {"url": clean(job.url, limit=300)} if job.url else {}
        changes |= {"account": job.account} if job.account else {}
    seen = single_job_rule.seen_training(call.output)
    if seen is not None and seen.sound and (job is not None or not run.paid):
        changes |= {"trained_at": stamp(now()), "trained_seen": seen.how}
    return changes


def _without_job(call: Call) -> dict[str, Any]:
    """The changes when the output names no job: it was not submitted, or its state is unknown and the reservation stays."""
    schedules = jobs_output.schedules(call.output)
    if schedules:  # the number of its jobs is unknown, and none of them can be observed
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
    """One line about the submitted jobs; none for a run on this machine, whose output the model has already read."""
    if not run.paid:
        return []
    if not jobs:
        return [_without_job_explained(run, changes)]
    reserved, spent, state = run.figure("reserved_usd"), changes.get("settled_usd"), changes["state"]
    money = f"at most {reserved:.2f} USD are reserved" if reserved is not None else "its highest possible cost is unknown"
    money = f"it cost at most {spent:.2f} USD" if spent is not None else money
    names = "; ".join(f"{job.id} {clean(job.url, limit=200)}".strip() for job in jobs[:5])
    further = f" and {len(jobs) - 5} more" if len(jobs) > 5 else ""
    line = f"ml-intern: job{'s' if len(jobs) > 1 else ''} {names}{further}: {state}, on file as {run.id}; {money}."
    if state == "running" and "trained_at" not in changes and run.values.get("trains") is not False:
        line += f" Check that it trains (`hf jobs logs {jobs[0].id}`) before you submit a second job."
    return [line]


def _without_job_explained(run: Run, changes: dict[str, Any]) -> str:
    if "schedule_id" in changes:
        schedule = changes["schedule_id"]
        return (
            f"ml-intern: schedule {schedule} starts the job repeatedly, without a limit on its cost. "
            f"`hf jobs scheduled delete {schedule}` ends it."
        )
    if changes["state"] == "failed":
        return f"ml-intern: no job was submitted ({run.id}); its reservation is released."
    if "background_task" in changes:
        return (
            f"ml-intern: {run.id} is being submitted in the background. Read its output for the job id, which is then recorded."
        )
    return (
        f"ml-intern: the output names no job id ({run.id}), so the reservation stays. `hf jobs ps` shows whether it was "
        f"submitted. If not, release it: `budget --apply-release {run.id} --reason …`."
    )


#: Commands of the `hf` client that show a job's log or its state.
_LOG_COMMAND = re.compile(r"\bhf\s+jobs\s+logs\b")
_STATE_COMMANDS = re.compile(r"\bhf\s+jobs\s+(?:inspect|ps|ls|list|wait)\b")
_ENDINGS = {"failed": "failed", "stopped": "been stopped"}
_WORD = re.compile(r"""[^\s'"|;&<>()]+""")


def record_observations(call: Call, folder: str, folders: list[str]) -> list[str]:
    """Record what `call` shows of the runs in `folder`; returns the lines for the model."""
    home = Path(folder)
    lines: list[str] = []
    for run in runs_of(home).all:
        if run.state != "released" and not (run.finished and run.settled and run.text("trained_at") and not run.estimated):
            lines += _observe(run, call, home, folders)
    return lines


def _observe(run: Run, call: Call, home: Path, folders: list[str]) -> list[str]:
    changes: dict[str, Any] = {}
    job_id = run.text("job_id")
    is_log = _is_its_log(run, call, folders)
    if is_log and run.paid and not job_id and run.text("background_task"):
        changes |= _submitted(run, call)
    if is_log:
        changes |= _changes_from_log(run, call)
    if job_id and call.tool == "Bash":
        changes |= _changes_from_state(run, call)
    changes = {name: value for name, value in changes.items() if run.values.get(name) != value}
    if changes:
        launching.tell(home, run.id, **changes)
    return [*_lines_on(run, changes), *(_error_explained(run, call, changes) if is_log else [])]


def _submitted(run: Run, call: Call) -> dict[str, Any]:
    """The id and URL of a job that was submitted in the background, read from the output."""
    jobs = jobs_output.started(call.command, call.output)
    if len(jobs) != 1:
        return {}
    named = {"job_id": jobs[0].id, "url": jobs[0].url, "account": jobs[0].account}
    return {name: value for name, value in named.items() if value} | _ended(run, jobs[0].id, call)


def _ended(run: Run, job_id: str, call: Call) -> dict[str, Any]:
    """The state and highest possible cost if the output of an attached run reports its end."""
    state = STATES.get(jobs_output.ends(call.output).get(job_id, ""))
    return {"state": state, **estimate(run, now())} if state is not None else {}


def _is_its_log(run: Run, call: Call, folders: list[str]) -> bool:
    """Whether `call` shows the output of this run and of no other."""
    job_id = run.text("job_id")
    if call.tool == "Bash" and _LOG_COMMAND.search(call.command):
        named_jobs = set(re.findall(r"[0-9a-f]{20,40}", call.command))
        return bool(job_id) and named_jobs == {job_id}
    task, log = run.text("background_task"), run.text("log")
    for path in [call.path] if call.tool == "Read" else _WORD.findall(call.command)[:200]:
        name = os.path.basename(path)
        if task and name == f"{task}.output":
            return True
        absolute = [os.path.realpath(os.path.join(folder, os.path.expanduser(path))) for folder in folders]
        if log and name == os.path.basename(log) and log in absolute:
            return True
    return False


def _changes_from_log(run: Run, call: Call) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    seen = single_job_rule.seen_training(call.output)
    if seen is not None and seen.sound and not run.text("trained_at"):
        changes |= {"trained_at": stamp(now()), "trained_seen": seen.how}
    code = ended_with(call.output)
    if code is not None and not run.paid and not run.finished:
        changes |= {"state": "failed" if code else "completed", "exit_code": code}
    # `hf jobs logs` shows only the script's output, which must not be read as the client's.
    if run.text("job_id") and not run.finished and not _LOG_COMMAND.search(call.command):
        changes |= _ended(run, run.text("job_id"), call)
    return changes


def _changes_from_state(run: Run, call: Call) -> dict[str, Any]:
    """The changes that the job's state shows, with its highest possible cost if it has ended after an unknown time."""
    job_id = run.text("job_id")
    cancelled = jobs_output.cancelled(call.command, call.output, job_id)
    if cancelled is not None and not call.failed and not run.finished:
        return {"state": "stopped"} | (estimate(run, now()) if cancelled else {})
    job = jobs_output.reported(job_id, call.output) if _STATE_COMMANDS.search(call.command) else None
    if job is None:
        return {}
    changes = settlement.settlement(run, job).changes()
    changes = {name: value for name, value in changes.items() if value is not None}
    if run.finished and changes["state"] == "running":  # an older line of the same output
        return {}
    if changes["state"] != "running" and "settled_usd" not in changes and not run.settled:
        changes |= estimate(run, now())
    seen = single_job_rule.seen_training(job=job)
    if seen is not None and not run.text("trained_at"):
        changes |= {"trained_at": stamp(now()), "trained_seen": seen.how}
    return changes


def _lines_on(run: Run, changes: dict[str, Any]) -> list[str]:
    """One line for each change: the job's id, that it was seen training, its end and its cost."""
    name = changes.get("job_id") or run.text("job_id") or run.id
    lines = []
    if "job_id" in changes:
        lines.append(f"ml-intern: {run.id} is job {name} {changes.get('url', '')}".strip() + ".")
    if "trained_at" in changes and run.paid and run.values.get("trains") is not False:
        lines.append(f"ml-intern: job {name} was seen training ({changes['trained_seen']}), so another may be submitted.")
    if changes.get("state") in ("failed", "stopped") and run.paid:
        spent, is_estimate = changes.get("settled_usd"), str(changes.get("settled_from", "")).startswith(ESTIMATED)
        money = "`budget --apply-hub` asks the Hub what it cost"
        if spent is not None:
            estimate_note = f"it cost at most {spent:.2f} USD, which is an estimate; {money}"
            money = estimate_note if is_estimate else f"it cost {spent:.2f} USD"
        log_hint = f"; `hf jobs logs {name}` shows why" if changes["state"] == "failed" else ""
        lines.append(f"ml-intern: job {name} has {_ENDINGS[changes['state']]}: {money}{log_hint}.")
    return lines


def _error_explained(run: Run, call: Call, changes: dict[str, Any]) -> list[str]:
    """The explanation of the error at the end of a log; empty if the run shows none."""
    tail = call.output[-20_000:]
    failed = run.state == "failed" or changes.get("state") == "failed" or "Traceback (most recent call last)" in tail
    seen = single_job_rule.seen_training(tail)
    if not failed and (seen is None or seen.sound):
        return []

    examined = examined_in(run.text("command")) if "out of memory" in tail.lower() or "OutOfMemory" in tail else []
    explanation = diagnosed(Failure(tail, ended_with(tail), next(iter(examined), None), "jobs" if run.paid else "local"))
    return [f"ml-intern: {explanation[0]}", *explanation[1:]] if explanation else []
