"""The script loads other data than the user agreed to.

A run on a similar dataset, chosen because the agreed one did not load, looks fine although the model learns something else.
An additional dataset beside the agreed ones is a warning.

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


def check(context: ScriptContext) -> Outcomes:
    listed = context.agreed("datasets")
    entries = listed if isinstance(listed, list) else []
    agreed = {str(item["id"]): item for item in entries if isinstance(item, dict) and "id" in item}
    if not agreed:
        return
    names = clean(", ".join(sorted(agreed)), limit=120)
    loads = loaded(context)
    fitting = [load for load in loads if load.id in agreed]
    others = [load for load in loads if load.id and load.id not in agreed]
    for load in fitting:
        yield from _as_agreed(context, load, agreed[load.id])
    for load in others:
        if load.value.state == "default":
            yield at_run_time(f"{load.id} by default, agreed is {names}: {load.value.reason} decides", load.call.lineno)
        elif fitting:
            message = f"{clean(load.id, limit=80)} is loaded beside what the user agreed to ({names})"
            yield failed(message, "ask the user, or record it in .ml-intern/task.json", load.call, severity="warning")
        else:
            yield not_as_agreed("the dataset", load.id, names, load.call)
    if loads and not fitting and not others:
        yield at_run_time(f"which dataset is loaded ({loads[0].value.reason}); agreed is {names}")
    elif not loads:
        yield unknown("which data it trains on: the script has no load_dataset")


def _as_agreed(context: ScriptContext, load: Loaded, agreed: dict[str, object]) -> Outcomes:
    yield passed(f"dataset {clean(load.id, limit=80)} as agreed", load.call.lineno)
    arguments = {name: setting.node for name, setting in context.keywords(load.call).items.items()}
    if len(load.call.args) > 1:
        arguments.setdefault("name", load.call.args[1])
    for name, key in (("name", "config"), ("split", "split"), ("revision", "revision")):
        wanted, at = agreed.get(key), arguments.get(name)
        if isinstance(wanted, str) and wanted and isinstance(at, ast.expr):
            value = context.constant(at)
            part = value.value.partition("[")[0] if key == "split" and isinstance(value.value, str) else None
            yield compare_value(f"the dataset's {key}", known(part) if part == wanted else value, wanted, at, load.call)
