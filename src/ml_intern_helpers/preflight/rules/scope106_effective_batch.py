"""The effective batch size differs from what the user agreed to.

The rows per update are `per_device_train_batch_size` x `gradient_accumulation_steps` x processes. When memory is short,
reduce the first factor and raise the second, so that the product stays the same.

Bad:

    from trl import SFTConfig, SFTTrainer  # agreed: "effective_batch": 32

    config = SFTConfig(output_dir="out", per_device_train_batch_size=5, gradient_accumulation_steps=4)
    SFTTrainer("Qwen/Qwen3-0.6B", args=config, train_dataset=rows).train()

Good:

    from trl import SFTConfig, SFTTrainer  # agreed: "effective_batch": 32

    config = SFTConfig(output_dir="out", per_device_train_batch_size=4, gradient_accumulation_steps=8)
    SFTTrainer("Qwen/Qwen3-0.6B", args=config, train_dataset=rows).train()
"""

from ml_intern_helpers.preflight.agreement import as_agreed, not_as_agreed
from ml_intern_helpers.preflight.context import Run, ScriptContext
from ml_intern_helpers.preflight.outcome import Outcome, Outcomes, at_run_time, passed, unknown
from ml_intern_helpers.runs.differences import Batch

#: The defaults of the two arguments in TRL's and transformers' configs (the tests compare them with the library).
PER_DEVICE, ACCUMULATION = 8, 1


def check(context: ScriptContext) -> Outcomes:
    agreed = context.agreed("effective_batch")
    if isinstance(agreed, int) and agreed > 0:
        for run in context.runs:
            if run.tunable:
                yield _outcome(context, run, agreed)


def _outcome(context: ScriptContext, run: Run, agreed: int) -> Outcome:
    size = context.value(run, "per_device_train_batch_size", PER_DEVICE)
    steps = context.value(run, "gradient_accumulation_steps", ACCUMULATION)
    for value in (size, steps):
        if value.state == "unknown":
            return unknown(f"the effective batch: {value.reason}", run.config.line)
        if not isinstance(value.value, int):
            return at_run_time(f"the effective batch: {value.reason}; agreed is {agreed}", run.config.line)
    product, factors = size.value * steps.value, f"{size.value} x {steps.value}"
    gpus = context.hardware[0]
    processes = 0 if gpus is None else max(1, gpus)  # 0: the launch decides
    if as_agreed("effective_batch", agreed, Batch(size.value, steps.value, processes or None)):
        count = processes or agreed // product
        return passed(f"{factors} x {count} process{'es' if count > 1 else ''} = {agreed} as agreed", run.config.line)
    if "default" in (size.state, steps.state):
        names = ", ".join(value.reason for value in (size, steps) if value.state == "default")
        return at_run_time(f"the effective batch is {factors} by default, agreed is {agreed}: {names} decides", run.config.line)
    setting = context.setting(run, "per_device_train_batch_size") or context.setting(run, "gradient_accumulation_steps")
    actual = f"{factors} = {product} per process"
    if processes:
        actual = f"{factors} x {processes} GPU{'s' if processes > 1 else ''} = {product * processes}"
    return not_as_agreed("the effective batch", actual, agreed, setting.node if setting else run.config.call, run.config.call)
