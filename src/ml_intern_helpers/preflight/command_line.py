"""Which of the settings in a config file (or in `parse_dict`) belong to which of the parser's dataclasses."""

from __future__ import annotations

import ast

from ml_intern_helpers.preflight.dataclass_fields import fields_of
from ml_intern_helpers.preflight.knowledge.classes import PARSED_BESIDE
from ml_intern_helpers.preflight.mappings import entries_of
from ml_intern_helpers.preflight.names import dotted
from ml_intern_helpers.preflight.script import Script
from ml_intern_helpers.preflight.values import Entries, Setting, known


def from_command_line(script: Script, made: ast.Call) -> Entries:
    """What `parse_dict` and the config file give a parsed object; names that another dataclass of the parser declares are its."""
    parsed = script.parsed[made]
    items: dict[str, Setting] = {}
    reason = script.given.unread
    if isinstance(parsed.parse.func, ast.Attribute) and parsed.parse.func.attr == "parse_dict" and parsed.parse.args:
        given = entries_of(script, parsed.parse.args[0])
        items, reason = dict(given.items), given.open
    else:
        items = {name: Setting(known(value), made) for name, value in script.given.values.items()}
    others = _others(script, made)
    return Entries({name: setting for name, setting in items.items() if name not in others}, reason)


def _others(script: Script, made: ast.Call) -> set[str]:
    """The names that the parser's other dataclasses take."""
    found: set[str] = set()
    for type_ in script.parsed[made].types:
        target = dotted(script, type_) if type_ is not made.func else None
        if target and isinstance(target.definition, ast.ClassDef):
            found |= fields_of(script, target.definition).keys()
        elif target:
            found |= PARSED_BESIDE.get(target.name.rpartition(".")[2], frozenset())
    return found
