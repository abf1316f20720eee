"""A method that its class no longer has.

`AttributeError` at the call, often the last line of a run: the training is done and nothing is saved.

Bad:

    from datasets import load_dataset

    rows = load_dataset("trl-lib/Capybara", split="train")
    rows.rename_column_("messages", "conversation")

Good:

    from datasets import load_dataset

    rows = load_dataset("trl-lib/Capybara", split="train")
    rows = rows.rename_column("messages", "conversation")
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ml_intern_helpers.preflight.facts import Facts
from ml_intern_helpers.preflight.outcome import Outcome, failed, unknown

CODE = "API106"
SEVERITY = "error"
MODES = ("jobs", "local")


def check(facts: Facts) -> Iterator[Outcome]:
    for call, methods in facts.absent_methods:
        if facts.blamable(call):
            yield from _judged(facts, call, methods[0])


def _judged(facts: Facts, call: ast.Call, method: str) -> Iterator[Outcome]:
    from ml_intern_helpers.analysis.advice import for_name

    advice = for_name(facts.offers, method)
    shown = ".".join(method.split(".")[-2:])
    if advice.existed:
        release = "; ".join(part for part in (facts.offers.label(method), advice.since) if part)
        yield failed(f"{shown} does not exist ({release}): AttributeError", advice.fix, call.func, whole=call)
    elif advice.fix.startswith("did you mean"):  # it may be an attribute that holds a function
        yield unknown(f"whether {shown} exists: the index does not list it; {advice.fix}", call.lineno)
