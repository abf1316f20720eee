"""The weights are loaded in float32 by default.

TRL loads a model given by its name in float32: 4 bytes per parameter, the same for the gradients, and 8 for AdamW. Such
training is sound, with bf16 for the arithmetic, but needs twice the memory that most people expect. For information only:
`detect_compute` tells whether it fits.

Bad:

    # /// script
    # [tool.hf-jobs]
    # flavor = "a10g-large"
    # ///
    from trl import SFTConfig, SFTTrainer

    SFTTrainer("Qwen/Qwen3-0.6B", args=SFTConfig(output_dir="out"), train_dataset=rows).train()

Good:

    # /// script
    # [tool.hf-jobs]
    # flavor = "a10g-large"
    # ///
    from trl import SFTConfig, SFTTrainer

    config = SFTConfig(output_dir="out", model_init_kwargs={"dtype": "bfloat16"})
    SFTTrainer("Qwen/Qwen3-0.6B", args=config, train_dataset=rows).train()
"""

import ast

from ml_intern_helpers.analysis.values import known
from ml_intern_helpers.preflight.context import ScriptContext
from ml_intern_helpers.preflight.outcome import Outcomes, failed

SEVERITY = "info"


def check(context: ScriptContext) -> Outcomes:
    known_gpus = context.hardware[0] or 0
    for run in context.runs if known_gpus and not context.patched_by and context.uses_current("trl") else ():
        model, adapter = context.argument(run.trainer, "model"), context.argument(run.trainer, "peft_config")
        by_name = model is not None and model.value.state == "known" and isinstance(model.value.value, str)
        full = adapter is None or adapter.value == known(None)
        loading = context.setting(run, "model_init_kwargs")
        entries = context.entries(loading.node) if loading and isinstance(loading.node, ast.expr) else None
        unnamed = loading is None or (entries is not None and not entries.open and "dtype" not in entries.items)
        if model and by_name and run.trainer.role.library == "trl" and full and unnamed:
            message = "the model is loaded in float32 (TRL's default for a name): 16 bytes a parameter with gradients and AdamW"
            fix = 'if memory is short: model_init_kwargs={"dtype": "bfloat16"} halves it'
            yield failed(message, fix, model.node, severity="info")
