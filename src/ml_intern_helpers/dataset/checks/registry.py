"""Finds the checks, runs them on a sample, and explains them. Every module `set…` of this folder is a check.

A check has `CODE`, `SEVERITY` and `TOPIC`; its docstring is its documentation. It may also have these functions and values:

    check(facts)                        findings on the sample
    flags(columns)                      the problem as SQL, for a full scan; or
    SEARCH                              patterns that are looked for in the texts of all rows
    check_labels(dataset, labels, rows) findings from the labels that a full scan has counted
    filters(facts, code)                filters that remove the rows with the problem
    FILTERS_FOR                         all codes whose rows `filters` removes, if not just CODE
    severity(count, of)                 the severity, where it depends on how many rows have the problem
    outdated(finding, counted)          whether a full scan contradicts a finding on the sample
    COUNTED_AS, FILTER_DROPS_ALL, HABIT, COPIES, NO_GO    how a decision treats it, see `dataset.decision`

The checks SET2xx are classes of a single module.
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

#: Topics, in the order in which findings of one severity are reported and filters run.
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
    check_modules = [importlib.import_module(f"{checks.__name__}.{name}") for name in names if name.startswith("set")]
    order = list(TOPICS)
    return tuple(sorted(check_modules, key=lambda module: (order.index(module.TOPIC), module.__name__)))


@cache
def all_checks() -> dict[str, Check]:
    """Code -> check, in the order of the codes."""
    by_code: dict[str, Check] = {}
    for module in modules():
        classes = [value for name, value in vars(module).items() if name.startswith("SET") and isinstance(value, type)]
        module_checks: list[Check] = [*classes] or [module]
        for check in module_checks:
            if check.CODE in by_code:
                raise RuntimeError(f"code {check.CODE} is taken twice")
            by_code[check.CODE] = check
    return dict(sorted(by_code.items()))


def run_checks(facts: Facts) -> list[Finding]:
    """All findings, those of the reader and those of every check, errors first."""
    findings = list(facts.sample.findings)
    if facts.rows:
        findings += [item for module in modules() if hasattr(module, "check") for item in module.check(facts)]
    return sorted(findings, key=lambda item: RANK[item.severity])


def filters_for(facts: Facts, codes: set[str]) -> list[FilterStep]:
    """The filters for those of `codes` that have one, in the order in which they must run."""
    steps: list[FilterStep] = []
    for module in modules():
        for code in filtered_codes(module):
            steps += module.filters(facts, code) if code in codes else []
    return sorted(steps, key=lambda step: step.stage)


def filtered_codes(module: Check) -> tuple[str, ...]:
    """The codes whose rows the filters of `module` remove."""
    return getattr(module, "FILTERS_FOR", (module.CODE,)) if hasattr(module, "filters") else ()


def property_of(code: str, name: str, default: Any = None) -> Any:
    """The attribute `name` of the check `code` (see the list above), or `default`."""
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
