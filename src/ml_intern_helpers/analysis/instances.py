"""Methods of objects whose class is certain: `trainer = SFTTrainer(…); trainer.train(…)`, `load_dataset(…).map(…)`."""

from __future__ import annotations

import ast
from typing import NamedTuple

from ml_intern_helpers.analysis.evaluate import value_of
from ml_intern_helpers.analysis.names import dotted, reaching
from ml_intern_helpers.analysis.offers import Offers
from ml_intern_helpers.analysis.script import Script
from ml_intern_helpers.analysis.subclasses import subclass_of
from ml_intern_helpers.indexes.signatures import Signature

_FAR = 10
_ROWS = ("datasets.Dataset", "datasets.IterableDataset")
_SPLITS = ("datasets.DatasetDict", "datasets.IterableDatasetDict")
#: Methods of these four that return an object of the same class.
_SAME = frozenset(
    {"map", "filter", "select", "shuffle", "sort", "rename_column", "rename_columns", "remove_columns", "select_columns", "cast"}
    | {"cast_column", "with_format", "take", "skip", "shard", "flatten_indices", "repeat", "add_column"}
)


class Method(NamedTuple):
    """A method of one class the object may be of; `signature` None when the class has no such method."""

    name: str
    signature: Signature | None


def methods_called(script: Script, offers: Offers, func: ast.Attribute) -> list[Method]:
    """The method in each class that the object may be of; empty when one of them is not certain."""
    found = []
    for origin, own in classes_of(script, offers, func.value):
        if func.attr in own:
            return []
        found.append(Method(f"{offers.shown_name(origin)}.{func.attr}", offers.called_method(origin, func.attr)))
    return found


def classes_of(script: Script, offers: Offers, expr: ast.expr, far: int = 0) -> list[tuple[str, frozenset[str]]]:
    """(origin, methods that a local subclass defines itself) of every class that the object may be of."""
    if far > _FAR:
        return []
    if isinstance(expr, ast.Name):
        return _named(script, offers, expr, far)
    if isinstance(expr, ast.Call):
        return _made(script, offers, expr, far)
    if isinstance(expr, ast.Subscript):
        return _split_of(offers, classes_of(script, offers, expr.value, far + 1))
    return []


def _named(script: Script, offers: Offers, expr: ast.Name, far: int) -> list[tuple[str, frozenset[str]]]:
    found: list[tuple[str, frozenset[str]]] = []
    for binding in reaching(script, expr):
        value = binding.value
        if binding.kind != "assign" or not isinstance(value, ast.expr):
            return []
        if isinstance(value, ast.Constant) and value.value is None:
            continue
        classes = classes_of(script, offers, value, far + 1)
        if not classes:
            return []
        found += classes
    return list(dict.fromkeys(found))


def _made(script: Script, offers: Offers, call: ast.Call, far: int) -> list[tuple[str, frozenset[str]]]:
    target = dotted(script, call.func)
    if target is None:
        return _returned(script, offers, call, far)
    if isinstance(target.definition, ast.ClassDef):
        found = subclass_of(script, offers, target.definition)
        return [(found.origin, found.methods)] if found else []
    if target.definition is not None:
        return []
    walked = offers.walk(target.name)
    if walked.state != "found":
        return []
    if not walked.rest and offers.is_class(walked.origin):
        return [(walked.origin, frozenset())]
    name = ".".join([offers.shown_name(walked.origin), *walked.rest])
    if name == "datasets.load_dataset":
        return _loaded(script, offers, call)
    return _known(offers, "datasets.Dataset") if name.startswith("datasets.Dataset.from_") else []


def _loaded(script: Script, offers: Offers, call: ast.Call) -> list[tuple[str, frozenset[str]]]:
    words = {word.arg: word.value for word in call.keywords}
    if None in words:
        return []
    split = words.get("split")
    if split is None:
        return _known(offers, *_SPLITS)
    value = value_of(script, split)
    return _known(offers, *_ROWS) if value.state == "known" and isinstance(value.value, str) else []


def _returned(script: Script, offers: Offers, call: ast.Call, far: int) -> list[tuple[str, frozenset[str]]]:
    if not isinstance(call.func, ast.Attribute):
        return []
    classes = classes_of(script, offers, call.func.value, far + 1)
    names = [offers.shown_name(origin) for origin, _ in classes]
    if names and set(names) <= {*_ROWS, *_SPLITS} and call.func.attr in _SAME:
        return classes
    if names == ["datasets.Dataset"] and call.func.attr == "train_test_split":
        return _known(offers, "datasets.DatasetDict")
    return []


def _split_of(offers: Offers, classes: list[tuple[str, frozenset[str]]]) -> list[tuple[str, frozenset[str]]]:
    """`splits["train"]`."""
    names = {offers.shown_name(origin) for origin, _ in classes}
    return _known(offers, *(_ROWS[_SPLITS.index(name)] for name in sorted(names))) if names and names <= set(_SPLITS) else []


def _known(offers: Offers, *names: str) -> list[tuple[str, frozenset[str]]]:
    origins = [offers.origin(name) for name in names]
    return [(origin, frozenset()) for origin in origins if origin] if all(origins) else []


def class_of_super(script: Script, offers: Offers, func: ast.Attribute) -> str | None:
    """The indexed class behind `super()` in `super().method(…)`."""
    match func.value:
        case ast.Call(func=ast.Name(id="super"), args=[]):
            definition = _enclosing_class(script, func)
            found = subclass_of(script, offers, definition) if definition else None
            local = found is not None and definition is not None and _local_base(script, definition)
            return found.origin if found and not local else None
    return None


def _local_base(script: Script, definition: ast.ClassDef) -> bool:
    target = dotted(script, definition.bases[0])
    return target is not None and target.definition is not None


def _enclosing_class(script: Script, node: ast.AST) -> ast.ClassDef | None:
    scope = script.places[node].scope
    while scope.parent is not None:
        if isinstance(scope.node, ast.ClassDef):
            return scope.node
        scope = scope.parent
    return None
