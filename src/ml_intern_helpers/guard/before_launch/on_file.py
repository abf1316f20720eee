"""Launches that pass are put on file before they start: money is set aside in the step that finds it free."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_intern_helpers.guard.before_launch.holds import Hold, State, cost_of, look_at, sha256_of
from ml_intern_helpers.runs import launching, single_job_rule
from ml_intern_helpers.runs.run_record import Runs, runs_of

if TYPE_CHECKING:
    from ml_intern_helpers.preflight.launch_check import Judged

#: A hook must not wait for another session's lock until the client gives up on it.
_LONGEST_WAIT_S = 2.0


def record_of(one: Judged, event: dict[str, object]) -> launching.Launch:
    """What the ledger keeps of a launch."""
    from ml_intern_helpers.preflight.launch_summary import fields_of_launch

    settings = fields_of_launch(one.examination.context)
    cost = settings["cost"] or {}
    ids = tuple((name, str(event[name])) for name in ("tool_use_id", "session_id") if isinstance(event.get(name), str))
    return launching.Launch(
        command=one.launch.text,
        where=one.launch.mode,
        script=one.launch.target.name,
        script_sha256=sha256_of(one),
        flavor=settings["flavor"],
        timeout_s=settings["timeout_s"],
        usd_per_hour=cost.get("usd_per_hour"),
        account=settings["namespace"],
        trains=one.trains and one.launch.mode == "jobs",  # one first is about jobs; this machine takes one at a time anyway
        smoke=bool(one.examination.context.smoke),
        ids=ids,
    )


def reserve(found: list[Judged], state: State, event: dict[str, object]) -> list[Hold]:
    """Put each on file; a hold for those that no longer fit, because another session was faster.

    Raises:
        BadData, Unavailable: the ledger cannot be read or written. A paid launch must then not go ahead.
    """
    if not state.folder.is_dir() and all(one.launch.mode != "jobs" for one in found):
        return []  # a run on this machine, outside any task of ours: nothing of ours is made there
    held, made = [], []
    for one in found:
        decision, run_id = launching.reserve(
            state.folder, state.task, record_of(one, event), cost_of(one), timeout_s=_LONGEST_WAIT_S
        )
        if run_id is None:
            held.append(Hold("SPEND", decision.reason, "wait for the other launch to be settled, or ask the user"))
        else:
            made.append(run_id)
    held += _overtaken(found, state, made)
    for run_id in made if held else []:
        launching.release(state.folder, run_id, "the line was held as a whole")
    return held


def _overtaken(found: list[Judged], state: State, made: list[str]) -> list[Hold]:
    """One first, between sessions: both saw no job before theirs, and the order of the ledger says whose was the first."""
    if not made or not any(one.trains and one.launch.mode == "jobs" for one in found):
        return []
    runs = runs_of(state.folder, state.at).all
    before = runs[: next((number for number, run in enumerate(runs) if run.id in made), len(runs))]
    first = single_job_rule.unproven(Runs(before), state.task_id)
    return [Hold("ONE_FIRST", "another session has just started a job of this task", look_at(first))] if first is not None else []
