"""Arguments that `validate_hf_hub_args` of huggingface_hub translates or drops before the function sees them.

`hf_hub_download(resume_download=True)` stands in no signature of release 2, and runs: the decorator warns and drops it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from ml_intern_helpers.indexes.records import ClassRecord, FunctionRecord, Record

if TYPE_CHECKING:
    from ml_intern_helpers.indexes.from_source.source_tree import SourceTree

MODULE = "huggingface_hub.utils._validators"
#: What the decorator calls: the first up to release 0.36, the second since.
HANDLERS = ("smoothly_deprecate_use_auth_token", "smoothly_deprecate_legacy_arguments")
_DECORATOR = "validate_hf_hub_args"


def legacy_arguments(tree: SourceTree) -> dict[str, str]:
    """Old name -> the argument that a function must have for it to be translated; "" when it is dropped in any case."""
    if MODULE not in tree.modules:
        return {}
    found: dict[str, str] = {}
    for node in ast.parse(tree.text(MODULE)).body:
        if isinstance(node, ast.FunctionDef) and node.name in HANDLERS:
            # Up to 0.36 `has_token` says whether the function has the `token` that `use_auth_token` is translated to.
            needs = "token" if any(item.arg == "has_token" for item in node.args.args) else ""
            found.update((name, needs) for name in _popped(node))
    return found


def translations(tree: SourceTree) -> Iterator[tuple[str, str]]:
    """(old, new) names, where a handler puts what it took under another: `new_kwargs["token"] = use_auth_token`."""
    for node in ast.parse(tree.text(MODULE)).body if MODULE in tree.modules else ():
        if isinstance(node, ast.FunctionDef) and node.name in HANDLERS:
            for item in ast.walk(node):
                target = item.targets[0] if isinstance(item, ast.Assign) else None
                if isinstance(target, ast.Subscript) and isinstance(target.slice, ast.Constant):
                    yield from ((old, str(target.slice.value)) for old in _popped(node))


def with_legacy(node: ast.stmt, record: Record, legacy: Mapping[str, str]) -> Record:
    """The record with what the decorator takes; of a class, its methods'."""
    if isinstance(record, FunctionRecord):
        return _widened(record, legacy) if _decorated(node) else record
    decorated = {item.name for item in getattr(node, "body", ()) if _decorated(item)}
    methods = {name: _widened(made, legacy) if name in decorated else made for name, made in record.methods.items()}
    init = _widened(record.init, legacy) if record.init and "__init__" in decorated else record.init
    return _same_or(record, record._replace(methods=methods, init=init))


def _same_or(old: ClassRecord, new: ClassRecord) -> ClassRecord:
    return old if old == new else new


def _widened(record: FunctionRecord, legacy: Mapping[str, str]) -> FunctionRecord:
    names = {argument.name for argument in record.arguments}
    more = [old for old, needs in legacy.items() if old not in names and (not needs or needs in names)]
    return record._replace(popped=tuple(dict.fromkeys((*record.popped, *more))))


def _decorated(node: ast.stmt) -> bool:
    written = (ast.unparse(item) for item in getattr(node, "decorator_list", ()))
    return any(text.rpartition(".")[2] == _DECORATOR for text in written)


def _popped(node: ast.FunctionDef) -> list[str]:
    """`new_kwargs.pop("resume_download", None)`: also out of a copy of the keywords."""
    return [
        call.args[0].value
        for call in ast.walk(node)
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and call.func.attr == "pop"
        and call.args
        and isinstance(call.args[0], ast.Constant)
        and isinstance(call.args[0].value, str)
    ]
