"""`from_pretrained` gets an argument that the release of transformers does not take.

It is handed on to the model's constructor and fails there with a `TypeError`, after the weights have been downloaded.
Legal are its own arguments, keywords it takes out of `**kwargs`, and the fields of the model's configuration; what older
releases took and this one does not is a fault; the rest is doubt.

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
from typing import TYPE_CHECKING

from ml_intern_helpers.analysis.api_calls import is_sure
from ml_intern_helpers.analysis.values import Setting
from ml_intern_helpers.preflight.facts import Facts
from ml_intern_helpers.preflight.outcome import Outcome, failed, unknown

if TYPE_CHECKING:
    from ml_intern_helpers.indexes.removed import Gone

CODE = "API104"
SEVERITY = "error"
MODES = ("jobs", "local")


def check(facts: Facts) -> Iterator[Outcome]:
    for name, call in facts.calls_ending("from_pretrained"):
        found = facts.offers.walk(name)
        if facts.judges(name.partition(".")[0]) and found.state == "found" and facts.blamable(call):
            owner = facts.offers.shown_name(found.origin)
            for word, setting in facts.keywords(call).items.items():
                if facts.blamable(setting.node):
                    yield from _judged(facts, call, owner, word, setting)


def _is_gone(facts: Facts, owner: str, gone: Gone | None) -> bool:
    """It went before the release of the run, or nobody knows when and the run has the current one."""
    if facts.offers.is_current(owner) or gone is None or gone.removal is None:
        return facts.offers.is_current(owner)
    return facts.offers.is_at_least(owner, gone.removal.gone)


def _judged(facts: Facts, call: ast.Call, owner: str, name: str, setting: Setting) -> Iterator[Outcome]:
    from ml_intern_helpers.analysis.advice import for_argument
    from ml_intern_helpers.indexes.pretrained import from_pretrained_keyword, known_names
    from ml_intern_helpers.indexes.suggest import similar

    taken = from_pretrained_keyword(facts.offers, owner, name)
    line = getattr(setting.node, "lineno", call.lineno)
    if taken.state == "removed" and _is_gone(facts, owner, taken.gone):
        advice = for_argument(facts.offers, "transformers.PreTrainedModel.from_pretrained", name, facts.nothing_named)
        release = "; ".join(part for part in (facts.offers.label(owner), advice.since) if part)
        message = f"from_pretrained takes no argument {name} ({release}): TypeError"
        fault = failed(message, advice.fix, setting.node, whole=call, rename=advice.rename)
        yield fault if is_sure(setting) else unknown(message, line)
    elif taken.state in ("removed", "doubtful"):
        near = similar(name, sorted(known_names(facts.offers, owner)))
        meant = f"; did you mean {near[0]}=?" if near else ""
        if not meant and not owner.startswith("transformers."):
            return  # it hands its keywords on to a class of transformers
        yield unknown(f"whether {owner.rpartition('.')[2]}.from_pretrained takes {name}={meant}", line)
