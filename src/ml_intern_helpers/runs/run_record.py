"""Builds the runs from the lines of a ledger: merges lines by id, corrects times, ignores implausible figures."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from ml_intern_helpers.core.tokens import blanked
from ml_intern_helpers.runs import ledger
from ml_intern_helpers.runs.contract import number
from ml_intern_helpers.runs.timestamps import now, parsed

#: `reserved`: the cost is reserved and the launch not yet observed. `released`: the launch did not happen.
UNFINISHED = ("reserved", "running")
FINISHED = ("completed", "failed", "stopped", "released")
#: The beginning of `settled_from` if the cost is an upper estimate.
ESTIMATED = "estimated: at most "
#: The difference between two machines' clocks that is tolerated.
_SKEW = timedelta(minutes=5)


@dataclass(frozen=True)
class Run:
    """One launch.

    Attributes:
        id: its id in the ledger.
        values: its merged lines; later values replace earlier ones.
        launched_at: the corrected time of its launch; see `_corrected_times`.
    """

    id: str
    values: dict[str, Any]
    launched_at: datetime

    def text(self, name: str) -> str:
        """The value `name` if it is a text, else ""."""
        value = self.values.get(name)
        return value if isinstance(value, str) else ""

    def figure(self, name: str) -> float | None:
        """The value `name` if it is a valid number from 0, else None."""
        value = number(self.values.get(name))
        return value if value is not None and value >= 0 else None

    @property
    def state(self) -> str:
        """One of UNFINISHED or FINISHED; any other text counts as running, because it does not report an end."""
        state = self.text("state")
        return state if state in (*UNFINISHED, *FINISHED) else "running"

    @property
    def finished(self) -> bool:
        return self.state in FINISHED

    @property
    def paid(self) -> bool:
        """Whether it runs on Jobs; in a line written by hand without a place, the flavor or the command shows it."""
        where = self.text("where")
        return where != "local" and (where == "jobs" or bool(self.text("flavor")) or "hf jobs" in self.text("command"))

    @property
    def cost_usd(self) -> float | None:
        """The cost that counts against the caps: the settled one after its end, else the reserved one; None if unknown."""
        if not self.paid or self.state == "released":
            return 0.0
        settled = self.figure("settled_usd") if self.finished else None
        return settled if settled is not None else self.figure("reserved_usd")

    @property
    def settled(self) -> bool:
        return not self.paid or self.state == "released" or (self.finished and self.figure("settled_usd") is not None)

    @property
    def estimated(self) -> bool:
        """Whether its cost is an upper estimate that the Hub's figure may replace."""
        return self.paid and self.settled and self.text("settled_from").startswith(ESTIMATED)

    @property
    def fingerprint(self) -> str:
        """The recorded fingerprint; computed for lines written by hand, which have none."""
        return self.text("fingerprint") or fingerprint(self.text("command"), self.text("script_sha256"))


def fingerprint(command: str, script_sha256: str) -> str:
    """A hash that is equal for equal launches: of the command without extra blanks and tokens, and the script's content."""
    words = " ".join(blanked(command).split())
    return hashlib.sha256(f"{words}\0{script_sha256}".encode("utf-8", "replace")).hexdigest()


@dataclass(frozen=True)
class Runs:
    """All runs of a ledger, in the order of their launches.

    Attributes:
        all: the runs.
        damaged: numbers of unreadable lines; a launch may be missing.
    """

    all: list[Run] = field(default_factory=list)
    damaged: list[int] = field(default_factory=list)

    def of_task(self, task_id: str | None) -> list[Run]:
        """The runs of a task and those that name no task; all runs for a task without an id."""
        return [run for run in self.all if task_id is None or run.text("task") in (task_id, "")]

    def get(self, run_id: str) -> Run | None:
        """The run with this id or, failing that, with this job id."""
        matches = [run for run in self.all if run.id == run_id]
        return next(iter(matches), None) or next((run for run in self.all if run_id and run.text("job_id") == run_id), None)


def runs_of(folder: Path, at: datetime | None = None) -> Runs:
    """The runs of the ledger in `folder` (`.ml-intern`).

    Raises:
        BadData: the ledger cannot be read at all.
    """
    return folded(ledger.read(folder), at or now())


def folded(lines: ledger.Lines, at: datetime) -> Runs:
    """The runs in `lines`; `at` is the current time, which no launch may exceed."""
    values: dict[str, dict[str, Any]] = {}
    first_positions: dict[str, int] = {}
    for position, entry in enumerate(lines.entries):
        first_positions.setdefault(entry["id"], position)
        values.setdefault(entry["id"], {}).update({name: value for name, value in entry.items() if name != "at"})
    times = _corrected_times([parsed(entry.get("at") or entry.get("started_at")) for entry in lines.entries], at)
    return Runs([Run(name, values[name], times[first_positions[name]]) for name in values], lines.damaged)


def _corrected_times(stamps: list[datetime | None], at: datetime) -> list[datetime]:
    """The times of lines whose clock may have been wrong; the order of the lines is reliable.

    A time before that of an earlier line is raised to it (a clock set back would hide what was spent today). A time in the future
    is lowered to that of the next line that is not in the future, or to the present (it would count on every day until then).
    """
    latest = at + _SKEW
    plausible = [stamp if stamp is not None and stamp <= latest else None for stamp in stamps]
    times: list[datetime] = []
    for position, stamp in enumerate(plausible):
        corrected = stamp or next((later for later in plausible[position:] if later is not None), at)
        times.append(max(corrected, times[-1]) if times else corrected)
    return [min(time, at) for time in times]
