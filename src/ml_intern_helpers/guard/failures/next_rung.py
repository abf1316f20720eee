"""The out-of-memory procedure for one launch: smaller batch with more accumulation, checkpointing, a bigger card, or ask."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_intern_helpers.indexes.jobs import FLAVORS

if TYPE_CHECKING:
    from ml_intern_helpers.preflight.context import Run, ScriptContext
    from ml_intern_helpers.preflight.launch_check import Judged

#: As SKILL.md has them: one larger card first, then sharded over several of it.
_BIGGER = {"a100-large": "a100x4", "a100x4": "a100x8"}
_ONE_LARGE, _SEVERAL = "a100-large", "a100x4"
#: Flavors with as much memory on each card as `_ONE_LARGE`, or more, and nothing above them in the procedure.
_LARGEST = frozenset({"a100x8", "h200", "h200x2", "h200x4", "h200x8", "rtx-pro-6000", "rtx-pro-6000x2", "rtx-pro-6000x4"})
_PER_DEVICE, _ACCUMULATION = 8, 1
_GENERIC = (
    "1. per_device_train_batch_size halved, gradient_accumulation_steps doubled (the effective batch stays; KTO keeps 2 rows, "
    "GRPO's product still divides by num_generations)",
    "2. activation_checkpointing=True if it is off  3. a bigger card, its price confirmed",
)
NEVER = "not without the user: LoRA or QLoRA, a shorter max_length, a smaller model; then the same smoke run again"


def next_rung(judged: Judged | None, where: str) -> list[str]:
    """The step that comes next for this launch, read from its script; the whole procedure where that cannot be read."""
    facts = judged.examination.context if judged is not None else None
    runs = [run for run in facts.runs if run.tunable] if facts is not None else []
    if facts is None or not runs:
        return [*_GENERIC, NEVER]
    return [_step(facts, runs[0], where), NEVER]


def _step(facts: ScriptContext, run: Run, where: str) -> str:
    batch = facts.value(run, "per_device_train_batch_size", _PER_DEVICE)
    steps = facts.value(run, "gradient_accumulation_steps", _ACCUMULATION)
    if not isinstance(batch.value, int) or not isinstance(steps.value, int) or batch.value < 1 or steps.value < 1:
        return f"{_GENERIC[0]}; the values of this script are set at run time"
    least = 2 if run.config.role.name == "KTOConfig" else 1
    smaller = _smaller(batch.value, least)
    if smaller:
        return _rows(batch.value, steps.value, smaller, run.config.role.name)
    if _checkpointing_is_off(facts, run):
        return f"activation_checkpointing=True (it is off); the batch is down to {batch.value} already"
    return _bigger(facts, where)


def _smaller(batch: int, least: int) -> int:
    """The largest proper divisor that is allowed, so that the product can stay; 0 where there is none."""
    return next((size for size in range(batch // 2, least - 1, -1) if batch % size == 0), 0)


def _rows(batch: int, steps: int, smaller: int, config: str) -> str:
    more = steps * (batch // smaller)
    kept = f"effective batch {batch * steps} per process, as before"
    also = "; generation_batch_size and num_generations stay, the product is the same" if config == "GRPOConfig" else ""
    return f"per_device_train_batch_size {batch} -> {smaller}, gradient_accumulation_steps {steps} -> {more} ({kept}{also})"


def _checkpointing_is_off(facts: ScriptContext, run: Run) -> bool:
    """TRL has it on by default."""
    names = ("activation_checkpointing", "gradient_checkpointing")
    found = [setting.value.value for name in names if (setting := facts.setting(run, name)) and setting.value.settled]
    return any(value is False for value in found)


def _bigger(facts: ScriptContext, where: str) -> str:
    first = "batch and checkpointing give no more"
    if where != "jobs":
        return f"{first}: free what else is on the card (`nvidia-smi`), else Jobs with the user's word, or stop and ask"
    flavor = (facts.header.jobs or {}).get("flavor")
    if not isinstance(flavor, str):
        return f"{first}: a bigger card, `{_ONE_LARGE}` first; its price is confirmed by the user"
    if flavor in _LARGEST:
        return f"{first}, and {flavor} is the largest of the procedure: stop and ask the user"
    bigger = _BIGGER.get(flavor, _SEVERAL if FLAVORS.get(flavor, (1, ""))[0] > 1 else _ONE_LARGE)
    shard = "; several cards help only when the model is sharded (FSDP, DeepSpeed), and accumulation is divided by their number"
    return (
        f"{first}: {flavor} -> {bigger}, its price confirmed (`budget --flavor {bigger} --for …`){shard if 'x' in bigger else ''}"
    )
