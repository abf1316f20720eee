"""Decides whether a launch fits the agreed spend cap: pure functions over a task, its runs and a price; nothing is written."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from ml_intern_helpers.indexes.job_prices import Price
from ml_intern_helpers.runs.contract import Task
from ml_intern_helpers.runs.run_record import Run, Runs

DAY = timedelta(hours=24)
#: Smaller amounts are rounding errors.
_NOTHING_USD = 0.0001
Verdict = Literal["within", "over", "no_cap", "unknown"]


@dataclass(frozen=True)
class Cost:
    """What a launch may cost at most.

    Attributes:
        usd: price x time limit x attempts; None when it is unknown, 0 on this machine.
        basis: how the cost was computed, or why it is unknown.
    """

    usd: float | None
    basis: str


@dataclass(frozen=True)
class Limit:
    """One cap and its use: money spent (`settled_usd`), money reserved, and the number of runs with `unknown` cost."""

    cap_usd: float
    settled_usd: float
    reserved_usd: float
    unknown: int

    @property
    def left_usd(self) -> float:
        return max(0.0, round(self.cap_usd - self.settled_usd - self.reserved_usd, 4))

    @property
    def over(self) -> bool:
        """Whether more is spent or reserved than was agreed."""
        return self.settled_usd + self.reserved_usd > self.cap_usd + _NOTHING_USD


@dataclass(frozen=True)
class Decision:
    """The answer of `may_spend`.

    Attributes:
        verdict: `within` the caps; `over` one; `no_cap`: no agreed cap allows it; `unknown`: a figure is missing.
        reason: one sentence with the figures.
        cost: the cost of the launch.
        task: the cap of the whole task, None without one.
        day: the cap of any 24 hours, None without one.
    """

    verdict: Verdict
    reason: str
    cost: Cost
    task: Limit | None = None
    day: Limit | None = None

    @property
    def allowed(self) -> bool:
        """Whether it may start without asking the user."""
        return self.verdict == "within"


def cost_on_jobs(price: Price | None, timeout_s: float | None, *, attempts: int = 1, repeats: bool = False) -> Cost:
    """What a job may cost at most: billed by the minute, and again for each attempt.

    Args:
        price: the price of its flavor, None if no list has it.
        timeout_s: its time limit in seconds; None if unknown.
        attempts: the number of attempts (`--attempts`).
        repeats: whether a schedule starts it repeatedly.
    """
    if repeats:
        return Cost(None, "a schedule starts it repeatedly, so its cost has no upper limit")
    if price is None:
        return Cost(None, "the price of its flavor is not known")
    if timeout_s is None or not math.isfinite(timeout_s) or timeout_s <= 0 or attempts < 1:
        return Cost(None, "the time limit of the job is not known")
    minutes = math.ceil(timeout_s / 60)
    usd = round(price.usd_per_hour * minutes / 60 * attempts, 4)
    tries = f" x {attempts} attempts" if attempts > 1 else ""
    return Cost(usd, f"{price.usd_per_hour:.2f} USD/h ({price.source}, {price.as_of}) x {minutes / 60:g} h{tries}")


ON_THIS_MACHINE = Cost(0.0, "runs on this machine cost nothing")


def limits(task: Task | None, runs: Runs, at: datetime) -> tuple[Limit | None, Limit | None]:
    """The cap of the task and that of 24 hours, each with its use; None for a missing one."""
    if task is None or task.problem or task.cap_usd <= 0:
        return None, None
    task_runs = runs.of_task(task.id)
    per_day = task.cap_usd_per_day
    recent = [run for run in task_runs if run.launched_at > at - DAY or not run.finished]
    return _limit(task.cap_usd, task_runs), None if per_day is None else _limit(per_day, recent)


def _limit(cap_usd: float, runs: list[Run]) -> Limit:
    settled = math.fsum(run.cost_usd or 0.0 for run in runs if run.settled)
    reserved = math.fsum(run.cost_usd or 0.0 for run in runs if not run.settled)
    return Limit(cap_usd, round(settled, 4), round(reserved, 4), sum(run.cost_usd is None for run in runs))


def may_spend(task: Task | None, runs: Runs, cost: Cost, at: datetime) -> Decision:
    """Whether a launch of that cost fits the caps, given what is already spent or reserved."""
    if cost.usd is not None and cost.usd < _NOTHING_USD:
        return Decision("within", cost.basis, cost)
    refused = refusal(task, at)
    task_limit, day_limit = limits(task, runs, at)
    if refused or task_limit is None:
        return Decision("no_cap", refused or "no spend cap was agreed", cost)
    unknown = _unknown_amount(runs, task_limit, day_limit, cost)
    if unknown or cost.usd is None:
        return Decision("unknown", unknown or cost.basis, cost, task_limit, day_limit)
    for limit, name in ((task_limit, "task"), (day_limit, "last 24 hours")):
        if limit is not None and cost.usd > limit.left_usd + _NOTHING_USD:
            remaining = f"{limit.left_usd:.2f} of {limit.cap_usd:.2f} USD are left for the {name}"
            return Decision("over", f"at most {cost.usd:.2f} USD ({cost.basis}); {remaining}", cost, task_limit, day_limit)
    remaining = f"then {task_limit.left_usd - cost.usd:.2f} of {task_limit.cap_usd:.2f} USD are left"
    return Decision("within", f"at most {cost.usd:.2f} USD ({cost.basis}); {remaining}", cost, task_limit, day_limit)


def refusal(task: Task | None, at: datetime) -> str:
    """Why the task allows no paid run at all, "" if it does."""
    if task is None:
        return "no task is on file, so no spend cap was agreed"
    if task.problem:
        return f"the task file cannot be read: {task.problem}"
    if not task.open:
        return "the task is closed"
    if task.cap_usd <= 0:
        return "the agreed spend cap is 0: no paid job"
    ends = task.ends_at
    return "the agreed time is over" if ends is not None and ends <= at else ""


def _unknown_amount(runs: Runs, task_limit: Limit, day_limit: Limit | None, cost: Cost) -> str:
    """Why the remaining money or the cost is unknown, "" if both are known."""
    if runs.damaged:
        lines = ", ".join(map(str, runs.damaged[:5]))
        return f"line {lines} of the ledger cannot be read, so what was spent is not known"
    unknown = max(task_limit.unknown, day_limit.unknown if day_limit else 0)
    if unknown:
        return f"the cost of {unknown} earlier run{'s' if unknown > 1 else ''} is unknown (`budget` shows which)"
    return "" if cost.usd is not None else cost.basis
