"""The single-job rule: a second job waits until the first is seen training, and the same failure is not paid for a third time."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from ml_intern_helpers.runs.run_record import Run, Runs, fingerprint
from ml_intern_helpers.runs.settlement import running_seconds

#: A job that dies of a bug in its script does so while it installs, loads or takes its first steps.
LONG_ENOUGH_S = 15 * 60
#: The end of a log is where the newest steps are.
_LOG_CHARACTERS = 1024 * 1024
_NUMBER = r"[\"']?(-?(?:\d+\.?\d*(?:[eE][-+]?\d+)?|nan|inf))\b"
#: `{'loss': '2.31', 'epoch': …}` (transformers 5 quotes its figures), `loss: 2.31`, `loss=2.31`, `"train/loss": 2.31`.
_LOSS = re.compile(rf"(?<![\w.-])[\"']?(?:train[/_])?loss[\"']?\s{{0,3}}[:=]\s{{0,3}}{_NUMBER}", re.IGNORECASE)
#: Words before a figure that is not of a training step.
_OTHER = re.compile(r"(eval|valid|val|test)\w{0,10}[ _/-]{0,2}$", re.IGNORECASE)
FAILURES_ALLOWED = 2


class Seen(NamedTuple):
    """What shows that a run trains: `how` in a few words, `loss` the last one read from its log (None: from its state)."""

    how: str
    loss: float | None = None

    @property
    def sound(self) -> bool:
        """A loss that is no number is training that has failed already."""
        return self.loss is None or math.isfinite(self.loss)


def seen_training(log: str = "", job: Mapping[str, Any] | None = None) -> Seen | None:
    """Whether a run has been seen training: steps in its log, else the job's state at the Hub; None when it has not.

    Args:
        log: what the run has printed; a stranger's text, only figures are taken from it.
        job: the Hub's answer about the job. `RUNNING` alone shows nothing: packages are installed in that stage.
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
    """The run that a second one has to wait for: it trains, has not ended, and was not seen training. None when none is.

    A run counts as seen when its `trained_at` is on file (`launching.tell(…, trained_at=…)`).
    """
    open_runs = [run for run in runs.of_task(task_id) if not run.finished and not run.text("trained_at")]
    waiting = [run for run in open_runs if run.values.get("trains") is not False]
    return waiting[-1] if waiting else None


def held_as_third(runs: Runs, command: str, script_sha256: str) -> bool:
    """Whether this command, with this content of its script, has failed so often in a row that something must change first.

    A success of it ends the row; a run that the user stopped does not count.
    """
    asked = fingerprint(command, script_sha256)
    count = 0
    for run in runs.all:
        if run.fingerprint == asked:
            count = count + 1 if run.state == "failed" else 0 if run.state == "completed" else count
    return count >= FAILURES_ALLOWED
