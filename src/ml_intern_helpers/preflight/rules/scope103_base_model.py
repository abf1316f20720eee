"""The script trains another base model than the user agreed to.

A smaller model of the family "because it fits", or the Instruct model in place of the base model, gives another result. Ask
the user first.

Bad:

    from trl import SFTTrainer  # agreed: "base_model": {"id": "Qwen/Qwen3-0.6B", …}

    SFTTrainer("Qwen/Qwen3-0.6B-Base", train_dataset=rows).train()

Good:

    from trl import SFTTrainer  # agreed: "base_model": {"id": "Qwen/Qwen3-0.6B", …}

    SFTTrainer("Qwen/Qwen3-0.6B", train_dataset=rows).train()
"""

import ast

from ml_intern_helpers.preflight.agreement import compare_value, model_of
from ml_intern_helpers.preflight.context import ScriptContext
from ml_intern_helpers.preflight.outcome import Outcomes


def check(context: ScriptContext) -> Outcomes:
    agreed, revision = context.agreed("base_model", "id"), context.agreed("base_model", "revision")
    for run in context.runs if isinstance(agreed, str) else ():
        model = model_of(context, run)
        if model is None:
            continue
        yield compare_value("the base model", model.value, agreed, model.node, run.trainer.call, "base_model.id")
        revision_argument = context.keywords(model.node).items.get("revision") if isinstance(model.node, ast.Call) else None
        if isinstance(revision, str) and revision and revision_argument is not None:
            what, term = "the base model's revision", "base_model.revision"
            yield compare_value(what, revision_argument.value, revision, revision_argument.node, model.node, term)
