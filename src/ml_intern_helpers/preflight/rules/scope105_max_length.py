"""`max_length` differs from what the user agreed to.

Reducing it until the memory suffices cuts off the ends of long rows, usually the answers, without a message.

Bad:

    from trl import SFTConfig, SFTTrainer  # agreed: "max_length": 2048

    SFTTrainer("Qwen/Qwen3-0.6B", args=SFTConfig(output_dir="out", max_length=512), train_dataset=rows).train()

Good:

    from trl import SFTConfig, SFTTrainer  # agreed: "max_length": 2048

    SFTTrainer("Qwen/Qwen3-0.6B", args=SFTConfig(output_dir="out", max_length=2048), train_dataset=rows).train()
"""

from ml_intern_helpers.preflight.agreement import compare_setting
from ml_intern_helpers.preflight.context import ScriptContext
from ml_intern_helpers.preflight.outcome import Outcomes

#: The default of `max_length` in the configs that have it (the tests compare it with the library).
DEFAULT = 1024
CONFIGS = ("SFTConfig", "DPOConfig", "KTOConfig", "RewardConfig")


def check(context: ScriptContext) -> Outcomes:
    agreed = context.agreed("max_length")
    if isinstance(agreed, int):
        for run in context.runs:
            if run.config.role.library == "trl" and run.config.role.name in CONFIGS:
                yield compare_setting(context, run, "max_length", agreed, DEFAULT, "max_length")
