"""Launches on this machine whose script, or whole command, is known to the shell alone: `python $SCRIPT`, `$(cat cmd)`.

They cost no money that anybody knows of, so they pass, but not unseen: Claude is told how to have them checked. Only where the
hidden command may be a paid one, under a task that allows money, the user is asked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_intern_helpers.guard.before_launch.holds import Hold
from ml_intern_helpers.guard.before_launch.weighing import UNSEEN
from ml_intern_helpers.launches.programs import HIDDEN

if TYPE_CHECKING:
    from ml_intern_helpers.guard.before_launch.holds import State
    from ml_intern_helpers.preflight.launch_check import Judged


def candidates(judged: list[Judged]) -> list[Judged]:
    """Those that nobody has looked at. A file that is not there is no launch: the shell says so itself."""
    local = [one for one in judged if one.launch.mode == "local" and not one.trains]
    missing = [any(problem.kind == "missing-file" for problem in one.launch.problems) for one in local]
    return [one for one, gone in zip(local, missing, strict=True) if one.launch.target.kind in UNSEEN and not gone]


def worth_a_word(found: list[Judged], state: State) -> list[Judged]:
    """Under an open task each; else only what trains for certain, by its launcher: the rest is not our business."""
    ours = state.task is not None and state.task.open
    return [one for one in found if ours or one.launch.distributed]


def held(found: list[Judged], state: State) -> list[Hold]:
    """A command of which nothing is known, where a paid job may be among what the task allows."""
    if state.task is None or not state.task.open or state.task.cap_usd <= 0:
        return []
    way_on = "write the command out, so that what it costs can be told"
    return [
        Hold("UNSEEN", f"what this starts could not be looked at, and it may be a paid job: {one.launch.target.reason}", way_on)
        for one in found
        if one.launch.launcher == HIDDEN
    ]


def advice(found: list[Judged]) -> str:
    """One line for the model; "" for none."""
    if not found:
        return ""
    why = found[0].launch.target.reason or "its script was not read"
    more = f", and {len(found) - 1} more" if len(found) > 1 else ""
    way_on = "if it trains, name a script of this folder on the line to have it checked"
    return f"ml-intern could not look at what this starts ({why}{more}): {way_on}."
