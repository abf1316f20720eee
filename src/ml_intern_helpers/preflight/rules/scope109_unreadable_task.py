"""`.ml-intern/task.json` cannot be read.

It holds what the user agreed to; while it cannot be read, the script is not compared with it.

Bad:

    # with a task.json that lost its last line: {"schema": "ml-intern/task/v1", "method":
    x = 1

Good:

    # with a task.json that validates against docs/schemas/task.v1.json
    x = 1
"""

from ml_intern_helpers.preflight.context import ScriptContext
from ml_intern_helpers.preflight.outcome import Outcomes, failed

SEVERITY = "warning"


def check(context: ScriptContext) -> Outcomes:
    if context.agreement is not None and context.agreement.problem:
        message = f".ml-intern/task.json cannot be read: {context.agreement.problem}"
        yield failed(message, "write it again from the plan (schema: docs/schemas/task.v1.json)", None)
