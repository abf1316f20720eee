"""The precision does not fit the hardware.

TRL trains in bf16 unless told otherwise. Without a GPU that raises ValueError at construction (`use_cpu=True` or
`bf16=False`); a T4 has no bf16 units: there fp16. Both at once are refused. A script for any card chooses when it runs.

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

from __future__ import annotations

from ml_intern_helpers.indexes.jobs import FLAVORS
from ml_intern_helpers.preflight.context import Run, ScriptContext
from ml_intern_helpers.preflight.outcome import Outcomes, failed

SEVERITY = "error"


def check(context: ScriptContext) -> Outcomes:
    for run in context.runs:
        both = [context.setting(run, name) for name in ("bf16", "fp16")] if run.tunable else []
        if both and all(one is not None and one.value.state == "known" and one.value.value is True for one in both):
            yield failed("fp16=True and bf16=True: ValueError", "write one of them", run.config.call)
        elif run.tunable and _bf16(context, run):
            yield from _judged(context, run)


def _bf16(context: ScriptContext, run: Run) -> bool:
    """bf16 is surely on: written, or by TRL's default, which holds unless fp16 is on."""
    bf16, fp16 = context.value(run, "bf16"), context.value(run, "fp16")
    on_cpu = context.value(run, "use_cpu", False)
    if not bf16.state == fp16.state == on_cpu.state == "known" or on_cpu.value:
        return False
    return bf16.value is True or (bf16.value is None and not fp16.value and _by_default(context, run))


def _by_default(context: ScriptContext, run: Run) -> bool:
    """TRL's configs decide for bf16 where it is None; older ones inherit the False of TrainingArguments."""
    if run.config.role.library != "trl":
        return False
    found = context.offers.walk(f"trl.{run.config.role.name}")
    call = context.offers.call_of(found.origin) if found.state == "found" and not found.rest else None
    if call is None:  # an experimental one
        return context.uses_current("trl")
    return any(argument.name == "bf16" and argument.default == "None" for argument in call.arguments)


def _judged(context: ScriptContext, run: Run) -> Outcomes:
    flavor = (context.header.jobs or {}).get("flavor") if context.mode == "jobs" else None
    gpus, card = FLAVORS.get(flavor, (None, "")) if isinstance(flavor, str) else (None, "")
    choose = "bf16 = torch.cuda.is_available() and torch.cuda.is_bf16_supported(including_emulation=False)"
    setting = context.setting(run, "bf16")
    at = setting.node if setting else run.config.call
    how = "bf16=True" if setting else "bf16 is on by TRL's default"
    if gpus == 0:
        message = f"{how}, and the flavor {flavor} has no GPU: ValueError"
        yield failed(message, "write use_cpu=True, or choose a GPU flavor", at, whole=run.config.call)
    elif card == "T4":
        message = f"{how}, and the T4 of {flavor} has no bf16 units"
        yield failed(message, "write bf16=False, fp16=True", at, severity="warning", whole=run.config.call)
    elif gpus is None and setting is None:
        message = f"{how}: ValueError without a GPU, and a T4 has no bf16 units"
        yield failed(message, f"choose by the card: {choose}", at, severity="info", whole=run.config.call)
