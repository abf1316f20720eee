"""`from_pretrained` gets an argument that today's transformers does not take.

It is handed on to the model's constructor and fails there with a `TypeError`, after the weights have been downloaded.

Bad:

    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained("Qwen/Qwen3-0.6B", load_in_4bit=True)

Good:

    from transformers import AutoModelForCausalLM, BitsAndBytesConfig

    model = AutoModelForCausalLM.from_pretrained("Qwen/Qwen3-0.6B", quantization_config=BitsAndBytesConfig(load_in_4bit=True))
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ml_intern_helpers.preflight.facts import Facts
from ml_intern_helpers.preflight.knowledge.classes import RELEASES
from ml_intern_helpers.preflight.knowledge.removed import FROM_PRETRAINED
from ml_intern_helpers.preflight.outcome import Outcome, failed, unknown

CODE = "API104"
SEVERITY = "error"
MODES = ("jobs", "local")


def check(facts: Facts) -> Iterator[Outcome]:
    for name, call in facts.calls_ending("from_pretrained"):
        # Only the auto classes for models: tokenizers and others take any keyword.
        if name.startswith("transformers.") and ".AutoModel" in name and facts.blamable(call):
            yield from _judged(facts, call)


def _judged(facts: Facts, call: ast.Call) -> Iterator[Outcome]:
    for name, setting in facts.keywords(call).items.items():
        if name not in FROM_PRETRAINED:
            continue
        if not facts.uses_current("transformers"):
            release = RELEASES["transformers"]
            yield unknown(f"{name}= of from_pretrained: the script pins another transformers than {release}", call.lineno)
            continue
        message = f"from_pretrained takes no argument {name} (transformers {RELEASES['transformers']}): TypeError"
        yield failed(message, f"write {FROM_PRETRAINED[name]}", setting.node, whole=call)
