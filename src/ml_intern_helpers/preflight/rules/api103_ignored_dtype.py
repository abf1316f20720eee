"""`torch_dtype` in `model_init_kwargs` has no effect.

TRL reads the key `dtype` there and loads float32 when it is missing; `torch_dtype` is dropped without a message. The model
takes twice the planned memory, which leads to an out-of-memory crash or to a larger card than needed.

Bad:

    from trl import SFTConfig, SFTTrainer

    config = SFTConfig(output_dir="out", model_init_kwargs={"torch_dtype": "bfloat16"})
    SFTTrainer("Qwen/Qwen3-0.6B", args=config, train_dataset=rows).train()

Good:

    from trl import SFTConfig, SFTTrainer

    config = SFTConfig(output_dir="out", model_init_kwargs={"dtype": "bfloat16"})
    SFTTrainer("Qwen/Qwen3-0.6B", args=config, train_dataset=rows).train()
"""

import ast

from ml_intern_helpers.preflight.context import ScriptContext
from ml_intern_helpers.preflight.outcome import Outcomes, failed


def check(context: ScriptContext) -> Outcomes:
    for config in context.configs:
        setting = config.entries.items.get("model_init_kwargs")
        if config.role.library != "trl" or setting is None or not isinstance(setting.node, ast.expr):
            continue
        entries = context.entries(setting.node)
        old_key = entries.items.get("torch_dtype")
        if old_key and "dtype" not in entries.items and context.uses_current("trl") and not context.patched_by:
            message = "torch_dtype in model_init_kwargs is ignored: the model is loaded in float32"
            yield failed(message, 'write {"dtype": …}', old_key.node, whole=config.call, rename="dtype")
