"""Rows to evaluate on that are never evaluated.

`eval_steps` alone switches nothing on: `eval_strategy` is "no" unless set, so the held-out rows are tokenized and
left alone, and nobody sees the model overfit.

Bad:

    from trl import SFTConfig, SFTTrainer

    config = SFTConfig(output_dir="out", eval_steps=100)
    SFTTrainer("Qwen/Qwen3-0.6B", args=config, train_dataset=rows, eval_dataset=held_out).train()

Good:

    from trl import SFTConfig, SFTTrainer

    config = SFTConfig(output_dir="out", eval_steps=100, eval_strategy="steps")
    SFTTrainer("Qwen/Qwen3-0.6B", args=config, train_dataset=rows, eval_dataset=held_out).train()
"""

from __future__ import annotations

from collections.abc import Iterator

from ml_intern_helpers.analysis.values import known
from ml_intern_helpers.preflight.facts import Facts
from ml_intern_helpers.preflight.outcome import Outcome, failed

CODE = "DATA110"
SEVERITY = "warning"
MODES = ("jobs", "local")


def check(facts: Facts) -> Iterator[Outcome]:
    if facts.methods("evaluate"):
        return
    for run in facts.runs:
        steps = facts.setting(run, "eval_steps")
        given = run.tunable and steps and steps.value.state == "known" and steps.value.value
        if steps and given and facts.value(run, "eval_strategy", "no") == known("no"):
            message = 'eval_steps is set, but eval_strategy is "no": the run is never evaluated'
            yield failed(message, 'write eval_strategy="steps"', steps.node, whole=run.config.call)
