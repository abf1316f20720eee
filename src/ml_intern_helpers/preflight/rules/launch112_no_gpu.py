"""The job trains on a flavor without a GPU.

Without `--flavor` a job runs on cpu-basic: two cores. What takes an hour on a GPU does not end before the timeout there.

Bad:

    $ hf jobs uv run --timeout 4h --secrets HF_TOKEN train.py

Good:

    $ hf jobs uv run --flavor a10g-large --timeout 4h --secrets HF_TOKEN train.py
"""

from __future__ import annotations

from collections.abc import Iterator

from ml_intern_helpers.core.report import Severity
from ml_intern_helpers.indexes.jobs import FLAVORS
from ml_intern_helpers.preflight.facts import Facts
from ml_intern_helpers.preflight.outcome import Outcome, failed_launch, passed, unknown

CODE = "LAUNCH112"
SEVERITY = "error"
MODES = ("jobs",)

_FIX = "choose a GPU that holds the model: --flavor a10g-large (24 GB), a100-large (80 GB); `hf jobs hardware` lists them"


def check(facts: Facts) -> Iterator[Outcome]:
    if facts.launch is None:
        return
    told = facts.launch.settings.get("flavor")
    flavor = (facts.header.jobs or {}).get("flavor")
    if flavor is None:
        yield unknown(f"which flavor the job gets: {told.how if told else facts.launch.hidden}")
    elif flavor in FLAVORS and FLAVORS[flavor][0] > 0:
        cards, card = FLAVORS[flavor]
        yield passed(f"{facts.header.said('flavor')}: {cards} x {card}")
    elif flavor in FLAVORS:
        yield _judged(facts, flavor)


def _judged(facts: Facts, flavor: str) -> Outcome:
    how = "no --flavor: the job runs on cpu-basic" if facts.header.said("flavor") == "no --flavor" else f"{flavor} has no GPU"
    if facts.smoke is not None:
        return passed(f"{how}; a smoke run of {facts.smoke[0]} steps")
    on_purpose = bool(facts.runs) and all(facts.value(run, "use_cpu", False).value is True for run in facts.runs)
    severity: Severity | None = "warning" if on_purpose else None
    return failed_launch(f"{how}, and the script trains", _FIX, facts.launch.text if facts.launch else "", severity)
