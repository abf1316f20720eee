"""Which of the settings on a command line, in a config file or in `parse_dict` belong to which of the parser's dataclasses."""

from __future__ import annotations

import ast

from ml_intern_helpers.analysis.classes import PARSED_BESIDE
from ml_intern_helpers.analysis.dataclass_fields import fields_of
from ml_intern_helpers.analysis.dicts import entries_of
from ml_intern_helpers.analysis.names import dotted
from ml_intern_helpers.analysis.script import Script
from ml_intern_helpers.analysis.values import Entries, Setting, Value, known, runtime


def from_command_line(script: Script, made: ast.Call) -> Entries:
    """What the parser gives a parsed object; names that another of its dataclasses declares are not its."""
    given = _dict_of(script, made)
    if given is None:
        options = script.given.options
        items = {
            name: Setting(value, made) for name in (*options.values, *options.hidden) if (value := given_option(script, name))
        }
        given = Entries(items, options.unread)
    others = _others(script, made)
    return Entries({name: setting for name, setting in given.items.items() if name not in others}, given.open)


def names_given(script: Script, made: ast.Call) -> list[str]:
    """Every name that the parser of `made` is given, whichever of its dataclasses takes it."""
    given = _dict_of(script, made)
    return [*given.items] if given is not None else [*script.given.options.values, *script.given.options.hidden]


def names_switched_off(script: Script, made: ast.Call) -> frozenset[str]:
    """Those of `names_given` that `--no_name` sets."""
    return script.given.options.negated if _dict_of(script, made) is None else frozenset()


def given_option(script: Script, name: str) -> Value | None:
    """What the command line or its config file sets, None when neither does."""
    options = script.given.options
    if name in options.hidden:
        return runtime(options.hidden[name])
    return known(options.values[name]) if name in options.values else None


def options_left(script: Script, name: str) -> list[str]:
    """`["--name"]` where an option may still set what nothing names."""
    options = script.given.options
    return [] if options.complete and not options.unread else [f"--{name}"]


def parser_of(script: Script, made: ast.Call) -> str:
    """`TrlParser`, where options that are not seen may set what is not given; "" where all are seen."""
    if made not in script.parsed or not options_left(script, "") or _dict_of(script, made) is not None:
        return ""
    name: str = script.parsed[made].parser
    return name


def _dict_of(script: Script, made: ast.Call) -> Entries | None:
    """The dict that `parse_dict` is given, None for parsers of the command line."""
    parse = script.parsed[made].parse
    if not (isinstance(parse.func, ast.Attribute) and parse.func.attr == "parse_dict" and parse.args):
        return None
    return entries_of(script, parse.args[0])


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
