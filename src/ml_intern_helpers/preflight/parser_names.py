"""What the command line or its config file sets and none of the parser's dataclasses takes."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import NamedTuple

from ml_intern_helpers.api_index.signatures import Signature
from ml_intern_helpers.preflight.command_line import names_given
from ml_intern_helpers.preflight.dataclass_fields import fields_of, is_dataclass
from ml_intern_helpers.preflight.facts import Facts
from ml_intern_helpers.preflight.names import dotted
from ml_intern_helpers.preflight.subclasses import subclass_of

#: Arguments of the parsing call after which the rest is no error.
_LENIENT = frozenset({"return_remaining_strings", "fail_with_unknown_args", "allow_extra_keys", "args"})


class Refused(NamedTuple):
    """One name.

    Attributes:
        name: as set.
        parser: `TrlParser`.
        parse: the parsing call.
        library: (name, signature) of those of its dataclasses that come from an indexed library.
    """

    name: str
    parser: str
    parse: ast.Call
    library: tuple[tuple[str, Signature], ...]


def refused(facts: Facts) -> Iterator[Refused]:
    """The names that end the script with an error; none where a dataclass cannot be seen."""
    seen: set[ast.Call] = set()
    for made, parsed in list(facts.script.parsed.items()):
        lenient = {word.arg for word in parsed.parse.keywords} & {*_LENIENT, None}
        if parsed.parse in seen or lenient:
            continue
        seen.add(parsed.parse)
        classes = [_taken(facts, type_) for type_ in parsed.types]
        if all(classes):
            taken = {name for one in classes if one for name in one[0]}
            library = tuple(one[1] for one in classes if one and one[1])
            for name in names_given(facts.script, made):
                if name not in taken:
                    yield Refused(name, parsed.parser, parsed.parse, library)


def _taken(facts: Facts, type_: ast.expr) -> tuple[frozenset[str], tuple[str, Signature] | None] | None:
    """(the fields of a dataclass, its library class); None when not all of them are known."""
    target = dotted(facts.script, type_)
    if target is None or target.partial:
        return None
    if not isinstance(target.definition, ast.ClassDef):
        return _of_library(facts, target.name, frozenset()) if target.definition is None else None
    own = frozenset(fields_of(facts.script, target.definition))
    above = subclass_of(facts.script, facts.offers, target.definition)
    if above is not None:
        return _of_library(facts, facts.offers.shown_name(above.origin), own)
    plain = is_dataclass(facts.script, target.definition) and not target.definition.bases
    return (own, None) if plain else None


def _of_library(facts: Facts, name: str, own: frozenset[str]) -> tuple[frozenset[str], tuple[str, Signature]] | None:
    found = facts.offers.walk(name)
    if found.state != "found" or found.rest or ":" not in found.origin or not facts.judges(name.partition(".")[0]):
        return None
    signature = facts.offers.call_of(found.origin)
    if signature is None or signature.open:
        return None
    return frozenset(signature.names) | own, (facts.offers.shown_name(found.origin), signature)
