"""Records launches in the ledger for the hooks: the cost is reserved before one starts, the outcome is recorded afterwards."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from ml_intern_helpers.core.errors import UsageError
from ml_intern_helpers.core.text import clean
from ml_intern_helpers.core.tokens import blanked
from ml_intern_helpers.runs import ledger
from ml_intern_helpers.runs.contract import Task
from ml_intern_helpers.runs.project_files import LONGEST_WAIT_S, locked
from ml_intern_helpers.runs.run_record import FINISHED, UNFINISHED, fingerprint, runs_of
from ml_intern_helpers.runs.spend import Cost, Decision, may_spend
from ml_intern_helpers.runs.timestamps import now, stamp

#: Characters stored of a command line; the fingerprint distinguishes longer ones.
_LONGEST_COMMAND = 4000


@dataclass(frozen=True)
class Launch:
    """What the ledger keeps of a launch.

    Attributes:
        command: as written; tokens are blanked when it is stored.
        where: `jobs` or `local`.
        script: its path or name, "" where none is started.
        script_sha256: of the script's content, "" where it was not read.
        flavor, timeout_s, usd_per_hour: the job's; None on this machine or if unknown.
        account: the paying account, None for the one that is logged in.
        trains: whether it trains (also as a smoke run); only such a run must be seen training before the next job.
        smoke: whether it is a smoke run of a few steps.
        ids: the client's ids of the call: `tool_use_id`, `session_id`.
    """

    command: str
    where: str
    script: str = ""
    script_sha256: str = ""
    flavor: str | None = None
    timeout_s: float | None = None
    usd_per_hour: float | None = None
    account: str | None = None
    trains: bool = True
    smoke: bool = False
    ids: tuple[tuple[str, str], ...] = ()


def sha256_of(path: Path) -> str:
    """The hash of a script's content, "" where it cannot be read."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""


def reserve(
    folder: Path, task: Task | None, launch: Launch, cost: Cost, *, timeout_s: float = LONGEST_WAIT_S
) -> tuple[Decision, str | None]:
    """Decide and, where it fits, reserve the cost: one step, so that two sessions cannot spend the same dollar.

    Returns:
        The decision, and the run's id when it was recorded; None when the user has to be asked about the launch.

    Raises:
        BadData: the ledger cannot be read.
        Unavailable: it is locked or cannot be written. A paid launch that is not recorded must not start.
    """
    with locked(folder, timeout_s=timeout_s):
        at = now()
        decision = may_spend(task, runs_of(folder, at), cost, at)
        if not decision.allowed:
            return decision, None
        entry = _entry(launch, cost, "reserved", task, at)
        ledger.append_locked(folder, ledger.encoded(entry))
        return decision, str(entry["id"])


def launched(folder: Path, task: Task | None, launch: Launch, cost: Cost, **known: Any) -> str:
    """Record a launch that has started already (the user allowed it); returns the run's id.

    `known` are further entries: `job_id`, `url`, `state`. Raises as `reserve` does.
    """
    entry = {**_entry(launch, cost, "running", task, now()), **known}
    ledger.append(folder, entry)
    return str(entry["id"])


def tell(folder: Path, run_id: str, **changes: Any) -> None:
    """Record the outcome of a run: `state`, `job_id`, `url`, `exit_code`, `settled_usd`, `trained_at` …

    Raises:
        UsageError: a run cannot be in that state.
        Unavailable: the ledger cannot be written.
    """
    state = changes.get("state")
    if state is not None and state not in (*UNFINISHED, *FINISHED):
        raise UsageError(f"{clean(state, limit=40)!r} is not a state of a run", hint=", ".join((*UNFINISHED, *FINISHED)))
    ledger.append(folder, {"id": run_id, "event": "update", **changes})


def release(folder: Path, run_id: str, reason: str) -> None:
    """Release the reservation of a launch that did not happen."""
    tell(folder, run_id, state="released", reason=clean(reason, limit=500))


def _entry(launch: Launch, cost: Cost, state: str, task: Task | None, at: datetime) -> dict[str, Any]:
    name = f"run-{stamp(at)[:19].replace('-', '').replace(':', '')}-{os.urandom(4).hex()}"
    return {
        "id": name,
        "event": "launch",
        "at": stamp(at),
        "state": state,
        "task": task.id if task is not None else None,
        "where": launch.where,
        "command": clean(blanked(launch.command), limit=_LONGEST_COMMAND),
        "fingerprint": fingerprint(launch.command, launch.script_sha256),
        "script": clean(launch.script, limit=1000),
        "script_sha256": launch.script_sha256,
        "flavor": launch.flavor,
        "timeout_s": launch.timeout_s,
        "account": launch.account,
        "estimate": cost.basis,
        "usd_per_hour": launch.usd_per_hour,
        "reserved_usd": cost.usd,
        "trains": launch.trains,
        "smoke": launch.smoke,
        **dict(launch.ids),
    }
