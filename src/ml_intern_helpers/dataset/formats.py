"""The formats that a dataset has, by name; it may have several, and then all are reported."""

from __future__ import annotations

from typing import Any

from ml_intern_helpers.dataset.column_roles import ColumnRoles

#: format -> (roles it needs, methods it is made for)
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


def formats(roles: ColumnRoles) -> list[dict[str, Any]]:
    """Every format the columns fit, most specific first: `{name, form, columns, methods, alternatives, note}`.

    `alternatives` are columns that could have the same role; `note` is the shape's own note.
    """
    replaced = frozenset().union(*(shape.replaces for shape in roles.shapes))
    found = [
        {**_entry(shape.name, "own", dict(shape.columns), shape.methods, None), "note": shape.note} for shape in roles.shapes
    ]
    for name, (needed, methods) in FORMATS.items():
        if name not in replaced and roles.has(*needed) and _fits(name, roles):
            columns = {role: roles.by_role[role] for role in (*needed, *_more(name, roles))}
            # `conversational`, `standard`, or `mixed` when some columns hold strings and others messages.
            kinds = {roles.kind(role) != "string" for role in needed if role != "label"}
            found.append(
                _entry(
                    "sharegpt" if name == "messages" and roles.kind("messages") == "sharegpt" else name,
                    ("mixed" if len(kinds) > 1 else ("conversational" if kinds == {True} else "standard")),
                    columns,
                    methods,
                    roles,
                )
            )
    if "input_ids" in roles.kinds:
        found.insert(0, _entry("tokenized", "tokens", {"input_ids": "input_ids"}, ("sft",), None))
    return found


def _entry(name: str, form: str, columns: dict[str, str], methods: tuple[str, ...], roles: ColumnRoles | None) -> dict[str, Any]:
    others = {role: list(roles.others[role]) for role in columns if role in roles.others} if roles else {}
    return {"name": name, "form": form, "columns": columns, "methods": list(methods), "alternatives": others, "note": None}


def _fits(name: str, roles: ColumnRoles) -> bool:
    """Drop the readings that a richer one contains."""
    alpaca = roles.get("prompt") == "instruction" and roles.get("completion") in ("output", "response")
    if name in ("alpaca", "prompt-completion"):
        return (alpaca == (name == "alpaca") and not roles.has("label")) or (name == "prompt-completion" and _rated(roles))
    if name == "unpaired-preference":
        return not _rated(roles)
    if name == "preference-implicit-prompt":
        return not roles.has("prompt") or roles.kind("chosen") in ("messages", "sharegpt")
    if name == "prompt-only":
        return not roles.has("completion") and not roles.has("chosen")
    return True


def _rated(roles: ColumnRoles) -> bool:
    """A label that is a float is a score, not a judgment of good or bad."""
    return roles.kind("label") == "float"


def _more(name: str, roles: ColumnRoles) -> list[str]:
    more = ["context"] if name == "alpaca" else []
    return [role for role in (*more, "system", "tools", "images") if roles.has(role)]
