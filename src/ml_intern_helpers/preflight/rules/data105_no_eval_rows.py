"""An evaluation is scheduled, but there is no evaluation dataset.

The trainer raises ValueError at construction when `eval_strategy` is set and no `eval_dataset` is given.

Bad:

    from trl import SFTConfig, SFTTrainer

    config = SFTConfig(output_dir="out", eval_strategy="steps", eval_steps=100)
    SFTTrainer("Qwen/Qwen3-0.6B", args=config, train_dataset=rows).train()

Good:

    from trl import SFTConfig, SFTTrainer

    config = SFTConfig(output_dir="out", eval_strategy="steps", eval_steps=100)
    SFTTrainer("Qwen/Qwen3-0.6B", args=config, train_dataset=rows, eval_dataset=held_out).train()
"""

from ml_intern_helpers.preflight.context import ScriptContext
from ml_intern_helpers.preflight.outcome import Outcomes, failed
from ml_intern_helpers.preflight.settings import shown


def check(context: ScriptContext) -> Outcomes:
    for run in context.runs:
        strategy = context.setting(run, "eval_strategy")
        rows = context.argument(run.trainer, "eval_dataset")
        by_position = len(run.trainer.call.args) > len(("model", "args", "data_collator"))
        if not (run.tunable and strategy and strategy.value.state == "known") or by_position or run.trainer.own_init:
            continue
        missing = rows is None or (rows.value.state == "known" and rows.value.value is None)
        if missing and strategy.value.value not in ("no", None):
            message = f"eval_strategy={shown(strategy.value.value)} without an eval_dataset: ValueError"
            fix = "split off a held-out part (rows.train_test_split(…)) and pass it as eval_dataset="
            yield failed(message, fix, strategy.node, whole=run.config.call)
