"""Reads a launch's arguments as the script does: with its argparse parser, a `TrlParser` or an `HfArgumentParser`."""

from __future__ import annotations

import ast

from ml_intern_helpers.analysis import argument_parser
from ml_intern_helpers.analysis.argument_parser import ParsedArguments
from ml_intern_helpers.analysis.classes import PARSED_BESIDE, fields_of
from ml_intern_helpers.analysis.evaluate import entries_of, value_of
from ml_intern_helpers.analysis.names import dotted
from ml_intern_helpers.analysis.script import Script
from ml_intern_helpers.analysis.values import Entries, Setting

_PARSER_PACKAGES = frozenset({"argparse", "click", "typer", "fire", "tyro", "jsonargparse", "absl", "docopt"})


def parsed(script: Script) -> ParsedArguments:
    """The arguments as the script's own argparse parser reads them: values by attribute, and its usage errors."""
    return argument_parser.parsed(script, value_of)


def declared_flags(script: Script) -> set[str]:
    """Every option that the script declares with argparse, even if its parser cannot be followed."""
    options = argument_parser.declarations(script, value_of).options
    return {flag for option in options for flag in option.flags if flag.startswith("-")}


def own_parser(script: Script) -> bool:
    """Whether the script reads its arguments at all: with argparse, click, typer, HfArgumentParser, sys.argv or the like."""
    imported = {alias.name.split(".")[0] for node in script.imports for alias in node.names}
    imported |= {(getattr(node, "module", "") or "").split(".")[0] for node in script.imports}
    words = ("ArgumentParser", "TrlParser", "sys.argv")
    return bool(imported & _PARSER_PACKAGES) or any(word in script.source.text for word in words)


def from_command_line(script: Script, construction: ast.Call) -> Entries:
    """The settings that a dataclass parser gives the object `construction`, without the fields of its other dataclasses."""
    entries = _dict_of(script, construction)
    if entries is None:
        options = script.given.options
        values = {name: options.value(name) for name in options.names}
        entries = Entries({name: Setting(value, construction) for name, value in values.items() if value}, options.unread)
    others: set[str] = set()
    for type_ in script.parsed[construction].types:
        target = dotted(script, type_) if type_ is not construction.func else None
        if target and isinstance(target.definition, ast.ClassDef):
            others |= fields_of(script, target.definition).keys()
        elif target:
            others |= PARSED_BESIDE.get(target.name.rpartition(".")[2], frozenset())
    return Entries({name: setting for name, setting in entries.items.items() if name not in others}, entries.open)


def names_given(script: Script, construction: ast.Call) -> list[str]:
    """Every name that is set for the parser of `construction`, for any of its dataclasses."""
    entries = _dict_of(script, construction)
    return script.given.options.names if entries is None else [*entries.items]


def names_switched_off(script: Script, construction: ast.Call) -> frozenset[str]:
    """The names in `names_given` that a `--no_name` switches off."""
    return script.given.options.negated if _dict_of(script, construction) is None else frozenset()


def parser_of(script: Script, construction: ast.Call) -> str:
    """The parser (`TrlParser`) where unseen options may set further names; "" where all options are known."""
    if construction not in script.parsed or not script.given.options.may_set_more or _dict_of(script, construction) is not None:
        return ""
    return script.parsed[construction].parser


def _dict_of(script: Script, construction: ast.Call) -> Entries | None:
    """The entries of the dict passed to `parse_dict`; None for parsers of the command line."""
    parse = script.parsed[construction].parse
    if isinstance(parse.func, ast.Attribute) and parse.func.attr == "parse_dict" and parse.args:
        return entries_of(script, parse.args[0])
    return None
