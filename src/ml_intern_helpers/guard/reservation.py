"""Puts launches that pass on file before they start: money is set aside in the same step that finds it free."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_intern_helpers.guard.holds import Hold, State, cost_of, look_at, sha256_of
from ml_intern_helpers.runs import launching, single_job_rule
from ml_intern_helpers.runs.run_record import Runs, runs_of

if TYPE_CHECKING:
    from ml_intern_helpers.preflight.launch_check import Judged

#: A hook must not wait for another session's lock until the client gives up on it.
_LONGEST_WAIT_S = 2.0


def ledger_entry(judged: Judged, event: dict[str, object]) -> launching.Launch:
    """What the ledger keeps of a launch."""
    from ml_intern_helpers.preflight.launch_check import fields_of_launch

    settings = fields_of_launch(judged.examination.context)
    cost = settings["cost"] or {}
    ids = tuple((name, str(event[name])) for name in ("tool_use_id", "session_id") if isinstance(event.get(name), str))
    return launching.Launch(
        command=judged.launch.text,
        where=judged.launch.mode,
        script=judged.launch.target.name,
        script_sha256=sha256_of(judged),
        flavor=settings["flavor"],
        timeout_s=settings["timeout_s"],
        usd_per_hour=cost.get("usd_per_hour"),
        account=settings["namespace"],
        trains=judged.trains and judged.launch.mode == "jobs",  # the single-job rule is about jobs only
        smoke=bool(judged.examination.context.smoke),
        ids=ids,
    )


def reserve(launches: list[Judged], state: State, event: dict[str, object]) -> list[Hold]:
    """Put each launch on file; returns a hold for those that no longer fit because another session was faster.

    Raises:
        BadData, Unavailable: the ledger cannot be read or written. A paid launch must then not go ahead.
    """
    if not state.folder.is_dir() and all(judged.launch.mode != "jobs" for judged in launches):
        return []  # a run on this machine, outside any task of ours: no folder is made for it
    held, reserved = [], []
    for judged in launches:
        entry, cost = ledger_entry(judged, event), cost_of(judged)
        decision, run_id = launching.reserve(state.folder, state.task, entry, cost, timeout_s=_LONGEST_WAIT_S)
        if run_id is None:
            held.append(Hold("SPEND", decision.reason, "wait until the other launch is settled, or ask the user"))
        else:
            reserved.append(run_id)
    if reserved and any(judged.trains and judged.launch.mode == "jobs" for judged in launches):
        # Both sessions saw no job before theirs; the order of the ledger says whose was the first.
        runs = runs_of(state.folder, state.at).all
        before = runs[: next((number for number, run in enumerate(runs) if run.id in reserved), len(runs))]
        first = single_job_rule.unproven(Runs(before), state.task_id)
        if first is not None:
            held.append(Hold("ONE_FIRST", "another session has just started a job of this task", look_at(first)))
    for run_id in reserved if held else []:
        launching.release(state.folder, run_id, "the line was held as a whole")
    return held
