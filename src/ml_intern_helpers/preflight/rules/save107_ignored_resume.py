"""`resume_from_checkpoint` in the config has no effect.

The trainer does not read it: training starts again from the first step and overwrites the old checkpoints. Pass it to
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

import ast

from ml_intern_helpers.preflight.context import ScriptContext
from ml_intern_helpers.preflight.outcome import Outcomes, failed

SEVERITY = "warning"


def check(context: ScriptContext) -> Outcomes:
    if any("resume_from_checkpoint" in context.keywords(call).items or call.args for call in context.methods("train")):
        return
    read_by_script = any(
        isinstance(node, ast.Attribute) and node.attr == "resume_from_checkpoint" and isinstance(node.ctx, ast.Load)
        for node in context.script.places
    )
    for run in context.runs if not read_by_script else ():
        setting = context.setting(run, "resume_from_checkpoint")
        if run.tunable and setting and setting.value.state == "known" and setting.value.value:
            message = "resume_from_checkpoint in the config is not read: training starts from the first step"
            yield failed(message, "pass it to trainer.train(resume_from_checkpoint=…)", setting.node, whole=run.config.call)
