"""A method is called that its class no longer has.

The call raises `AttributeError`. It is often the last line of a run: the training is done and nothing is saved.

Bad:

    from datasets import load_dataset

    rows = load_dataset("trl-lib/Capybara", split="train")
    rows.rename_column_("messages", "conversation")

Good:

    from datasets import load_dataset

    rows = load_dataset("trl-lib/Capybara", split="train")
    rows = rows.rename_column("messages", "conversation")
"""

import ast

from ml_intern_helpers.analysis.api_calls import methods_called
from ml_intern_helpers.analysis.names import dotted
from ml_intern_helpers.preflight.context import ScriptContext
from ml_intern_helpers.preflight.outcome import Outcomes, failed, unknown


def check(context: ScriptContext) -> Outcomes:
    for call in context.script.calls:
        if isinstance(call.func, ast.Attribute) and dotted(context.script, call.func) is None and context.error_stops_run(call):
            yield from _outcomes(context, call, call.func)


def _outcomes(context: ScriptContext, call: ast.Call, func: ast.Attribute) -> Outcomes:
    """A failure or an unknown where none of the object's possible classes has the method."""
    methods = methods_called(context.script, context.offers, func)
    if not methods or any(method.signature for method in methods):
        return
    from ml_intern_helpers.analysis.advice import for_name

    name = methods[0].name
    advice = for_name(context.offers, name)
    shown = ".".join(name.split(".")[-2:])
    if advice.existed:
        release = advice.release(context.offers.label(name))
        yield failed(f"{shown} does not exist ({release}): AttributeError", advice.fix, func, whole=call)
    elif advice.guess:  # it may be an attribute that holds a function
        yield unknown(f"whether {shown} exists: the index does not list it; {advice.fix}", call.lineno)
