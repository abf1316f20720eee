"""Stop: while a task is open, time is left and nobody is there, an early end is turned around, with what is still open.

The client overrides the ninth block in a row and then loses the result; this one gives up long before. Each block without
anything having changed since the last one counts, and the last ten minutes belong to saving and reporting.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ml_intern_helpers.guard.near import holds_file, places_of

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from ml_intern_helpers.runs.contract import Task
from ml_intern_helpers.guard.before_launch.never_ran import try_to_give_back

#: Turned around so often without anything changing in between; then the run may end.
MOST_WITHOUT_PROGRESS = 3
#: Kept for saving, evaluation and report.
TO_SAVE_S = 600
_RESULT = re.compile(r"^\W{0,8}RESULT\b\W{0,4}(?P<how>\w+)?", re.MULTILINE)


def answered(event: dict[str, Any]) -> dict[str, Any] | None:
    """`{"decision": "block", "reason": …}`, or None to let it end."""
    try_to_give_back(event)
    folder = holds_file(places_of(event), "task.json")
    if folder is None or event.get("background_tasks"):
        return None
    from pathlib import Path

    from ml_intern_helpers.guard.sessions.time_left import ends_at
    from ml_intern_helpers.runs.contract import read_task
    from ml_intern_helpers.runs.timestamps import now

    task = read_task(Path(folder) / "task.json")
    ends, at = ends_at(event, task) if task.open else None, now()
    if ends is None or ends <= at:
        return None
    reason = _Stop(Path(folder), event, task, ends, at).reason()
    return {"decision": "block", "reason": reason} if reason else None


class _Stop:
    """One wish to end, weighed."""

    def __init__(self, folder: Path, event: dict[str, Any], task: Task, ends: datetime, at: datetime) -> None:
        from ml_intern_helpers.guard.sessions import open_work
        from ml_intern_helpers.guard.sessions.plan_steps import plan_in

        self.folder, self.event, self.task = folder, event, task
        self.left_s = (ends - at).total_seconds()
        self.plan = plan_in(folder)
        self.runs = open_work.settle_ended(folder, open_work.runs_in(folder), event)
        self.open = open_work.still_open(self.plan, self.runs, task)
        message = event.get("last_assistant_message")
        found = _RESULT.search(message) if isinstance(message, str) else None
        self.result = (found["how"] or "").lower() if found else None

    def reason(self) -> str:
        """Why it goes on, "" when it may end."""
        if self.left_s <= TO_SAVE_S:
            return self._unsaved()
        if self.result is not None and not self.open:
            return ""
        count = self._count("goes_on", 1 if self.result == "stopped" or not self.open else MOST_WITHOUT_PROGRESS)
        return self._goes_on(count) if count else ""

    def _goes_on(self, count: int) -> str:
        from ml_intern_helpers.runs.timestamps import span

        first = f"ml-intern: the task is open and {span(self.left_s)} are left."
        if not self.open:
            form = "give the last message its form (RESULT: done | partly | stopped: …), or improve on it"
            return f"{first} Every step is ticked: {form}."
        ways = "Go on with the next step; text without a tool call ends the run. Wait for a run in slices, in this turn."
        end = "What cannot be done: say why in the plan and end with `RESULT: stopped: …`."
        return "\n".join(
            [f"{first} Still open:", *self.open, f"{ways} {end} ({count} of {MOST_WITHOUT_PROGRESS} without progress)"]
        )

    def _unsaved(self) -> str:
        """In the last minutes one reminder, where a run was started and nothing of it was kept."""
        launched = [run for run in self.runs.of_task(self.task.id) if run.state in ("running", "completed")]
        if not launched or self.result is not None or _weights_below(self.folder.parent) or not self._count("save", 1):
            return ""
        minutes = max(1, round(self.left_s / 60))
        return (
            f"ml-intern: {minutes} min are left and no saved weights are seen here: save or push what there is now, write job "
            "ids and URLs into the plan, then end with `RESULT: …`."
        )

    def _count(self, kind: str, most: int) -> int:
        """The number of this block since something last changed; 0 when it may not be one. It is kept before it is used."""
        from ml_intern_helpers.guard import memory
        from ml_intern_helpers.guard.sessions import progress

        before = memory.recalled(self.event.get("session_id"), kind, self.folder)
        state = progress.state_of(self.folder.parent) if kind == "goes_on" else ""
        known = before.get("count") if before.get("state") == state else 0
        count = known + 1 if isinstance(known, int) and known >= 0 else most + 1
        if count > most:
            return 0
        kept = memory.remembered(self.event.get("session_id"), kind, {"state": state, "count": count}, self.folder)
        return count if kept else 0  # what cannot be counted could go on for ever


def _weights_below(project: Path) -> bool:
    """Whether model or adapter weights lie in the project, a few folders deep."""
    names = ("model.safetensors", "adapter_model.safetensors", "model.safetensors.index.json", "pytorch_model.bin")
    patterns = [f"{folder}{name}" for folder in ("", "*/", "*/*/", "*/*/*/") for name in names]
    return any(next(project.glob(pattern), None) is not None for pattern in patterns)
