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

from ml_intern_helpers.preflight.context import ScriptContext
from ml_intern_helpers.preflight.outcome import Outcomes, failed, unknown

SEVERITY = "error"


def check(context: ScriptContext) -> Outcomes:
    for call, methods in context.absent_methods:
        if not context.error_stops_run(call):
            continue
        from ml_intern_helpers.analysis.advice import for_name

        method = methods[0]
        advice = for_name(context.offers, method)
        shown = ".".join(method.split(".")[-2:])
        if advice.existed:
            release = advice.release(context.offers.label(method))
            yield failed(f"{shown} does not exist ({release}): AttributeError", advice.fix, call.func, whole=call)
        elif advice.guess:  # it may be an attribute that holds a function
            yield unknown(f"whether {shown} exists: the index does not list it; {advice.fix}", call.lineno)
