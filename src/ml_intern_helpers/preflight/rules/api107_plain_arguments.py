"""A trainer of TRL gets `TrainingArguments` where it needs its own config.

The trainer raises `AttributeError` when it first reads a setting of its method (`model_init_kwargs`, `beta`, …), before
anything is trained. Only SFTTrainer turns plain TrainingArguments into its own config. Settings of the method that such
scripts pass to the trainer itself (`beta=`, `max_length=`, `loss_type=`) belong in that config too.

Bad:

    from transformers import TrainingArguments
    from trl import DPOTrainer

    args = TrainingArguments(output_dir="out")
    DPOTrainer("Qwen/Qwen3-0.6B", args=args, train_dataset=rows).train()

Good:

    from trl import DPOConfig, DPOTrainer

    args = DPOConfig(output_dir="out")
    DPOTrainer("Qwen/Qwen3-0.6B", args=args, train_dataset=rows).train()
"""

from ml_intern_helpers.preflight.context import ScriptContext
from ml_intern_helpers.preflight.outcome import Outcomes, failed, unknown

#: The tests run each of these with plain TrainingArguments.
TRAINERS = ("DPOTrainer", "GRPOTrainer", "KTOTrainer", "RewardTrainer", "RLOOTrainer")


def check(context: ScriptContext) -> Outcomes:
    for run in context.runs:
        trainer, config = run.trainer, run.config
        needs_own = trainer.role.library == "trl" and trainer.role.name in TRAINERS and not trainer.own_init
        # A local subclass may define the settings that TRL reads.
        plain = config.role.library == "transformers" and not config.own_init and not config.declared
        if not (needs_own and plain and context.error_stops_run(trainer.call) and context.error_stops_run(config.call)):
            continue
        name, config_name = trainer.role.name, config.role.name
        own = name.replace("Trainer", "Config")
        ambiguous = sum(other.trainer is trainer for other in context.runs) > 1
        if not context.uses_current("trl") or context.patched_by or ambiguous:
            yield unknown(f"whether {name} gets {config_name}: it needs {own}", config.line)
        else:
            fix = f"replace {config_name} by {own} (from trl import {own}); the method's settings go into it, not into {name}(…)"
            yield failed(f"{name} with args={config_name}(…): AttributeError, it needs {own}", fix, config.call)
