"""A training loop sets no seed.

Trainers of TRL and Transformers seed everything with 42 unless told otherwise. A hand-written loop seeds nothing, so that no
later run can tell an improvement from chance.

Bad:

    import torch

    for batch in loader:
        model(**batch).loss.backward()
        optimizer.step()

Good:

    import torch

    torch.manual_seed(42)
    for batch in loader:
        model(**batch).loss.backward()
        optimizer.step()
"""

from ml_intern_helpers.preflight.context import ScriptContext
from ml_intern_helpers.preflight.outcome import Outcomes, failed

SEVERITY = "warning"

SEEDING = ("manual_seed", "set_seed", "seed_everything", "manual_seed_all")


def check(context: ScriptContext) -> Outcomes:
    if context.training.kind == "loop" and not list(context.calls_ending(*SEEDING)) and not context.methods("manual_seed"):
        message = f"{context.training.method}: nothing sets a seed, so no run can be repeated"
        yield failed(message, "call torch.manual_seed(42) (accelerate: set_seed(42)) first", context.training.line)
