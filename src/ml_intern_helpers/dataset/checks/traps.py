"""SET2xx: what a trainer would crash on or misread, named for the method asked for (for all methods when none is)."""

from __future__ import annotations

from collections.abc import Iterator

from ml_intern_helpers.core.report import Finding
from ml_intern_helpers.dataset.checks.context import Facts, finding
from ml_intern_helpers.dataset.trainers.methods import READERS
from ml_intern_helpers.dataset.trainers.rows import Problem

#: Problem -> stable code. Absent: what is only a lack of columns, which the verdict says already.
CODES = {
    "stray_prompt": "SET201",
    "mixed": "SET202",
    "stray": "SET203",
    "luck": "SET203",
    "no_prompt": "SET204",
    "repeated_prompt": "SET205",
    "role": "SET206",
    "label": "SET207",
    "label_ignored": "SET208",
    "taken": "SET209",
    "tools": "SET210",
    "images": "SET211",
    "system_last": "SET212",
    "answered": "SET213",
    "null": "SET214",
    "empty": "SET215",
    "content": "SET216",
    "kind": "SET217",
    "keys": "SET218",
    "target_ignored": "SET219",
    "json": "SET220",
    "blocks": "SET221",
    "arguments": "SET222",
    "system_ignored": "SET223",
    "single_turns": "SET224",
    "function_call": "SET225",
}


def check(facts: Facts) -> Iterator[Finding]:
    """One finding per trap; the same trap of several methods is told once, with their names."""
    by_trap: dict[tuple[str, str], tuple[Problem, list[str]]] = {}
    for method in [facts.method] if facts.method else READERS:
        for problem in READERS[method](facts.rows):
            if problem.code in CODES:
                by_trap.setdefault((problem.code, problem.message), (problem, []))[1].append(method)
    for problem, methods in by_trap.values():
        yield _finding(facts, problem, methods)


def _finding(facts: Facts, problem: Problem, methods: list[str]) -> Finding:
    severity = "error" if facts.method else "warning"
    silent = "; TRL trains on without an error" if problem.silent else ""
    message = f"{problem.message} ({', '.join(methods)}{silent})"
    at = problem.at or range(len(facts.rows))
    return finding(facts, CODES[problem.code], severity, message, at, fix=_fix(facts, methods))  # type: ignore[arg-type]


def _fix(facts: Facts, methods: list[str]) -> str | None:
    mapped = [method for method in methods if facts.verdicts[method].mapping]
    return f"the mapping shown for {mapped[0]}" if mapped else None
