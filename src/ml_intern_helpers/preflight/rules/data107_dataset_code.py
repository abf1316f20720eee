"""`trust_remote_code=True` is passed for a dataset.

datasets no longer runs a dataset's own loading script. The argument is ignored with a message in the log, and a dataset that
needs such a script cannot be loaded at all. Use the Parquet conversion that the Hub offers, or another dataset after telling
the user.

Bad:

    from datasets import load_dataset

    rows = load_dataset("some/dataset", trust_remote_code=True)

Good:

    from datasets import load_dataset

    rows = load_dataset("some/dataset")
"""

from ml_intern_helpers.preflight.context import ScriptContext
from ml_intern_helpers.preflight.outcome import Outcomes, failed

SEVERITY = "warning"


def check(context: ScriptContext) -> Outcomes:
    for call in context.calls.get("datasets.load_dataset", []):
        setting = context.keywords(call).items.get("trust_remote_code")
        if setting and setting.value.value is True and context.error_stops_run(call) and context.uses_current("datasets"):
            message = "load_dataset ignores trust_remote_code: a dataset with its own script cannot be loaded any more"
            yield failed(message, "delete it; if the load fails, take the dataset's Parquet files", setting.node, whole=call)
