"""KTO is trained with one row per device.

Its loss compares the rows of a batch with each other (the KL estimate pairs each prompt with another row's answer). With
`loss_type="kto"` a per-device batch size of 1 raises ValueError; `apo_zero_unpaired` allows it.

Bad:

    from trl import KTOConfig, KTOTrainer

    config = KTOConfig(output_dir="out", per_device_train_batch_size=1, gradient_accumulation_steps=16)
    KTOTrainer("Qwen/Qwen3-0.6B", args=config, train_dataset=rows).train()

Good:

    from trl import KTOConfig, KTOTrainer

    config = KTOConfig(output_dir="out", per_device_train_batch_size=2, gradient_accumulation_steps=8)
    KTOTrainer("Qwen/Qwen3-0.6B", args=config, train_dataset=rows).train()
"""

from ml_intern_helpers.analysis.values import known
from ml_intern_helpers.preflight.context import ScriptContext
from ml_intern_helpers.preflight.outcome import Outcomes, failed


def check(context: ScriptContext) -> Outcomes:
    for run in context.runs:
        batch = context.setting(run, "per_device_train_batch_size")
        loss = context.value(run, "loss_type", "kto")
        if run.config.role.name == "KTOConfig" and batch and batch.value == known(1) and loss == known("kto"):
            fix = "write per_device_train_batch_size=2 and halve gradient_accumulation_steps"
            yield failed("KTO with a per-device batch of 1: ValueError", fix, batch.node, whole=run.config.call)
