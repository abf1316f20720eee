"""Finds the rules: every module of `rules/` is one, and its file name begins with its code (`api101_removed_argument.py`)."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import NamedTuple

from ml_intern_helpers.core.report import Severity
from ml_intern_helpers.preflight import rules
from ml_intern_helpers.preflight.context import ScriptContext
from ml_intern_helpers.preflight.outcome import Outcomes

#: The modes of a rule whose module does not define MODES.
BOTH_MODES = ("jobs", "local")
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


class Rule(NamedTuple):
    """One rule, as its module in `rules/` states it.

    Attributes:
        code: `API101`, from the file name.
        severity: the module's SEVERITY, default `error`; an outcome may override it.
        modes: the module's MODES: `jobs` for runs on Hugging Face Jobs, `local` for runs on this machine; default both.
        documentation: the module's docstring: a title, why it matters, `Bad:` and `Good:` with an example each.
        check: yields the outcomes for one script.
    """

    code: str
    severity: Severity
    modes: tuple[str, ...]
    documentation: str
    check: Callable[[ScriptContext], Outcomes]

    @property
    def title(self) -> str:
        """The documentation's first line."""
        return self.documentation.splitlines()[0]


def rules_for(context: ScriptContext) -> dict[str, Rule]:
    """The rules of the run's mode; without an agreement, the SCOPE rules that compare with it are not loaded."""
    candidates = all_rules() if context.agreement is not None else all_rules(without="SCOPE")
    return {code: rule for code, rule in candidates.items() if context.mode in rule.modes}


@cache
def all_rules(without: str = "_") -> dict[str, Rule]:
    """Code -> rule, sorted by code; all but those of the family `without`."""
    by_code: dict[str, Rule] = {}
    names = (path.stem for path in Path(rules.__path__[0]).iterdir() if path.suffix == ".py")
    for name in sorted(name for name in names if not name.startswith(("_", without.lower()))):
        module = importlib.import_module(f"{rules.__name__}.{name}")
        code = name.partition("_")[0].upper()
        if code in by_code or not CODE_FORM.fullmatch(code):
            raise RuntimeError(f"{name}.py: the code {code} is already taken, or does not begin with a known family")
        severity: Severity = getattr(module, "SEVERITY", "error")
        modes = getattr(module, "MODES", BOTH_MODES)
        by_code[code] = Rule(code, severity, modes, (module.__doc__ or "").strip(), module.check)
    return dict(sorted(by_code.items()))
