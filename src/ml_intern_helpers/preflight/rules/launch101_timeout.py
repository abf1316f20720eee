"""The job has less than two hours, or the default of 30 minutes.

Without a timeout Jobs stop a run after 30 minutes, whatever it has reached; the model that was not pushed by then is
lost. Loading, tokenizing and the first evaluation alone take longer than one thinks. A smoke run (at most 50 steps of
its own) is exempt.

Bad:

    # /// script
    # dependencies = ["trl"]
    # ///
    from trl import SFTConfig, SFTTrainer

    SFTTrainer("Qwen/Qwen3-0.6B", args=SFTConfig(output_dir="out"), train_dataset=rows).train()

Good:

    # /// script
    # dependencies = ["trl"]
    # [tool.hf-jobs]
    # timeout = "4h"
    # ///
    from trl import SFTConfig, SFTTrainer

    SFTTrainer("Qwen/Qwen3-0.6B", args=SFTConfig(output_dir="out"), train_dataset=rows).train()
"""

from __future__ import annotations

from collections.abc import Iterator

from ml_intern_helpers.preflight.asking import shown
from ml_intern_helpers.preflight.facts import Facts
from ml_intern_helpers.preflight.knowledge.jobs import LEAST_TRAINING_TIMEOUT_S, timeout_seconds
from ml_intern_helpers.preflight.outcome import Outcome, failed, passed

CODE = "LAUNCH101"
SEVERITY = "error"
MODES = ("jobs",)

_FIX = 'write timeout = "4h" under [tool.hf-jobs] in the script block (one that fits model and flavor, 2h or more)'


def check(facts: Facts) -> Iterator[Outcome]:
    jobs = facts.header.jobs or {}
    line = facts.header.line_with("timeout", "=")
    if "timeout" not in jobs:
        if facts.smoke is not None:
            yield passed(f"smoke run of {facts.smoke[0]} steps: 30 minutes will do", facts.smoke[1])
        else:
            fix = f"{_FIX}; if the launch itself passes --timeout, say so in a suppression"
            yield failed("no timeout: Jobs stop the run after 30 minutes", fix, facts.header.line)
        return
    seconds = timeout_seconds(str(jobs["timeout"]))
    if seconds is None:
        return  # LAUNCH102's business
    if seconds >= LEAST_TRAINING_TIMEOUT_S:
        yield passed(f"timeout = {shown(jobs['timeout'])}", line)
    elif facts.smoke is not None:
        yield passed(f"timeout = {shown(jobs['timeout'])} for a smoke run of {facts.smoke[0]} steps", line)
    else:
        yield failed(f"timeout = {shown(jobs['timeout'])} is {seconds / 3600:.1f} h: training gets at least 2 h", _FIX, line)
