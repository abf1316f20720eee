"""`.ml-intern/task.json` cannot be read.

It holds what the user agreed to; unread, nothing keeps the script to it.

Bad:

    # with a task.json that lost its last line: {"schema": "ml-intern/task/v1", "method":
    x = 1

Good:

    # with a task.json that validates against docs/schemas/task.v1.json
    x = 1
"""

from __future__ import annotations

from collections.abc import Iterator

from ml_intern_helpers.preflight.facts import Facts
from ml_intern_helpers.preflight.outcome import Outcome, failed

CODE = "SCOPE109"
SEVERITY = "warning"
MODES = ("jobs", "local")


def check(facts: Facts) -> Iterator[Outcome]:
    if facts.agreement is not None and facts.agreement.problem:
        message = f".ml-intern/task.json cannot be read: {facts.agreement.problem}"
        yield failed(message, "write it again from the plan (schema: docs/schemas/task.v1.json)", None)
