"""The options that the command line or its config file sets and that no dataclass of the script's parser takes."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import NamedTuple

from ml_intern_helpers.analysis.dataclass_fields import fields_of, is_dataclass
from ml_intern_helpers.analysis.instances import subclass_of
from ml_intern_helpers.analysis.names import dotted
from ml_intern_helpers.analysis.script_arguments import names_given, names_switched_off
from ml_intern_helpers.indexes.signatures import Signature
from ml_intern_helpers.preflight.context import ScriptContext

#: Arguments of the parsing call after which the rest is no error.
_LENIENT = frozenset({"return_remaining_strings", "fail_with_unknown_args", "allow_extra_keys", "args"})


class Refused(NamedTuple):
    """One name.

    Attributes:
        name: as set.
        parser: `TrlParser`.
        parse: the parsing call.
        library: (name, signature) of those of its dataclasses that come from an indexed library.
        instead: how to say what `--no_name` was meant to say.
    """

    name: str
    parser: str
    parse: ast.Call
    library: tuple[tuple[str, Signature], ...]
    instead: str = ""


def refused(context: ScriptContext) -> Iterator[Refused]:
    """The names that end the script with an error; none where a dataclass cannot be seen."""
    seen: set[ast.Call] = set()
    for config, parsed in list(context.script.parsed.items()):
        lenient = {word.arg for word in parsed.parse.keywords} & {*_LENIENT, None}
        if parsed.parse in seen or lenient:
            continue
        seen.add(parsed.parse)
        classes = [_taken(context, type_) for type_ in parsed.types]
        if all(classes):
            taken = {name for one in classes if one for name in one[0]}
            library = tuple(one[1] for one in classes if one and one[1])
            switched = names_switched_off(context.script, config) - {
                name for type_ in parsed.types for name in _switches(context, type_)
            }
            for name in names_given(context.script, config):
                if name in switched and f"no_{name}" not in taken:
                    instead = f"write --{name} False: only what is on by default has a --no_ form" if name in taken else ""
                    yield Refused(f"no_{name}", parsed.parser, parsed.parse, library, instead)
                elif name not in taken and name not in switched:
                    yield Refused(name, parsed.parser, parsed.parse, library)


def _switches(context: ScriptContext, type_: ast.expr) -> Iterator[str]:
    """The fields that get a `--no_name` beside `--name`: bool, on by default; and those whose default cannot be read."""
    target = dotted(context.script, type_)
    if target is None:
        return
    name, own = target.name, {}
    if isinstance(target.definition, ast.ClassDef):
        own = fields_of(context.script, target.definition)
        above = subclass_of(context.script, context.offers, target.definition)
        name = context.offers.shown_name(above.origin) if above is not None else ""
    for one in own.values():
        if one.default is not None and (not isinstance(one.default, ast.Constant) or one.default.value is True):
            yield one.name
    found = _of_library(context, name, frozenset()) if name else None
    for argument in found[1][1].arguments if found else ():
        if argument.default == "True" and argument.name not in own:
            yield argument.name


def _taken(context: ScriptContext, type_: ast.expr) -> tuple[frozenset[str], tuple[str, Signature] | None] | None:
    """(the fields of a dataclass, its library class); None when not all of them are known."""
    target = dotted(context.script, type_)
    if target is None or target.partial:
        return None
    if not isinstance(target.definition, ast.ClassDef):
        return _of_library(context, target.name, frozenset()) if target.definition is None else None
    own = frozenset(fields_of(context.script, target.definition))
    above = subclass_of(context.script, context.offers, target.definition)
    if above is not None:
        return _of_library(context, context.offers.shown_name(above.origin), own)
    plain = is_dataclass(context.script, target.definition) and not target.definition.bases
    return (own, None) if plain else None


def _of_library(context: ScriptContext, name: str, own: frozenset[str]) -> tuple[frozenset[str], tuple[str, Signature]] | None:
    found = context.offers.walk(name)
    if found.state != "found" or found.rest or ":" not in found.origin or not context.judges(name.partition(".")[0]):
        return None
    signature = context.offers.call_of(found.origin)
    if signature is None or signature.open:
        return None
    return frozenset(signature.names) | own, (context.offers.shown_name(found.origin), signature)
