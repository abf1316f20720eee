"""Scripts from the shapes found in the rows: their expressions under the names that a method reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ml_intern_helpers.dataset.column_roles import ColumnRoles
from ml_intern_helpers.dataset.mapping.code import Script, keep_rows
from ml_intern_helpers.dataset.shapes.shape import Shape

Fields = Mapping[str, str]
_PAIR = ("chosen", "rejected")


def shape_scripts(method: str, shape: Shape, parts: ColumnRoles) -> Iterator[Script]:
    """The script of `shape` for `method`, if it brings what the method reads."""
    fields = _FIELDS[method](shape.fields)
    if not fields or method in shape.refuses:
        return
    pictures = [name for name in ("images", "image") if name in parts.by_role.values()]
    # GRPO hands every other column to the reward functions.
    kept = None if method == "grpo" else [*pictures, *(["tools"] if "tools" in parts.by_role.values() else [])]
    if kept is not None and "tools" in shape.fields:
        fields = {**fields, "tools": shape.fields["tools"]}
    script = Script(mixed=shape.mixed)
    script.need(*shape.definitions, *shape.imports)
    if shape.keep:
        script.statements.append(keep_rows(shape.keep))
    yield script.map_rows(fields, kept)


def _sft(fields: Fields) -> Fields:
    if "messages" in fields:
        return {"messages": fields["messages"]}
    answer = fields.get("completion", fields.get("chosen"))
    return {"prompt": fields["prompt"], "completion": answer} if answer and "prompt" in fields else {}


def _pairs(fields: Fields) -> Fields:
    if not set(_PAIR) <= set(fields):
        return {}
    return {name: fields[name] for name in ("prompt", *_PAIR) if name in fields}


def _grpo(fields: Fields) -> Fields:
    asked = fields.get("prompt", fields.get("question"))
    return {"prompt": asked} if asked else {}


_FIELDS = {"sft": _sft, "dpo": _pairs, "reward": _pairs, "kto": _pairs, "grpo": _grpo}
