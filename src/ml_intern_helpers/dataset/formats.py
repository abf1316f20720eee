"""Names the formats that the columns of a dataset fit; all are reported if there are several."""

from __future__ import annotations

from typing import Any

from ml_intern_helpers.dataset.column_roles import ColumnRoles

#: Format -> (roles that it needs, methods that it is made for).
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
    """All formats that the columns fit, the most specific first: `{name, form, columns, methods, alternatives, note}`.

    `alternatives` holds, by role, other columns that could have it; `note` is that of a shape.
    """
    replaced = frozenset().union(*(shape.replaces for shape in roles.shapes))
    entries = [
        {**_entry(shape.name, "own", dict(shape.columns), shape.methods, None), "note": shape.note} for shape in roles.shapes
    ]
    for name, (needed, methods) in FORMATS.items():
        if name not in replaced and roles.has(*needed) and _fits(name, roles):
            columns = {role: roles.by_role[role] for role in (*needed, *_optional_roles(name, roles))}
            # `conversational`, `standard`, or `mixed` when some columns hold strings and others messages.
            kinds = {roles.kind(role) != "string" for role in needed if role != "label"}
            entries.append(
                _entry(
                    "sharegpt" if name == "messages" and roles.kind("messages") == "sharegpt" else name,
                    ("mixed" if len(kinds) > 1 else ("conversational" if kinds == {True} else "standard")),
                    columns,
                    methods,
                    roles,
                )
            )
    if "input_ids" in roles.kinds:
        entries.insert(0, _entry("tokenized", "tokens", {"input_ids": "input_ids"}, ("sft",), None))
    return entries


def _entry(name: str, form: str, columns: dict[str, str], methods: tuple[str, ...], roles: ColumnRoles | None) -> dict[str, Any]:
    others = {role: list(roles.others[role]) for role in columns if role in roles.others} if roles else {}
    return {"name": name, "form": form, "columns": columns, "methods": list(methods), "alternatives": others, "note": None}


def _fits(name: str, roles: ColumnRoles) -> bool:
    """Whether a format whose roles are present fits, and is not contained in a richer one."""
    alpaca = roles.get("prompt") == "instruction" and roles.get("completion") in ("output", "response")
    if name in ("alpaca", "prompt-completion"):
        return (alpaca == (name == "alpaca") and not roles.has("label")) or (name == "prompt-completion" and _is_score(roles))
    if name == "unpaired-preference":
        return not _is_score(roles)
    if name == "preference-implicit-prompt":
        return not roles.has("prompt") or roles.kind("chosen") in ("messages", "sharegpt")
    if name == "prompt-only":
        return not roles.has("completion") and not roles.has("chosen")
    return True


def _is_score(roles: ColumnRoles) -> bool:
    """Whether the label is a score (a float), not a judgment of good or bad."""
    return roles.kind("label") == "float"


def _optional_roles(name: str, roles: ColumnRoles) -> list[str]:
    optional = ["context"] if name == "alpaca" else []
    return [role for role in (*optional, "system", "tools", "images") if roles.has(role)]
