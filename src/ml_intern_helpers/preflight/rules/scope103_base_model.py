"""Another base model than the user agreed to.

A smaller sibling "because it fits", or the Instruct model in place of the base one, is another result. Say so and ask.

Bad:

    from trl import SFTTrainer  # agreed: "base_model": {"id": "Qwen/Qwen3-0.6B", …}

    SFTTrainer("Qwen/Qwen3-0.6B-Base", train_dataset=rows).train()

Good:

    from trl import SFTTrainer  # agreed: "base_model": {"id": "Qwen/Qwen3-0.6B", …}

    SFTTrainer("Qwen/Qwen3-0.6B", train_dataset=rows).train()
"""

from __future__ import annotations

import ast

from ml_intern_helpers.analysis.values import Setting
from ml_intern_helpers.preflight.agreement import compare_value, model_of
from ml_intern_helpers.preflight.context import ScriptContext
from ml_intern_helpers.preflight.outcome import Outcomes

SEVERITY = "error"


def check(context: ScriptContext) -> Outcomes:
    agreed = context.agreed("base_model", "id")
    if not isinstance(agreed, str):
        return
    for run in context.runs:
        model = model_of(context, run)
        if model is not None:
            yield compare_value("the base model", model.value, agreed, model.node, run.trainer.call, "base_model.id")
            yield from _revision(context, model)


def _revision(context: ScriptContext, model: Setting) -> Outcomes:
    """The revision, where the script names one."""
    agreed = context.agreed("base_model", "revision")
    given = context.keywords(model.node).items.get("revision") if isinstance(model.node, ast.Call) else None
    if isinstance(agreed, str) and agreed and given is not None:
        yield compare_value("the base model's revision", given.value, agreed, given.node, model.node, "base_model.revision")
