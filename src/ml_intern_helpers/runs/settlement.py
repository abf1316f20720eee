"""Determines how a job ended and what it cost, from the Hub (`GET /api/jobs/NAMESPACE/ID`) or as an upper estimate."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ml_intern_helpers.core.errors import BadData, NotFound, ToolError, Unavailable
from ml_intern_helpers.runs.contract import number
from ml_intern_helpers.runs.run_record import ESTIMATED, Run
from ml_intern_helpers.runs.timestamps import parsed

if TYPE_CHECKING:
    from ml_intern_helpers.web.client import Http

#: The Hub's stages, and what the ledger calls them.
STATES = {
    "SCHEDULING": "running",
    "RUNNING": "running",
    "COMPLETED": "completed",
    "CANCELED": "stopped",
    "ERROR": "failed",
    "DELETED": "stopped",
}
#: No job ends sooner. A shorter time comes from a launch whose time stamp lay in the future and was set to the present.
_SOONEST_S = 5.0
_PART = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,95}"
_URL = re.compile(rf"/jobs/({_PART})/({_PART})/?$")
_ID = re.compile(rf"(?:({_PART})/)?({_PART})")
_MAX_BYTES = 1024 * 1024


@dataclass(frozen=True)
class Settlement:
    """The outcome and cost of a job.

    Attributes:
        state: in the ledger's words; `running` while it has not ended.
        usd: its cost; None while it has not ended or if unknown (the reservation then stays).
        running_s: its running time in seconds, None if the Hub does not report it.
        basis: how the cost was computed, or why it is unknown.
    """

    state: str
    usd: float | None
    running_s: float | None
    basis: str

    def changes(self) -> dict[str, Any]:
        """The entries for a further line in the ledger."""
        entries: dict[str, Any] = {"state": self.state, "running_s": self.running_s}
        return entries if self.usd is None else {**entries, "settled_usd": self.usd, "settled_from": self.basis}


def settlement(run: Run, job: Mapping[str, Any]) -> Settlement:
    """Settle `run` by the Hub's answer about its job; times are the Hub's own, so this machine's clock does not matter.

    The bill also includes the minutes of starting up, which the Hub does not distinguish from waiting, so the cost may be a few
    cents too low.
    """
    status = job.get("status")
    stage = str(status.get("stage") if isinstance(status, Mapping) else status)
    state = STATES.get(stage)
    seconds = running_seconds(job)
    if state is None:
        return Settlement("running", None, seconds, f"the Hub calls its stage {stage[:40]!r}, which this release does not know")
    if state == "running":
        return Settlement(state, None, seconds, "it has not ended")
    price = run.figure("usd_per_hour")
    if seconds is None and stage == "CANCELED" and not job.get("startedAt"):
        return Settlement(state, 0.0, 0.0, "it was cancelled before it ran")
    if seconds is None or price is None:
        return Settlement(state, None, seconds, "its running time or price is not known, so its reservation stays")
    minutes = math.ceil(seconds / 60)
    return Settlement(state, round(price * minutes / 60, 4), seconds, f"{minutes} min of running x {price:.2f} USD/h")


def estimate(run: Run, at: datetime) -> dict[str, Any]:
    """The estimated cost of a job that has ended by `at` after an unknown running time, as entries for the ledger.

    The time since the launch was recorded gives the most it can have cost; the Hub's figure replaces it later (`hf jobs inspect`,
    `budget --apply-hub`). Empty if it is not below the reservation, or if the clock was set back in between.
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
    """The running time of a job: the Hub's count, else the difference of its time stamps; None without both."""
    durations = job.get("durations")
    counted = number(durations.get("runningSecs")) if isinstance(durations, Mapping) else None
    if counted is not None and counted >= 0:
        return counted
    started, finished = parsed(job.get("startedAt")), parsed(job.get("finishedAt"))
    if started is None or finished is None or finished < started:
        return None
    return (finished - started).total_seconds()


def answers_about(http: Http, runs: list[Run]) -> list[tuple[Run, Mapping[str, Any] | ToolError]]:
    """Each run with the Hub's answer about its job or the error; the requests run in parallel."""
    answers = http.together([lambda run=run: _job_of(http, run) for run in runs])  # type: ignore[misc]
    pairs: list[tuple[Run, Mapping[str, Any] | ToolError]] = []
    for run, answer in zip(runs, answers, strict=True):
        if isinstance(answer, NotFound):
            message = "the Hub knows no such job: it was deleted, or it belongs to an account that this token cannot see"
            answer = NotFound(message, hint=answer.hint)
        elif isinstance(answer, Exception) and not isinstance(answer, ToolError):
            raise answer
        pairs.append((run, answer))
    return pairs


def _job_of(http: Http, run: Run) -> Mapping[str, Any]:
    """The Hub's answer about the run's job, asked now.

    Raises:
        Unavailable, NotFound: there is no answer; the reservation stays.
        BadData: the answer is about another job.
    """
    from ml_intern_helpers.web.services import HUB

    place = _address(run)
    if place is None:
        raise Unavailable("its job id or account is not on file", hint="see `hf jobs ps -a`")
    namespace, job_id = place
    response = http.get(HUB, f"/api/jobs/{namespace}/{job_id}", ttl_s=0, max_bytes=_MAX_BYTES)
    job = response.raise_for_status(f"job {job_id}").json()
    if not isinstance(job, dict) or job.get("id") != job_id:
        raise BadData(f"the Hub's answer about job {job_id} is about something else")
    return job


def _address(run: Run) -> tuple[str, str] | None:
    """(namespace, job id), from the job's URL or id and the account on file; None when that is not enough."""
    url_match = _URL.search(run.text("url"))
    if url_match:
        return url_match[1], url_match[2]
    id_match = _ID.fullmatch(run.text("job_id") or run.id if not run.id.startswith("run-") else run.text("job_id"))
    namespace = (id_match[1] if id_match else None) or run.text("account")
    return (namespace, id_match[2]) if id_match and re.fullmatch(_PART, namespace) else None
