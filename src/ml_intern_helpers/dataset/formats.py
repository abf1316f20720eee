"""Names for the shapes a dataset has; a dataset may have several, and then all are said."""

from __future__ import annotations

from typing import Any

from ml_intern_helpers.dataset.column_roles import ColumnRoles
from ml_intern_helpers.dataset.shapes.shape import Shape

#: format -> (parts it needs, methods it is made for)
FORMATS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "messages": (("messages",), ("sft",)),
    "dialogue": (("dialogue",), ("sft",)),
    "preference": (("prompt", "chosen", "rejected"), ("dpo", "reward", "kto")),
    "preference-implicit-prompt": (("chosen", "rejected"), ("dpo", "reward", "kto")),
    "unpaired-preference": (("prompt", "completion", "label"), ("kto",)),
    "alpaca": (("prompt", "completion"), ("sft",)),
    "prompt-completion": (("prompt", "completion"), ("sft",)),
    "prompt-only": (("prompt",), ("grpo",)),
    "text": (("text",), ("sft",)),
}


def formats(parts: ColumnRoles) -> list[dict[str, Any]]:
    """Every format the columns fit, most specific first: `{name, form, columns, methods, alternatives, note}`.

    `alternatives` are columns that could play a part as well; `note` is what the shape says of itself.
    """
    replaced = frozenset().union(*(shape.replaces for shape in parts.shapes))
    found = [_shaped(shape) for shape in parts.shapes]
    for name, (needed, methods) in FORMATS.items():
        if name not in replaced and parts.has(*needed) and _fits(name, parts):
            columns = {part: parts.by_role[part] for part in (*needed, *_more(name, parts))}
            found.append(_entry(_name(name, parts), _form(needed, parts), columns, methods, parts))
    if "input_ids" in parts.kinds:
        found.insert(0, _entry("tokenized", "tokens", {"input_ids": "input_ids"}, ("sft",), None))
    return found


def _entry(name: str, form: str, columns: dict[str, str], methods: tuple[str, ...], parts: ColumnRoles | None) -> dict[str, Any]:
    others = {part: list(parts.others[part]) for part in columns if part in parts.others} if parts else {}
    return {"name": name, "form": form, "columns": columns, "methods": list(methods), "alternatives": others, "note": None}


def _shaped(shape: Shape) -> dict[str, Any]:
    return {**_entry(shape.name, "own", dict(shape.columns), shape.methods, None), "note": shape.said}


def _fits(name: str, parts: ColumnRoles) -> bool:
    """Drop the readings that a richer one contains."""
    alpaca = parts.get("prompt") == "instruction" and parts.get("completion") in ("output", "response")
    if name in ("alpaca", "prompt-completion"):
        return (alpaca == (name == "alpaca") and not parts.has("label")) or (name == "prompt-completion" and _rated(parts))
    if name == "unpaired-preference":
        return not _rated(parts)
    if name == "preference-implicit-prompt":
        return not parts.has("prompt") or parts.kind("chosen") in ("messages", "sharegpt")
    if name == "prompt-only":
        return not parts.has("completion") and not parts.has("chosen")
    return True


def _rated(parts: ColumnRoles) -> bool:
    """A label that is a float (a score) is no thumb up or down."""
    return parts.kind("label") == "float"


def _name(name: str, parts: ColumnRoles) -> str:
    return "sharegpt" if name == "messages" and parts.kind("messages") == "sharegpt" else name


def _form(needed: tuple[str, ...], parts: ColumnRoles) -> str:
    """`conversational`, `standard`, or `mixed` when strings stand beside messages."""
    kinds = {parts.kind(part) != "string" for part in needed if part != "label"}
    return "mixed" if len(kinds) > 1 else ("conversational" if kinds == {True} else "standard")


def _more(name: str, parts: ColumnRoles) -> list[str]:
    more = ["context"] if name == "alpaca" else []
    return [part for part in (*more, "system", "tools", "images") if parts.has(part)]
