"""The fields of model configurations: `from_pretrained` passes them on, so they are legal there."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from ml_intern_helpers.indexes.from_source.read_records import read_function
from ml_intern_helpers.indexes.from_source.source_tree import SourceTree

_CONFIGURATION = re.compile(r"\.configuration_\w+$")


def config_fields(tree: SourceTree) -> set[str]:
    """Of every model's configuration, and of their base."""
    found: set[str] = set()
    for module in tree.modules:
        if _CONFIGURATION.search(module):
            for node in ast.parse(tree.text(module)).body:
                found.update(_fields_of(node) if isinstance(node, ast.ClassDef) else ())
    return found


def _fields_of(node: ast.ClassDef) -> Iterator[str]:
    """Annotated fields (transformers 5), constructor arguments, popped ones included (transformers 4), and properties."""
    for item in node.body:
        if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name):
            yield item.target.id
        elif isinstance(item, ast.FunctionDef) and item.name == "__init__":
            yield from read_function(item, method=True).known
        elif isinstance(item, ast.FunctionDef) and any(_is_setter(decorator) for decorator in item.decorator_list):
            yield item.name


def _is_setter(decorator: ast.expr) -> bool:
    return isinstance(decorator, ast.Attribute) and decorator.attr == "setter"
