"""What a job cost and how it ended: as the Hub says (`GET /api/jobs/NAMESPACE/ID`), else the most it can have been."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ml_intern_helpers.runs.run_record import ESTIMATED, Run
from ml_intern_helpers.runs.task_schema import number
from ml_intern_helpers.runs.when import parsed

#: The Hub's stages, and what the ledger calls them.
STATES = {
    "SCHEDULING": "running",
    "RUNNING": "running",
    "COMPLETED": "completed",
    "CANCELED": "stopped",
    "ERROR": "failed",
    "DELETED": "stopped",
}
#: No job begins and ends in less. A launch that seems to is one whose stamp lies in the future, and was put to the present.
_SOONEST_S = 5.0


@dataclass(frozen=True)
class Settlement:
    """What became of a job.

    Attributes:
        state: as the ledger writes it; `running` while it has not ended.
        usd: what it cost; None while it has not ended, or when that cannot be told (the reservation then stands).
        running_s: seconds it ran, None when the Hub does not say.
        basis: how the figure was reckoned, or why there is none.
    """

    state: str
    usd: float | None
    running_s: float | None
    basis: str

    def changes(self) -> dict[str, Any]:
        """The entries that a further line of the ledger gets."""
        found: dict[str, Any] = {"state": self.state, "running_s": self.running_s}
        return found if self.usd is None else {**found, "settled_usd": self.usd, "settled_from": self.basis}


def settlement(run: Run, job: Mapping[str, Any]) -> Settlement:
    """Settle `run` by the Hub's answer about its job; times are the Hub's own, so this machine's clock does not matter.

    The bill counts the minutes of starting up, too, which the Hub does not tell apart from waiting: the figure may be a
    few cents low.
    """
    status = job.get("status")
    stage = str(status.get("stage") if isinstance(status, Mapping) else status)
    state = STATES.get(stage)
    seconds = running_seconds(job)
    if state is None:
        return Settlement("running", None, seconds, f"the Hub calls its stage {stage[:40]!r}, which is not known here")
    if state == "running":
        return Settlement(state, None, seconds, "it has not ended")
    price = run.figure("usd_per_hour")
    if seconds is None and stage == "CANCELED" and not job.get("startedAt"):
        return Settlement(state, 0.0, 0.0, "it was cancelled before it ran")
    if seconds is None or price is None:
        return Settlement(state, None, seconds, "its running time or price is not known: what was reserved stands")
    minutes = math.ceil(seconds / 60)
    return Settlement(state, round(price * minutes / 60, 4), seconds, f"{minutes} min of running x {price:.2f} USD/h")


def estimate(run: Run, at: datetime) -> dict[str, Any]:
    """The entries for a job that has ended by `at`, where nobody says how long it ran: it was put on file before it began.

    That is the most it can have cost, and the Hub's figure replaces it (`hf jobs inspect`, `budget --apply-hub`). Nothing where
    that is no less than what is set aside, or the clock was set back in between.
    """
    price, reserved = run.figure("usd_per_hour"), run.figure("reserved_usd")
    seconds = (at - run.launched_at).total_seconds()
    if price is None or seconds < _SOONEST_S:
        return {}
    minutes = math.ceil(seconds / 60)
    usd = round(price * minutes / 60, 4)
    basis = f"{ESTIMATED}{minutes} min since it was put on file x {price:.2f} USD/h"
    return {"settled_usd": usd, "settled_from": basis} if reserved is None or usd < reserved else {}


def running_seconds(job: Mapping[str, Any]) -> float | None:
    """Seconds a job has run: as the Hub counts them, else from its two time stamps; None when neither is there."""
    durations = job.get("durations")
    counted = number(durations.get("runningSecs")) if isinstance(durations, Mapping) else None
    if counted is not None and counted >= 0:
        return counted
    started, finished = parsed(job.get("startedAt")), parsed(job.get("finishedAt"))
    if started is None or finished is None or finished < started:
        return None
    return (finished - started).total_seconds()
