"""What a job cost and how it ended, from what the Hub says of it (`GET /api/jobs/NAMESPACE/ID`)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ml_intern_helpers.runs.run_record import Run
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
