"""An evaluation dataset is given, but never evaluated.

`eval_steps` alone has no effect: `eval_strategy` is "no" unless it is set. The held-out rows are tokenized and not used, and
nobody sees the model overfit.

Bad:

    from trl import SFTConfig, SFTTrainer

    config = SFTConfig(output_dir="out", eval_steps=100)
    SFTTrainer("Qwen/Qwen3-0.6B", args=config, train_dataset=rows, eval_dataset=held_out).train()

Good:

    from trl import SFTConfig, SFTTrainer

    config = SFTConfig(output_dir="out", eval_steps=100, eval_strategy="steps")
    SFTTrainer("Qwen/Qwen3-0.6B", args=config, train_dataset=rows, eval_dataset=held_out).train()
"""

from ml_intern_helpers.analysis.values import known
from ml_intern_helpers.preflight.context import ScriptContext
from ml_intern_helpers.preflight.outcome import Outcomes, failed

SEVERITY = "warning"


def check(context: ScriptContext) -> Outcomes:
    if context.methods("evaluate"):
        return
    for run in context.runs:
        steps = context.setting(run, "eval_steps")
        is_set = run.tunable and steps and steps.value.state == "known" and steps.value.value
        if steps and is_set and context.value(run, "eval_strategy", "no") == known("no"):
            message = 'eval_steps is set, but eval_strategy is "no": the run is never evaluated'
            yield failed(message, 'write eval_strategy="steps"', steps.node, whole=run.config.call)
