"""GRPO's batch is not divisible by the number of generations.

Per-device batch size x accumulation steps x processes must be a multiple of `num_generations`, and `num_generations` must be
at least 2; otherwise the config raises ValueError. The reason: a batch holds whole groups of answers to one prompt.

Bad:

    from trl import GRPOConfig, GRPOTrainer

    config = GRPOConfig(output_dir="out", per_device_train_batch_size=4, gradient_accumulation_steps=1, num_generations=8)
    GRPOTrainer("Qwen/Qwen3-0.6B", reward_funcs=reward, args=config, train_dataset=rows).train()

Good:

    from trl import GRPOConfig, GRPOTrainer

    config = GRPOConfig(output_dir="out", per_device_train_batch_size=4, gradient_accumulation_steps=2, num_generations=8)
    GRPOTrainer("Qwen/Qwen3-0.6B", reward_funcs=reward, args=config, train_dataset=rows).train()
"""

from ml_intern_helpers.analysis.values import Value, computed
from ml_intern_helpers.indexes.jobs import FLAVORS
from ml_intern_helpers.preflight.context import Run, ScriptContext
from ml_intern_helpers.preflight.outcome import Outcomes, failed, unknown

#: Default of num_generations by config (trl 1.16).
GENERATIONS = {"GRPOConfig": 8, "RLOOConfig": 2}
#: Numbers of processes that a fix may suggest, in this order.
_PROCESSES = (2, 4, 8, 16, 3, 6)


def check(context: ScriptContext) -> Outcomes:
    for run in context.runs:
        if run.config.role.name not in GENERATIONS or run.config.role.library != "trl" or not context.uses_current("trl"):
            continue
        product = _batch_of_one_process(context, run)
        count = context.value(run, "num_generations", GENERATIONS[run.config.role.name])
        if product is None or not count.settled or not isinstance(count.value, int):
            continue
        if count.value < 2:
            message, fix = f"num_generations={count.value}: it must be at least 2, ValueError", "write num_generations=8"
        elif product.value % count.value:
            size = f"batch x accumulation = {product.value}"
            message = f"{size} is not a multiple of num_generations={count.value}: ValueError on one process"
            processes = next((number for number in _PROCESSES if product.value * number % count.value == 0), None)
            fix = f"make it a multiple of {count.value}" + (f" (or launch {processes} processes)" if processes else "")
        else:
            continue
        by_default = ", ".join(value.reason for value in (product, count) if value.state == "default")
        if by_default:  # the command line may set other values
            yield unknown(f"with the defaults of {by_default}: {message}", run.config.line)
        else:
            # On a flavor with several GPUs, a launcher may start one process for each.
            gpus = FLAVORS.get(context.flavor or "", (0, ""))[0]
            setting = context.setting(run, "num_generations")
            at = setting.node if setting else run.config.call
            yield failed(message, fix, at, severity="warning" if gpus > 1 else None, whole=run.config.call)


def _batch_of_one_process(context: ScriptContext, run: Run) -> Value | None:
    """The size of a generation batch on one process, None when a part of it is not settled."""
    whole = context.value(run, "generation_batch_size")
    if isinstance(whole.value, int):
        return whole
    per_generation = context.value(run, "steps_per_generation")
    steps = per_generation if per_generation.value is not None else context.value(run, "gradient_accumulation_steps", 1)
    batch = context.value(run, "per_device_train_batch_size", 8)
    unclear = not (whole.settled and per_generation.settled and steps.settled and batch.settled)
    if unclear or not isinstance(steps.value, int) or not isinstance(batch.value, int):
        return None
    return computed(batch.value * steps.value, (batch, steps))
