"""Local classes that inherit from an indexed one: whose constructor they have, and what they add."""

from __future__ import annotations

import ast
from typing import NamedTuple

from ml_intern_helpers.analysis.names import dotted
from ml_intern_helpers.analysis.offers import Offers
from ml_intern_helpers.analysis.script import Script

_FAR = 8


class Subclass(NamedTuple):
    """What a local class inherits.

    Attributes:
        origin: the indexed class.
        own_init: it, or a local class between, writes a constructor.
        is_dataclass: decorated so: its `fields` are arguments.
        fields: annotated names -> source of the default, None when it must be given.
        methods: functions that it or a local class between defines.
    """

    origin: str
    own_init: bool
    is_dataclass: bool
    fields: dict[str, str | None]
    methods: frozenset[str]


def subclass_of(script: Script, offers: Offers, definition: ast.ClassDef, far: int = 0) -> Subclass | None:
    """None unless everything that decides about the constructor can be seen: one base, no metaclass, no foreign decorator."""
    if far > _FAR or len(definition.bases) != 1 or definition.keywords:
        return None
    decorators = [decorator.func if isinstance(decorator, ast.Call) else decorator for decorator in definition.decorator_list]
    names = [target.name for decorator in decorators if (target := dotted(script, decorator))]
    if decorators and names != ["dataclasses.dataclass"]:
        return None
    above = _above(script, offers, definition.bases[0], far)
    if above is None:
        return None
    functions = {item.name for item in definition.body if isinstance(item, (ast.FunctionDef, ast.AsyncFunctionDef))}
    fields = {
        item.target.id: None if item.value is None else ast.unparse(item.value)
        for item in definition.body
        if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name)
    }
    return Subclass(
        above.origin,
        own_init=above.own_init or bool(functions & {"__init__", "__new__"}),
        is_dataclass=bool(decorators),
        fields=above.fields | fields,
        methods=above.methods | functions,
    )


def _above(script: Script, offers: Offers, base: ast.expr, far: int) -> Subclass | None:
    """What the base class is: another local class, or an indexed one."""
    target = dotted(script, base)
    if target is None or target.partial:
        return None
    if isinstance(target.definition, ast.ClassDef):
        return subclass_of(script, offers, target.definition, far + 1)
    found = offers.walk(target.name) if target.definition is None else None
    if found is None or found.state != "found" or found.rest or not offers.is_class(found.origin):
        return None
    return Subclass(found.origin, own_init=False, is_dataclass=False, fields={}, methods=frozenset())
