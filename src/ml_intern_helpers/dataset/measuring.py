"""What the report says about lengths: of the rows as the likeliest method reads them, in characters and, with a model, tokens."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

from ml_intern_helpers.cli.commands import Context
from ml_intern_helpers.core.text import clean
from ml_intern_helpers.dataset.column_roles import ColumnRoles
from ml_intern_helpers.dataset.lengths import size, sizes
from ml_intern_helpers.dataset.measure import measure
from ml_intern_helpers.dataset.sample import Sample
from ml_intern_helpers.dataset.verdicts import Verdict

Lengths = dict[str, Any]


def measure_rows(
    args: argparse.Namespace, method: str | None, parts: ColumnRoles, found: Mapping[str, Verdict], look: Sample, context: Context
) -> tuple[str | None, Lengths, list[int] | None]:
    """The method whose rows were measured, the `lengths` object, and tokens by row (None without `--model`).

    Raises:
        ToolError: the model cannot be read, or its template refuses the rows.
    """
    rows = list(found[method].rows) if method else []
    if not method or not rows:
        if args.model or args.max_length:
            context.warn("tokens were not counted: no method can read the rows as they are or mapped")
        return None, {"characters": _any_text(parts, look), "tokens": None}, None
    if look.shortened:
        context.warn("lengths are too low: they count texts that the dataset viewer has shortened")
    sized = sizes(method, rows)
    if sized and sized[1] == "tokens":
        return method, {"characters": None, "tokens": _tokens(sized[2], sized[0], None, None, False)}, sized[2]
    characters = measure(sized[2], sized[0], tokens=False) if sized else None
    if not args.model:
        if args.max_length:
            context.warn("--max-length counts tokens: give --model to have them counted")
        return method, {"characters": characters, "tokens": None}, None
    counted, told = _counted(args.model, method, rows, sized[0] if sized else "rows", context)
    if look.shortened:
        told["recommended_max_length"] = None
    return method, {"characters": characters, "tokens": told}, counted


def _counted(name: str, method: str, rows: list[dict[str, Any]], of: str, context: Context) -> tuple[list[int], Lengths]:
    from ml_intern_helpers.dataset.tokens.count import count
    from ml_intern_helpers.dataset.tokens.model import load
    from ml_intern_helpers.dataset.trainers.rows import conversational

    context.progress(f"counting tokens with {clean(name, limit=120)}")
    model = load(name, offline=context.offline)
    counted = count(model, method, rows)
    chat = conversational(rows[0])[0] or "conversations" in rows[0]
    return counted, _tokens(counted, of, clean(model.name, limit=200), model.revision, chat)


def _tokens(counted: list[int], of: str, model: str | None, revision: str | None, template: bool) -> Lengths:
    return {**measure(counted, of, tokens=True), "model": model, "revision": revision, "template": template}


def _any_text(parts: ColumnRoles, look: Sample) -> Lengths | None:
    """Characters of whatever text the rows hold, where no method reads them."""
    played = list(parts.by_role.values())
    if not look.rows or not played:
        return None
    return measure([sum(size(row.get(name)) for name in played) for row in look.rows], ", ".join(played[:6]), tokens=False)
