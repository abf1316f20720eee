"""The tables by which lazy packages say what they offer and where it lies."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from ml_intern_helpers.indexes.from_source.statements import flat_statements

_LAZY_TABLES = ("_import_structure", "_SUBMOD_ATTRS", "_SUBMODULES")


def replaces_itself(text: str) -> bool:
    """Whether the module puts a lazy module in its own place: what it imported for its own use is then gone."""
    return "sys.modules[__name__] = _LazyModule(" in text


def lazy_table(tree: ast.Module) -> Iterator[tuple[str, list[str]]]:
    """(submodule, names) of the tables that lazy packages keep, however the code fills them."""
    for statement in flat_statements(tree.body):
        if isinstance(statement, (ast.Assign, ast.AugAssign)):
            yield from _assigned_rows(statement)
        elif isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
            yield from _called_rows(statement.value)


def _assigned_rows(statement: ast.Assign | ast.AugAssign) -> Iterator[tuple[str, list[str]]]:
    target = statement.targets[0] if isinstance(statement, ast.Assign) else statement.target
    if isinstance(target, ast.Name) and target.id in _LAZY_TABLES and isinstance(statement.value, ast.Dict):
        for key, value in zip(statement.value.keys, statement.value.values, strict=True):
            if isinstance(key, ast.Constant):
                yield str(key.value), _strings(value)
    elif (row := _row_of(target)) is not None:
        yield row, _strings(statement.value)


def _called_rows(call: ast.Call) -> Iterator[tuple[str, list[str]]]:
    """`_import_structure["x"].extend([...])` and `.append("y")`."""
    if isinstance(call.func, ast.Attribute) and call.func.attr in ("extend", "append", "update") and call.args:
        row = _row_of(call.func.value)
        if row is not None:
            yield row, _strings(call.args[0])


def _row_of(node: ast.expr) -> str | None:
    if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and node.value.id in _LAZY_TABLES:
        return str(node.slice.value) if isinstance(node.slice, ast.Constant) else None
    return None


def _strings(node: ast.expr) -> list[str]:
    items = node.elts if isinstance(node, (ast.List, ast.Tuple, ast.Set)) else [node]
    return [item.value for item in items if isinstance(item, ast.Constant) and isinstance(item.value, str)]


def scanned_folders(text: str, module: str) -> Iterator[str]:
    """The folders a lazy package scans for `__all__`."""
    if "define_import_structure(Path(__file__).parent" in text:
        for folder in re.findall(r'define_import_structure\(Path\(__file__\)\.parent / "(\w+)"', text):
            yield f"{module}.{folder}"
    elif "define_import_structure(_file)" in text:
        yield module
