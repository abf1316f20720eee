"""Implements the single-job rule: a second job waits until the first is seen training; a launch that failed twice is held."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from ml_intern_helpers.runs.run_record import Run, Runs, fingerprint
from ml_intern_helpers.runs.settlement import running_seconds

#: A bug in a script normally ends the job earlier: while it installs, loads or takes its first steps.
LONG_ENOUGH_S = 15 * 60
#: Characters read from the end of a log, where the newest steps are.
_LOG_CHARACTERS = 1024 * 1024
_NUMBER = r"[\"']?(-?(?:\d+\.?\d*(?:[eE][-+]?\d+)?|nan|inf))\b"
#: `{'loss': '2.31', 'epoch': …}` (transformers 5 quotes its figures), `loss: 2.31`, `loss=2.31`, `"train/loss": 2.31`.
_LOSS = re.compile(rf"(?<![\w.-])[\"']?(?:train[/_])?loss[\"']?\s{{0,3}}[:=]\s{{0,3}}{_NUMBER}", re.IGNORECASE)
#: Words before a loss that is not one of a training step.
_OTHER = re.compile(r"(eval|valid|val|test)\w{0,10}[ _/-]{0,2}$", re.IGNORECASE)
FAILURES_ALLOWED = 2


class Seen(NamedTuple):
    """The evidence that a run trains: `how` in words, and the last `loss` in its log (None if only its state shows it)."""

    how: str
    loss: float | None = None

    @property
    def sound(self) -> bool:
        """False if the loss is not a finite number: this training has already failed."""
        return self.loss is None or math.isfinite(self.loss)


def seen_training(log: str = "", job: Mapping[str, Any] | None = None) -> Seen | None:
    """Whether a run has been seen training: steps in its log, else the job's state at the Hub; None when it has not.

    Args:
        log: the run's output; it is foreign text, and only numbers are taken from it.
        job: the Hub's answer about the job. `RUNNING` alone proves nothing, because packages are installed in that stage.
    """
    log = log[-_LOG_CHARACTERS:]
    matches = [each for each in _LOSS.finditer(log) if not _OTHER.search(log, max(0, each.start() - 20), each.start())]
    losses = [float(each[1]) for each in matches]
    if losses:
        return Seen(f"{len(losses)} losses in the log, the last one {losses[-1]:g}", losses[-1])
    status = (job or {}).get("status")
    stage = str(status.get("stage") if isinstance(status, Mapping) else status)
    if stage == "COMPLETED":
        return Seen("the job has completed")
    seconds = running_seconds(job or {})
    if stage == "RUNNING" and seconds is not None and seconds >= LONG_ENOUGH_S:
        return Seen(f"the job has been running for {seconds / 60:.0f} min")
    return None


def unproven(runs: Runs, task_id: str | None) -> Run | None:
    """The run that a second one must wait for: an unfinished training run that has not been seen training; None without one.

    A run has been seen training if its `trained_at` is in the ledger (`launching.tell(…, trained_at=…)`).
    """
    open_runs = [run for run in runs.of_task(task_id) if not run.finished and not run.text("trained_at")]
    waiting = [run for run in open_runs if run.values.get("trains") is not False]
    return waiting[-1] if waiting else None


def held_as_third(runs: Runs, command: str, script_sha256: str) -> bool:
    """Whether this command with this content of its script has failed FAILURES_ALLOWED times in a row.

    A success resets the count; a run that the user stopped does not change it.
    """
    wanted = fingerprint(command, script_sha256)
    count = 0
    for run in runs.all:
        if run.fingerprint == wanted:
            count = count + 1 if run.state == "failed" else 0 if run.state == "completed" else count
    return count >= FAILURES_ALLOWED
