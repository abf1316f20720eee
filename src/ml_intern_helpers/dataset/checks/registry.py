"""Finds the checks, runs them on a sample, and explains them. A check is a module `set…` of this folder; nothing lists them.

A module has `CODE`, `SEVERITY` and `TOPIC`; its docstring is the documentation of the check. It may also have these functions
and values:

    check(facts)                        findings on the sample
    flags(columns)                      the problem as SQL, for a full scan; or
    SEARCH                              patterns that are looked for in the texts of all rows
    check_labels(dataset, labels, rows) findings from the labels that a full scan has counted
    filters(facts, code)                the filter that answers it, FILTERS_FOR further codes
    severity(count, of)                 where it depends on how many rows have the problem
    outdated(finding, counted)          whether a full scan contradicts a finding on the sample
    COUNTED_AS, FILTER_DROPS_ALL, HABIT, COPIES, NO_GO    how a decision treats it, see `dataset.decision`

The checks SET2xx are classes of one module.
"""

from __future__ import annotations

import importlib
from functools import cache
from pathlib import Path
from typing import Any

from ml_intern_helpers.core.report import Finding, Severity
from ml_intern_helpers.dataset import checks
from ml_intern_helpers.dataset.checks.context import Facts
from ml_intern_helpers.dataset.checks.filter_code import FilterStep

#: In the order in which findings of one severity are reported and filters run.
TOPICS = {
    "files": "what reading the files shows",
    "trainers": "what a trainer stops at or misreads",
    "nulls": "nulls",
    "empty": "missing texts, turns and questions",
    "turns": "the order of turns",
    "pairs": "preference pairs and labels",
    "columns": "kinds of columns",
    "copies": "copies within a split and between splits",
    "text": "what the texts are like",
    "safety": "secrets, personal data, instructions to agents",
    "terms": "licence and length",
}
RANK = {"error": 0, "warning": 1, "info": 2}
#: A module or a class, see above.
Check = Any


@cache
def modules() -> tuple[Check, ...]:
    """The modules with checks, in the order of their topics and codes."""
    names = sorted(path.stem for path in Path(checks.__path__[0]).iterdir() if path.suffix == ".py")
    found = [importlib.import_module(f"{checks.__name__}.{name}") for name in names if name.startswith("set")]
    order = list(TOPICS)
    return tuple(sorted(found, key=lambda module: (order.index(module.TOPIC), module.__name__)))


@cache
def all_checks() -> dict[str, Check]:
    """Code -> check, in the order of the codes."""
    found: dict[str, Check] = {}
    for module in modules():
        classes = [value for name, value in vars(module).items() if name.startswith("SET") and isinstance(value, type)]
        found_here: list[Check] = [*classes] or [module]
        for check in found_here:
            if check.CODE in found:
                raise RuntimeError(f"code {check.CODE} is taken twice")
            found[check.CODE] = check
    return dict(sorted(found.items()))


def run_checks(facts: Facts) -> list[Finding]:
    """Findings of the reader and of every check, errors first."""
    found = list(facts.sample.findings)
    if facts.rows:
        found += [item for module in modules() if hasattr(module, "check") for item in module.check(facts)]
    return sorted(found, key=lambda item: RANK[item.severity])


def filters_for(facts: Facts, codes: set[str]) -> list[FilterStep]:
    """Filters for those of `codes` that dropping rows can answer, in the order in which they must run."""
    found: list[FilterStep] = []
    for module in modules():
        for code in filtered_codes(module):
            found += module.filters(facts, code) if code in codes else []
    return sorted(found, key=lambda step: step.stage)


def filtered_codes(module: Check) -> tuple[str, ...]:
    """The codes that the filter of `module` answers."""
    return getattr(module, "FILTERS_FOR", (module.CODE,)) if hasattr(module, "filters") else ()


def property_of(code: str, name: str, default: Any = None) -> Any:
    """The value that the check `code` gives to `name`, see the list above."""
    return getattr(all_checks().get(code), name, default)


def severity_of(code: str, count: int, of: int) -> Severity:
    """The severity of a problem that `count` of `of` rows have."""
    check = all_checks()[code]
    level: Severity = check.severity(count, of) if hasattr(check, "severity") else check.SEVERITY
    return level


def title(check: Check) -> str:
    return str(check.__doc__.strip().splitlines()[0])


def explanation(check: Check) -> str:
    """Why a check exists, with a bad and a good example."""
    lines = check.__doc__.strip().splitlines()
    indent = "    " if isinstance(check, type) else ""
    return f"{check.CODE} ({check.SEVERITY}): " + "\n".join(line.removeprefix(indent) for line in lines)
