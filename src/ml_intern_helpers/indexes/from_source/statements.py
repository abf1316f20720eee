"""Statements of a module or class body."""

from __future__ import annotations

import ast
from collections.abc import Iterator


def flat_statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Module-level statements, also those inside `if`, `try` and `with`: any branch may be the one that runs."""
    for statement in body:
        yield statement
        for part in ("body", "orelse", "finalbody"):
            if isinstance(statement, (ast.If, ast.Try, ast.With, ast.For, ast.While)):
                yield from flat_statements(getattr(statement, part, []))
        for handler in getattr(statement, "handlers", []):
            yield from flat_statements(handler.body)


def assigned_names(statement: ast.Assign | ast.AnnAssign) -> Iterator[str]:
    targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
    for target in targets:
        for node in ast.walk(target):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                yield node.id
