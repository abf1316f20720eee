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
from collections.abc import Iterator

from ml_intern_helpers.analysis.values import Setting
from ml_intern_helpers.preflight.facts import Facts
from ml_intern_helpers.preflight.outcome import Outcome
from ml_intern_helpers.preflight.scope import compared, model_of

CODE = "SCOPE103"
SEVERITY = "error"
MODES = ("jobs", "local")


def check(facts: Facts) -> Iterator[Outcome]:
    agreed = facts.agreed("base_model", "id")
    if not isinstance(agreed, str):
        return
    for run in facts.runs:
        model = model_of(facts, run)
        if model is not None:
            yield compared("the base model", model.value, agreed, model.node, run.trainer.call, "base_model.id")
            yield from _revision(facts, model)


def _revision(facts: Facts, model: Setting) -> Iterator[Outcome]:
    """The revision, where the script names one."""
    agreed = facts.agreed("base_model", "revision")
    given = facts.keywords(model.node).items.get("revision") if isinstance(model.node, ast.Call) else None
    if isinstance(agreed, str) and agreed and given is not None:
        yield compared("the base model's revision", given.value, agreed, given.node, model.node, "base_model.revision")
