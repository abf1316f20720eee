"""The script loads other data than the user agreed to.

Replacing a dataset that would not load with a similar one is the mistake that users forgive least: the run looks fine, and
the model has learned something else. A dataset beside the agreed ones is a warning.

Bad:

    from datasets import load_dataset  # agreed: "datasets": [{"id": "trl-lib/Capybara", …}]
    from trl import SFTTrainer

    SFTTrainer("Qwen/Qwen3-0.6B", train_dataset=load_dataset("tatsu-lab/alpaca", split="train")).train()

Good:

    from datasets import load_dataset  # agreed: "datasets": [{"id": "trl-lib/Capybara", …}]
    from trl import SFTTrainer

    SFTTrainer("Qwen/Qwen3-0.6B", train_dataset=load_dataset("trl-lib/Capybara", split="train")).train()
"""

import ast

from ml_intern_helpers.analysis.values import known
from ml_intern_helpers.core.text import clean
from ml_intern_helpers.preflight.agreement import compare_value, not_as_agreed
from ml_intern_helpers.preflight.context import ScriptContext
from ml_intern_helpers.preflight.datasets import Loaded, loaded
from ml_intern_helpers.preflight.outcome import Outcomes, at_run_time, failed, passed, unknown

SEVERITY = "error"


def check(context: ScriptContext) -> Outcomes:
    listed = context.agreed("datasets")
    agreed = {str(one["id"]): one for one in listed if isinstance(one, dict) and "id" in one} if isinstance(listed, list) else {}
    if not agreed:
        return
    names = clean(", ".join(sorted(agreed)), limit=120)
    found = loaded(context)
    fitting = [one for one in found if one.id in agreed]
    others = [one for one in found if one.id and one.id not in agreed]
    for one in fitting:
        yield from _as_agreed(context, one, agreed[one.id])
    for one in others:
        if one.value.state == "default":
            yield at_run_time(f"{one.id} by default, agreed is {names}: {one.value.reason} decides", one.call.lineno)
        elif fitting:
            message = f"{clean(one.id, limit=80)} is loaded beside what the user agreed to ({names})"
            yield failed(message, "ask the user, or record it in .ml-intern/task.json", one.call, severity="warning")
        else:
            yield not_as_agreed("the dataset", one.id, names, one.call)
    if found and not fitting and not others:
        yield at_run_time(f"which dataset is loaded ({found[0].value.reason}); agreed is {names}")
    elif not found:
        yield unknown("no load_dataset in the script: which data it trains on")


def _as_agreed(context: ScriptContext, one: Loaded, agreed: dict[str, object]) -> Outcomes:
    yield passed(f"dataset {clean(one.id, limit=80)} as agreed", one.call.lineno)
    given = {name: setting.node for name, setting in context.keywords(one.call).items.items()}
    if len(one.call.args) > 1:
        given.setdefault("name", one.call.args[1])
    for name, key in (("name", "config"), ("split", "split"), ("revision", "revision")):
        wanted, at = agreed.get(key), given.get(name)
        if isinstance(wanted, str) and wanted and isinstance(at, ast.expr):
            value = context.constant(at)
            part = value.value.partition("[")[0] if key == "split" and isinstance(value.value, str) else None
            yield compare_value(f"the dataset's {key}", known(part) if part == wanted else value, wanted, at, one.call)
