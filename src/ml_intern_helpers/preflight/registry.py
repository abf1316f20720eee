"""Finds the rules and refuses two with one code."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Protocol

from ml_intern_helpers.preflight import rules
from ml_intern_helpers.preflight.facts import Facts
from ml_intern_helpers.preflight.outcome import Outcome
from ml_intern_helpers.report import Severity

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


@cache
def all_rules() -> dict[str, Rule]:
    """Code -> rule, sorted by code."""
    found: dict[str, Rule] = {}
    for name in sorted(path.stem for path in Path(rules.__path__[0]).glob("[a-z]*.py")):
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
