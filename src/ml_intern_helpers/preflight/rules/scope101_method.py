"""The script trains with another method than the user agreed to.

`.ml-intern/task.json` holds what the user asked for. A script that silently trains with another method does not
deliver what was agreed. If the agreed method is not possible, ask the user.

Bad:

    from trl import DPOConfig, DPOTrainer  # agreed: "method": "sft"

    DPOTrainer("Qwen/Qwen3-0.6B", args=DPOConfig(output_dir="out"), train_dataset=rows).train()

Good:

    from trl import SFTConfig, SFTTrainer  # agreed: "method": "sft"

    SFTTrainer("Qwen/Qwen3-0.6B", args=SFTConfig(output_dir="out"), train_dataset=rows).train()
"""

from ml_intern_helpers.preflight.agreement import not_as_agreed
from ml_intern_helpers.preflight.context import ScriptContext
from ml_intern_helpers.preflight.outcome import Outcomes, passed, unknown

_TRAINERS = {"sft": "SFTTrainer", "dpo": "DPOTrainer", "grpo": "GRPOTrainer", "kto": "KTOTrainer", "reward": "RewardTrainer"}


def check(context: ScriptContext) -> Outcomes:
    agreed = context.agreed("method")
    if not isinstance(agreed, str) or agreed not in _TRAINERS:
        return
    trainers = [trainer for trainer in context.trainers if trainer.role.library == "trl"]
    fitting = [trainer for trainer in trainers if trainer.role.name == _TRAINERS[agreed]]
    if fitting:
        yield passed(f"{fitting[0].role.name}: {agreed} as agreed", fitting[0].line)
    elif trainers:
        yield not_as_agreed("the trainer", trainers[0].role.name, _TRAINERS[agreed], trainers[0].call)
    else:
        yield unknown(f"whether {context.training.method or 'the script'} is {agreed}, as agreed", context.training.line)
