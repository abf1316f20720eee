"""What became of a launch: job id and state on file, a line for the model, and what a failure means.

A launch that passed the guard was put on file before it started. One that the user allowed when asked was not: it is put
there now, so that what it costs counts.
"""

from __future__ import annotations

import gc
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ml_intern_helpers.core.errors import ToolError
from ml_intern_helpers.guard.after_call import jobs_output
from ml_intern_helpers.guard.after_call.launch_outcome import changes_of, explained, shared_out
from ml_intern_helpers.guard.call import Call
from ml_intern_helpers.guard.failures.diagnosis import diagnosed
from ml_intern_helpers.guard.failures.failure import Failure
from ml_intern_helpers.guard.near import speaks_of
from ml_intern_helpers.runs import launching, project_files
from ml_intern_helpers.runs.contract import task_for
from ml_intern_helpers.runs.run_record import Run, runs_of

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
    from ml_intern_helpers.guard.before_launch.holds import cost_of
    from ml_intern_helpers.guard.before_launch.on_file import record_of

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
