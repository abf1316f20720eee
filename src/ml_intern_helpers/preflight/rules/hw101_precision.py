"""The precision does not fit the hardware.

TRL trains in bf16 unless told otherwise. Without a GPU this raises ValueError at construction; write `use_cpu=True` or
`bf16=False`. A T4 has no bf16 units and needs fp16. Setting both raises ValueError. A script for any card should choose at
run time.

Bad:

    # /// script
    # dependencies = ["trl"]
    # [tool.hf-jobs]
    # flavor = "cpu-upgrade"
    # timeout = "2h"
    # ///
    from trl import SFTConfig, SFTTrainer

    SFTTrainer("Qwen/Qwen3-0.6B", args=SFTConfig(output_dir="out"), train_dataset=rows).train()

Good:

    import torch
    from trl import SFTConfig, SFTTrainer

    gpu = torch.cuda.is_available()
    bf16 = gpu and torch.cuda.is_bf16_supported(including_emulation=False)
    config = SFTConfig(output_dir="out", bf16=bf16, fp16=gpu and not bf16, use_cpu=not gpu)
    SFTTrainer("Qwen/Qwen3-0.6B", args=config, train_dataset=rows).train()
"""

from ml_intern_helpers.analysis.values import known
from ml_intern_helpers.preflight.context import Run, ScriptContext
from ml_intern_helpers.preflight.outcome import Outcomes, failed


def check(context: ScriptContext) -> Outcomes:
    for run in context.runs:
        if not run.tunable:
            continue
        bf16, fp16 = context.setting(run, "bf16"), context.setting(run, "fp16")
        if bf16 and fp16 and bf16.value == fp16.value == known(True):
            yield failed("fp16=True and bf16=True: ValueError", "keep only one of them", run.config.call)
        elif _bf16_is_on(context, run):
            gpus, card = context.hardware
            choose = "bf16 = torch.cuda.is_available() and torch.cuda.is_bf16_supported(including_emulation=False)"
            at = bf16.node if bf16 else run.config.call
            how = "bf16=True" if bf16 else "bf16 is on by TRL's default"
            if gpus == 0:
                message = f"{how}, and the flavor {context.flavor} has no GPU: ValueError"
                yield failed(message, "write use_cpu=True, or choose a GPU flavor", at, whole=run.config.call)
            elif card == "T4":
                message = f"{how}, and the T4 of {context.flavor} has no bf16 units"
                yield failed(message, "write bf16=False, fp16=True", at, severity="warning", whole=run.config.call)
            elif gpus is None and bf16 is None:
                message = f"{how}: ValueError without a GPU, and a T4 has no bf16 units"
                yield failed(message, f"choose by the card: {choose}", at, severity="info", whole=run.config.call)


def _bf16_is_on(context: ScriptContext, run: Run) -> bool:
    """Whether bf16 is certainly on: by the script, or by TRL's default, which applies unless fp16 is on."""
    bf16, fp16 = context.value(run, "bf16"), context.value(run, "fp16")
    on_cpu = context.value(run, "use_cpu", False)
    if not bf16.state == fp16.state == on_cpu.state == "known" or on_cpu.value:
        return False
    if bf16.value is not None or fp16.value or run.config.role.library != "trl":
        return bf16.value is True
    # TRL's configs turn bf16 on where it is None; older ones inherit False from TrainingArguments.
    resolved = context.offers.walk(f"trl.{run.config.role.name}")
    call = context.offers.call_of(resolved.origin) if resolved.state == "found" and not resolved.rest else None
    if call is None:  # an experimental config
        return context.uses_current("trl")
    return any(argument.name == "bf16" and argument.default == "None" for argument in call.arguments)
