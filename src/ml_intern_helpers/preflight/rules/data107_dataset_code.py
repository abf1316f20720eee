"""`trust_remote_code=True` for a dataset.

datasets no longer runs a dataset's own script: the argument is ignored with a message in the log, and a dataset that
needs it cannot be loaded at all. Take the Parquet conversion that the Hub offers, or another dataset, after telling
the user.

Bad:

    from datasets import load_dataset

    rows = load_dataset("some/dataset", trust_remote_code=True)

Good:

    from datasets import load_dataset

    rows = load_dataset("some/dataset")
"""

from __future__ import annotations

from collections.abc import Iterator

from ml_intern_helpers.preflight.facts import Facts
from ml_intern_helpers.preflight.outcome import Outcome, failed

CODE = "DATA107"
SEVERITY = "warning"
MODES = ("jobs", "local")


def check(facts: Facts) -> Iterator[Outcome]:
    for call in facts.calls.get("datasets.load_dataset", []):
        setting = facts.keywords(call).items.get("trust_remote_code")
        if setting and setting.value.value is True and facts.blamable(call) and facts.uses_current("datasets"):
            message = "load_dataset ignores trust_remote_code: a dataset with its own script cannot be loaded any more"
            yield failed(message, "delete it; if the load fails, take the dataset's Parquet files", setting.node, whole=call)
