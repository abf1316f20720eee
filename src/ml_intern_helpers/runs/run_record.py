"""The runs of a ledger: its lines folded by id, times put straight, figures that make no sense left out."""

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

#: `reserved`: its cost is reserved, the launch has not been observed. `released`: it did not happen.
UNFINISHED = ("reserved", "running")
FINISHED = ("completed", "failed", "stopped", "released")
#: What `settled_from` begins with where a figure is the most it can have been.
ESTIMATED = "estimated: at most "
#: Two machines' clocks differ by this much without anything being wrong.
_SKEW = timedelta(minutes=5)


@dataclass(frozen=True)
class Run:
    """One launch.

    Attributes:
        id: the ledger's id.
        values: its lines folded, later ones over earlier ones.
        launched_at: when, as far as this line and its neighbours show; see `_straightened`.
    """

    id: str
    values: dict[str, Any]
    launched_at: datetime

    def text(self, name: str) -> str:
        """A text of it, "" where there is none."""
        found = self.values.get(name)
        return found if isinstance(found, str) else ""

    def figure(self, name: str) -> float | None:
        """A figure from 0, None where it is missing or none that can be counted with."""
        found = number(self.values.get(name))
        return found if found is not None and found >= 0 else None

    @property
    def state(self) -> str:
        """One of UNFINISHED or FINISHED; what is written otherwise counts as running, for nothing says that it ended."""
        found = self.text("state")
        return found if found in (*UNFINISHED, *FINISHED) else "running"

    @property
    def finished(self) -> bool:
        return self.state in FINISHED

    @property
    def paid(self) -> bool:
        """It runs on Jobs. Lines written by hand may not say where; then the command does."""
        where = self.text("where")
        return where != "local" and (where == "jobs" or bool(self.text("flavor")) or "hf jobs" in self.text("command"))

    @property
    def cost_usd(self) -> float | None:
        """What it counts for: settled when it ended and that is known, else what was reserved; None when neither is."""
        if not self.paid or self.state == "released":
            return 0.0
        settled = self.figure("settled_usd") if self.finished else None
        return settled if settled is not None else self.figure("reserved_usd")

    @property
    def settled(self) -> bool:
        return not self.paid or self.state == "released" or (self.finished and self.figure("settled_usd") is not None)

    @property
    def estimated(self) -> bool:
        """What it cost is the most it can have been; the Hub may know better."""
        return self.paid and self.settled and self.text("settled_from").startswith(ESTIMATED)

    @property
    def fingerprint(self) -> str:
        """See the function of that name; lines written by hand have none of their own."""
        return self.text("fingerprint") or fingerprint(self.text("command"), self.text("script_sha256"))


def fingerprint(command: str, script_sha256: str) -> str:
    """What makes two launches the same: the command, but for blanks and for tokens, and the script's content."""
    words = " ".join(blanked(command).split())
    return hashlib.sha256(f"{words}\0{script_sha256}".encode("utf-8", "replace")).hexdigest()


@dataclass(frozen=True)
class Runs:
    """All runs of a ledger, in the order of their launches.

    Attributes:
        all: the runs.
        damaged: numbers of lines that could not be read: a launch may be missing.
    """

    all: list[Run] = field(default_factory=list)
    damaged: list[int] = field(default_factory=list)

    def of_task(self, task_id: str | None) -> list[Run]:
        """Those of a task, and those that name none; every run for a task without an id."""
        return [run for run in self.all if task_id is None or run.text("task") in (task_id, "")]

    def get(self, run_id: str) -> Run | None:
        """The run of that id; its Job id does as well."""
        found = [run for run in self.all if run.id == run_id]
        return next(iter(found), None) or next((run for run in self.all if run_id and run.text("job_id") == run_id), None)


def runs_of(folder: Path, at: datetime | None = None) -> Runs:
    """The runs of the ledger in `folder` (`.ml-intern`).

    Raises:
        BadData: the ledger cannot be read at all.
    """
    return folded(ledger.read(folder), at or now())


def folded(lines: ledger.Lines, at: datetime) -> Runs:
    """Lines as runs; `at` is the present, for stamps that lie beyond it."""
    values: dict[str, dict[str, Any]] = {}
    first: dict[str, int] = {}
    for position, entry in enumerate(lines.entries):
        first.setdefault(entry["id"], position)
        values.setdefault(entry["id"], {}).update({name: value for name, value in entry.items() if name != "at"})
    times = _straightened([parsed(entry.get("at") or entry.get("started_at")) for entry in lines.entries], at)
    return Runs([Run(name, values[name], times[first[name]]) for name in values], lines.damaged)


def _straightened(stamps: list[datetime | None], at: datetime) -> list[datetime]:
    """Times of lines whose clock may have jumped: the order of the file is certain, a stamp is not.

    A stamp behind an earlier line's is lifted to it (a clock set back would hide what was spent today); one from the future
    is lowered to the next line that is not from the future, or to the present (it would block every day until then).
    """
    latest = at + _SKEW
    plausible = [stamp if stamp is not None and stamp <= latest else None for stamp in stamps]
    times: list[datetime] = []
    for position, stamp in enumerate(plausible):
        believed = stamp or next((later for later in plausible[position:] if later is not None), at)
        times.append(max(believed, times[-1]) if times else believed)
    return [min(time, at) for time in times]
