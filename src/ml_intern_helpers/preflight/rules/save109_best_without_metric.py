"""`save_strategy="best"` is set without a metric.

The trainer raises `ValueError: args.metric_for_best_model must be provided` at its construction. (With
`load_best_model_at_end=True` the metric is the loss unless another is named.)

Bad:

    from trl import SFTConfig, SFTTrainer

    config = SFTConfig(output_dir="out", save_strategy="best", eval_strategy="steps")
    SFTTrainer("Qwen/Qwen3-0.6B", args=config, train_dataset=rows, eval_dataset=held_out).train()

Good:

    from trl import SFTConfig, SFTTrainer

    config = SFTConfig(output_dir="out", save_strategy="best", eval_strategy="steps", metric_for_best_model="loss")
    SFTTrainer("Qwen/Qwen3-0.6B", args=config, train_dataset=rows, eval_dataset=held_out).train()
"""

from ml_intern_helpers.analysis.values import known
from ml_intern_helpers.preflight.context import ScriptContext
from ml_intern_helpers.preflight.outcome import Outcomes, failed
from ml_intern_helpers.preflight.settings import no_best_metric


def check(context: ScriptContext) -> Outcomes:
    for run in context.runs:
        setting = context.setting(run, "save_strategy")
        if run.tunable and setting and setting.value == known("best") and no_best_metric(context, run):
            message = 'save_strategy="best" without metric_for_best_model: ValueError'
            yield failed(message, 'write metric_for_best_model="loss"', setting.node, whole=run.config.call)
