"""The job trains on a flavor without a GPU.

Without `--flavor` a job runs on cpu-basic: two cores. What takes an hour on a GPU does not end before the timeout there.

Bad:

    $ hf jobs uv run --timeout 4h --secrets HF_TOKEN train.py

Good:

    $ hf jobs uv run --flavor a10g-large --timeout 4h --secrets HF_TOKEN train.py
"""

from __future__ import annotations

from ml_intern_helpers.core.report import Severity
from ml_intern_helpers.indexes.jobs import FLAVORS
from ml_intern_helpers.preflight.context import ScriptContext
from ml_intern_helpers.preflight.outcome import Outcome, Outcomes, failed_launch, passed, unknown

SEVERITY = "error"
MODES = ("jobs",)

_FIX = "choose a GPU that holds the model: --flavor a10g-large (24 GB), a100-large (80 GB); `hf jobs hardware` lists them"


def check(context: ScriptContext) -> Outcomes:
    if context.launch is None:
        return
    told = context.launch.settings.get("flavor")
    flavor = (context.header.jobs or {}).get("flavor")
    if flavor is None:
        yield unknown(f"which flavor the job gets: {told.how if told else context.launch.hidden}")
    elif flavor in FLAVORS and FLAVORS[flavor][0] > 0:
        cards, card = FLAVORS[flavor]
        yield passed(f"{context.header.said('flavor')}: {cards} x {card}")
    elif flavor in FLAVORS:
        yield _judged(context, flavor)


def _judged(context: ScriptContext, flavor: str) -> Outcome:
    how = "no --flavor: the job runs on cpu-basic" if context.header.said("flavor") == "no --flavor" else f"{flavor} has no GPU"
    if context.smoke is not None:
        return passed(f"{how}; a smoke run of {context.smoke[0]} steps")
    on_purpose = bool(context.runs) and all(context.value(run, "use_cpu", False).value is True for run in context.runs)
    severity: Severity | None = "warning" if on_purpose else None
    return failed_launch(f"{how}, and the script trains", _FIX, context.launch.text if context.launch else "", severity)
