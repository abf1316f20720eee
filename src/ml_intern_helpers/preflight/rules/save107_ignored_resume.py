"""`resume_from_checkpoint` in the config does nothing.

The trainer does not read it: training starts from the first step again, over the old checkpoints. It belongs into
`trainer.train(resume_from_checkpoint=…)`.

Bad:

    from trl import SFTConfig, SFTTrainer

    config = SFTConfig(output_dir="out", resume_from_checkpoint=True)
    SFTTrainer("Qwen/Qwen3-0.6B", args=config, train_dataset=rows).train()

Good:

    from trl import SFTConfig, SFTTrainer

    config = SFTConfig(output_dir="out", resume_from_checkpoint=None)
    trainer = SFTTrainer("Qwen/Qwen3-0.6B", args=config, train_dataset=rows)
    trainer.train(resume_from_checkpoint=config.resume_from_checkpoint)
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ml_intern_helpers.preflight.facts import Facts
from ml_intern_helpers.preflight.outcome import Outcome, failed

CODE = "SAVE107"
SEVERITY = "warning"
MODES = ("jobs", "local")


def check(facts: Facts) -> Iterator[Outcome]:
    if any("resume_from_checkpoint" in facts.keywords(call).items or call.args for call in facts.methods("train")):
        return
    for run in facts.runs:
        setting = facts.setting(run, "resume_from_checkpoint")
        if run.tunable and setting and setting.value.state == "known" and setting.value.value and not _read(facts):
            message = "resume_from_checkpoint in the config is not read: training starts from the first step"
            yield failed(message, "give it to trainer.train(resume_from_checkpoint=…)", setting.node, whole=run.config.call)


def _read(facts: Facts) -> bool:
    """Something in the script takes it from the config."""
    return any(
        isinstance(node, ast.Attribute) and node.attr == "resume_from_checkpoint" and isinstance(node.ctx, ast.Load)
        for node in facts.script.places
    )
