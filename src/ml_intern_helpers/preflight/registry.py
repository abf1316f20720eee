"""Finds the rules and refuses two with one code."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Protocol

from ml_intern_helpers.core.report import Severity
from ml_intern_helpers.preflight import rules
from ml_intern_helpers.preflight.facts import Facts
from ml_intern_helpers.preflight.outcome import Outcome

FAMILIES = {
    "API": "what the libraries' current releases offer",
    "SAVE": "whether the model survives the run",
    "LOG": "whether the run can be watched",
    "DATA": "rows, columns, batches, masking",
    "HW": "precision and hardware",
    "PKG": "what the job installs",
    "SEC": "secrets",
    "SCOPE": "what the user agreed to",
    "REPRO": "whether the run can be repeated",
    "LAUNCH": "how the job is started",
}
CODE_FORM = re.compile(rf"(?:{'|'.join(FAMILIES)})[0-9]{{3}}")


class Rule(Protocol):
    """A module of `rules`: see any of them."""

    __doc__: str
    CODE: str
    SEVERITY: Severity
    MODES: tuple[str, ...]

    def check(self, facts: Facts) -> Iterator[Outcome]: ...


def rules_for(facts: Facts) -> dict[str, Rule]:
    """The rules of the run's mode; where nothing was agreed, those that compare with the agreement are not even loaded."""
    found = all_rules() if facts.agreement is not None else all_rules(without="SCOPE")
    return {code: rule for code, rule in found.items() if facts.mode in rule.MODES}


@cache
def all_rules(without: str = "_") -> dict[str, Rule]:
    """Code -> rule, sorted by code; all but those of the family `without`."""
    found: dict[str, Rule] = {}
    names = (path.stem for path in Path(rules.__path__[0]).iterdir() if path.suffix == ".py")
    for name in sorted(name for name in names if not name.startswith(("_", without.lower()))):
        rule: Rule = _loaded(importlib.import_module(f"{rules.__name__}.{name}"))
        if rule.CODE in found or not CODE_FORM.fullmatch(rule.CODE):
            raise RuntimeError(f"rule code {rule.CODE} is taken twice, or of no family")
        found[rule.CODE] = rule
    return dict(sorted(found.items()))


def _loaded(module: ModuleType) -> Rule:
    rule: Rule = module  # a module is its own protocol instance
    return rule


def title(rule: Rule) -> str:
    """The docstring's first line."""
    return rule.__doc__.strip().splitlines()[0]
