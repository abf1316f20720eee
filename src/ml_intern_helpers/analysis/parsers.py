"""`TrlParser` and `HfArgumentParser`: objects of dataclasses whose fields are options of the command line."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import NamedTuple

from ml_intern_helpers.analysis.names import dotted, origins, reaching
from ml_intern_helpers.analysis.script import Script

_PARSERS = frozenset({"TrlParser", "HfArgumentParser"})
_PARSES = frozenset({"parse_args_and_config", "parse_args_into_dataclasses", "parse_yaml_file", "parse_json_file", "parse_dict"})


class Parsed(NamedTuple):
    """Where an object came from the command line.

    Attributes:
        parser: `TrlParser` or `HfArgumentParser`.
        parse: the call that parsed.
        types: the dataclasses asked for, as the script writes them.
    """

    parser: str
    parse: ast.Call
    types: tuple[ast.expr, ...]


def parsed_objects(script: Script) -> list[ast.Call]:
    """One call per dataclass object that the script parses; it stands where the parsing stands and builds that dataclass."""
    found = []
    for call in script.calls:
        if isinstance(call.func, ast.Attribute) and call.func.attr in _PARSES:
            found += [made for index in range(8) if (made := parsed_at(script, call, index))]
    return found


def parsed_at(script: Script, call: ast.Call, index: int) -> ast.Call | None:
    """The object at `index` of what a parsing call returns, None when it is no parsing call or nothing is there."""
    key = (f"parsed {index}", call)
    if key not in script.memo:
        script.memo[key] = _parsed(script, call, index)
    found: ast.Call | None = script.memo[key]
    return found


def _parsed(script: Script, call: ast.Call, index: int) -> ast.Call | None:
    if not (isinstance(call.func, ast.Attribute) and call.func.attr in _PARSES):
        return None
    for parser in origins(script, call.func.value):
        target = dotted(script, parser.func)
        name = target.name.rpartition(".")[2] if target else ""
        types = _types(script, parser) if name in _PARSERS else []
        if index < len(types):
            made = ast.copy_location(ast.Call(types[index], [], []), call)
            script.places[made] = script.places[call]
            script.parsed[made] = Parsed(name, call, tuple(types))
            return made
    return None


def _types(script: Script, parser: ast.Call) -> list[ast.expr]:
    named = [word.value for word in parser.keywords if word.arg == "dataclass_types"]
    given = [*parser.args[:1], *named]
    return _elements(script, given[0]) if given else []


def _elements(script: Script, expr: ast.expr) -> list[ast.expr]:
    if isinstance(expr, (ast.Tuple, ast.List)):
        return expr.elts
    if isinstance(expr, ast.Name):
        values = [binding.value for binding in reaching(script, expr) if binding.kind == "assign"]
        if len(values) == 1 and isinstance(values[0], (ast.Tuple, ast.List)):
            return values[0].elts
    return [expr]


def unpacked(
    script: Script, expr: ast.AST | None, index: int, far: int, follow: Callable[[Script, ast.expr, int], list[ast.Call]]
) -> list[ast.Call]:
    """The calls behind item `index` of `expr`: of a parsing call, or of a tuple that a local function returns."""
    if not isinstance(expr, ast.expr):
        return []
    if isinstance(expr, (ast.Tuple, ast.List)):
        return follow(script, expr.elts[index], far + 1) if index < len(expr.elts) else []
    found = []
    for call in follow(script, expr, far + 1):
        made = parsed_at(script, call, index)
        found += [made] if made else _returned(script, call, index, far, follow)
    return found


def _returned(
    script: Script, call: ast.Call, index: int, far: int, follow: Callable[[Script, ast.expr, int], list[ast.Call]]
) -> list[ast.Call]:
    target = dotted(script, call.func)
    if target is None or not isinstance(target.definition, ast.FunctionDef):
        return []
    returned = [node.value for node in ast.walk(target.definition) if isinstance(node, ast.Return)]
    return [made for value in returned if isinstance(value, ast.Tuple) for made in unpacked(script, value, index, far, follow)]
