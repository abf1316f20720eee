"""Defines the outcomes of a rule: a pass with its evidence, a failure with its fix, or the reason why it is undecided."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Literal, NamedTuple

from ml_intern_helpers.core.report import Severity

State = Literal["pass", "fail", "unknown", "set_at_run_time", "fill_in"]


class Outcome(NamedTuple):
    """One outcome of one rule. Build it with the functions below, which require the evidence, fix or reason of its state.

    Attributes:
        state: see `State`.
        text: the evidence of a pass, the message of a failure, the reason otherwise.
        line, last_line, column: the place (1-based), None where there is none.
        first_line: the first line of the call around the place; None where there is no call.
        fix: what to write or do instead (`fail`), or how to answer (`fill_in`).
        severity: replaces the rule's own; None to keep it.
        mask: keep the source line out of the report (it holds a secret).
        at_launch: the place is the command line, not the script.
        seen: the part of the command line that is the evidence of a failure at the launch.
        rename: the argument or key to write instead, with the same value, where that is the whole fix.
    """

    state: State
    text: str
    line: int | None = None
    last_line: int | None = None
    column: int | None = None
    fix: str = ""
    severity: Severity | None = None
    mask: bool = False
    at_launch: bool = False
    seen: str = ""
    rename: str = ""
    first_line: int | None = None


#: What a rule's `check` yields.
Outcomes = Iterator[Outcome]


def passed(evidence: str, line: int | None = None) -> Outcome:
    assert evidence, "a pass needs evidence"
    return Outcome("pass", evidence, line)


def failed(
    message: str,
    fix: str,
    at: ast.AST | int | None,
    *,
    severity: Severity | None = None,
    whole: ast.AST | None = None,
    rename: str = "",
) -> Outcome:
    """A failure at a node or line; a suppressing comment may stand anywhere in `whole`, the call around it."""
    assert fix, "a failure needs a fix"
    if not isinstance(at, ast.AST):
        return Outcome("fail", message, at, at, None, fix, severity)
    line, column = getattr(at, "lineno", None), getattr(at, "col_offset", None)
    first, last = getattr(whole, "lineno", None), getattr(whole or at, "end_lineno", line)
    place = (line, last, None if column is None else column + 1)
    return Outcome("fail", message, *place, fix, severity, rename=rename, first_line=first)


def failed_launch(message: str, fix: str, seen: str = "", severity: Severity | None = None) -> Outcome:
    """A failure of the command line."""
    assert fix, "a failure needs a fix"
    return Outcome("fail", message, fix=fix, severity=severity, at_launch=True, seen=seen)


def unknown(reason: str, line: int | None = None) -> Outcome:
    assert reason, "an unknown needs a reason"
    return Outcome("unknown", reason, line)


def at_run_time(reason: str, line: int | None = None) -> Outcome:
    assert reason, "a value that only the run decides needs a reason"
    return Outcome("set_at_run_time", reason, line)


def fill_in(question: str, how: str) -> Outcome:
    """A question that the script cannot answer, and how to answer it."""
    return Outcome("fill_in", question, fix=how)
