"""The script trains an adapter where full training was agreed, or the other way round.

Turning full fine-tuning into LoRA because memory is short (or LoRA into QLoRA) gives another model than the one that was
asked for. Smaller batches with more accumulation, gradient checkpointing or a larger card keep the task as agreed.

Bad:

    from peft import LoraConfig
    from trl import SFTTrainer  # agreed: "adapter": "full"

    SFTTrainer("Qwen/Qwen3-0.6B", train_dataset=rows, peft_config=LoraConfig()).train()

Good:

    from trl import SFTTrainer  # agreed: "adapter": "full"

    SFTTrainer("Qwen/Qwen3-0.6B", train_dataset=rows).train()
"""

import ast

from ml_intern_helpers.analysis.names import dotted
from ml_intern_helpers.analysis.values import Entries, Value, known, runtime, unknown
from ml_intern_helpers.preflight.agreement import compare_value, leaves
from ml_intern_helpers.preflight.context import Run, ScriptContext
from ml_intern_helpers.preflight.outcome import Outcomes

_QUANTIZED = ("load_in_4bit", "load_in_8bit", "quantization_config")


def check(context: ScriptContext) -> Outcomes:
    agreed = context.agreed("adapter")
    if agreed not in ("full", "lora", "qlora"):
        return
    for run in context.runs:
        value, at = _adapter(context, run)
        yield compare_value("the training", value, agreed, at, run.trainer.call, "adapter")


def _adapter(context: ScriptContext, run: Run) -> tuple[Value, ast.AST]:
    """(`full`, `lora` or `qlora`, the node that determines it)."""
    wrapped = context.methods("get_peft_model") + context.calls.get("peft.get_peft_model", [])
    setting = context.argument(run.trainer, "peft_config")
    if wrapped:
        conditional = any(guard.kind in ("if", "else") for guard in context.script.places[wrapped[0]].guards)
        return runtime("a condition decides") if conditional else _lora(context), wrapped[0]
    if setting is None:
        return known("full"), run.trainer.call
    if not isinstance(setting.node, ast.expr) or setting.value.state == "unknown":
        return unknown(setting.value.reason or "peft_config is set elsewhere"), setting.node
    kinds: set[str | None] = set()
    for leaf in leaves(context.script, setting.node):
        target = dotted(context.script, leaf.func) if isinstance(leaf, ast.Call) else None
        peft = target is not None and target.name.startswith("peft.") and target.name.endswith("Config")
        nothing = isinstance(leaf, ast.Constant) and leaf.value is None
        kinds.add("full" if nothing else "lora" if peft else None)
    if len(kinds) == 1 and None not in kinds:
        return (_lora(context) if kinds == {"lora"} else known("full")), setting.node
    return runtime(f"peft_config=`{context.source.segment(setting.node)}` decides"), setting.node


def _lora(context: ScriptContext) -> Value:
    """`lora`, `qlora` on quantized weights, or a run-time value where quantization is decided at run time."""
    quantized = {_quantized(context, context.keywords(call)) for call in context.methods("from_pretrained")}
    for run in context.runs:
        setting = context.setting(run, "model_init_kwargs")
        if setting is not None and setting.value != known(None):
            quantized.add(_quantized(context, context.entries(setting.node)) if isinstance(setting.node, ast.expr) else None)
    if None in quantized:
        return runtime("quantization is decided at run time")
    return known("qlora" if True in quantized else "lora")


def _quantized(context: ScriptContext, entries: Entries) -> bool | None:
    """True when the weights are surely quantized, False when surely not, None when the run decides."""
    answers: set[bool | None] = set()
    for setting in (entries.items[name] for name in _QUANTIZED if name in entries.items):
        if setting.value.settled:
            answers.add(bool(setting.value.value) if setting.value.state == "known" else None)
        elif isinstance(setting.node, ast.expr):
            built = [isinstance(leaf, ast.Call) for leaf in leaves(context.script, setting.node)]
            answers.add(True if all(built) else None)
    if True in answers:
        return True
    return None if None in answers or entries.open else False
