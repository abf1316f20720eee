"""SET308: nulls in columns that play a part, where no trainer stops at them (SET214): a reward function or a mapping will."""

from __future__ import annotations

from collections.abc import Container, Iterator

from ml_intern_helpers.core.report import Finding
from ml_intern_helpers.core.text import clean
from ml_intern_helpers.dataset.checks.context import Facts, finding
from ml_intern_helpers.dataset.trainers.methods import READERS


def check(facts: Facts) -> Iterator[Finding]:
    """One finding per column with nulls."""
    told = _told(facts)
    for column, at in null_rows(facts).items():
        if column not in told and len(at) < len(facts.rows):
            message = f"{clean(column, limit=60)!r} is null in {len(at)} rows"
            yield finding(facts, "SET308", "warning", message, at, fix=f"dataset.filter(lambda row: row[{column!r}] is not None)")


def null_rows(facts: Facts) -> dict[str, list[int]]:
    """Column -> positions of its nulls; columns without any, and those that may lack (context, system, tools), are left out."""
    played = [facts.parts.by_role[part] for part in needed(facts.parts.by_role) if facts.parts.has(part)]
    found = {name: [at for at, row in enumerate(facts.rows) if row.get(name) is None] for name in dict.fromkeys(played)}
    return {name: at for name, at in found.items() if at}


def needed(parts: Container[str]) -> tuple[str, ...]:
    """Of the parts that columns play, those without which a row is none: of several readings the richest, for what is beside it
    may well be optional."""
    if "chosen" in parts and "rejected" in parts:
        return ("prompt", "chosen", "rejected")
    if "messages" in parts:
        return ("messages",)
    return ("prompt", "completion", "text", "dialogue", *(("label",) if "prompt" in parts and "completion" in parts else ()))


def _told(facts: Facts) -> set[str]:
    """Columns whose nulls a trainer's reader has told already."""
    methods = [facts.method] if facts.method else list(READERS)
    problems = [problem for method in methods for problem in READERS[method](facts.rows) if problem.code == "null"]
    return {name for name in facts.look.columns if any(repr(name) in problem.message for problem in problems)}
