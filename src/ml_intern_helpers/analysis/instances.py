"""Determines the indexed classes of objects and local subclasses: `load_dataset(…).map(…)`, `class C(SFTConfig)`."""

from __future__ import annotations

import ast
from typing import NamedTuple

from ml_intern_helpers.analysis.evaluate import value_of
from ml_intern_helpers.analysis.names import Target, dotted, reaching
from ml_intern_helpers.analysis.offers import Offers
from ml_intern_helpers.analysis.script import Script
from ml_intern_helpers.indexes.signatures import Signature

_FAR = 10
_ROWS = ("datasets.Dataset", "datasets.IterableDataset")
_SPLITS = ("datasets.DatasetDict", "datasets.IterableDatasetDict")
#: Methods of these four classes that return an object of the same class.
_SAME = frozenset(
    {"map", "filter", "select", "shuffle", "sort", "rename_column", "rename_columns", "remove_columns", "select_columns", "cast"}
    | {"cast_column", "with_format", "take", "skip", "shard", "flatten_indices", "repeat", "add_column"}
)


class Method(NamedTuple):
    """A method of one class that the object may have; `signature` is None when the class has no such method."""

    name: str
    signature: Signature | None


class Subclass(NamedTuple):
    """What a local class inherits.

    Attributes:
        origin: the indexed class.
        own_init: it, or a local class in between, defines a constructor.
        is_dataclass: it is decorated as a dataclass, so its `fields` are arguments.
        fields: annotated name -> source of the default; None when it is required.
        methods: the functions that it or a local class in between defines.
    """

    origin: str
    own_init: bool
    is_dataclass: bool
    fields: dict[str, str | None]
    methods: frozenset[str]


#: A class that an object may have: (origin, methods that a local subclass defines itself).
ObjectClass = tuple[str, frozenset[str]]


def methods_called(script: Script, offers: Offers, func: ast.Attribute) -> list[Method]:
    """The method in each class that the object may have; empty when one of them is not certain."""
    methods = []
    for origin, own in _classes_of(script, offers, func.value):
        if func.attr in own:
            return []
        methods.append(Method(f"{offers.shown_name(origin)}.{func.attr}", offers.called_method(origin, func.attr)))
    return methods


def class_of_super(script: Script, offers: Offers, func: ast.Attribute) -> str | None:
    """The indexed class that `super()` refers to in `super().method(…)`; None where the base is a local class."""
    match func.value:
        case ast.Call(func=ast.Name(id="super"), args=[]):
            scope = script.places[func].scope
            while scope.parent is not None and not isinstance(scope.node, ast.ClassDef):
                scope = scope.parent
            subclass = subclass_of(script, offers, scope.node) if isinstance(scope.node, ast.ClassDef) else None
            if subclass and isinstance(scope.node, ast.ClassDef):
                base = dotted(script, scope.node.bases[0])
                return None if base is not None and base.definition is not None else subclass.origin
    return None


def subclass_of(script: Script, offers: Offers, definition: ast.ClassDef, depth: int = 0) -> Subclass | None:
    """What a local class inherits; None unless its constructor is certain: one base, no metaclass, no unknown decorator."""
    if depth > _FAR or len(definition.bases) != 1 or definition.keywords:
        return None
    decorators = [decorator.func if isinstance(decorator, ast.Call) else decorator for decorator in definition.decorator_list]
    names = [target.name for decorator in decorators if (target := dotted(script, decorator))]
    if decorators and names != ["dataclasses.dataclass"]:
        return None
    above = _above(script, offers, definition.bases[0], depth)
    if above is None:
        return None
    functions = {item.name for item in definition.body if isinstance(item, (ast.FunctionDef, ast.AsyncFunctionDef))}
    fields = {
        item.target.id: None if item.value is None else ast.unparse(item.value)
        for item in definition.body
        if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name)
    }
    return Subclass(
        above.origin,
        own_init=above.own_init or bool(functions & {"__init__", "__new__"}),
        is_dataclass=bool(decorators),
        fields=above.fields | fields,
        methods=above.methods | functions,
    )


def _above(script: Script, offers: Offers, base: ast.expr, depth: int) -> Subclass | None:
    """The base class, as another local class or an indexed one; None when it is neither."""
    target = dotted(script, base)
    if target is None or target.partial:
        return None
    if isinstance(target.definition, ast.ClassDef):
        return subclass_of(script, offers, target.definition, depth + 1)
    walked = offers.walk(target.name) if target.definition is None else None
    if walked is None or walked.state != "found" or walked.rest or not offers.is_class(walked.origin):
        return None
    return Subclass(walked.origin, own_init=False, is_dataclass=False, fields={}, methods=frozenset())


def _classes_of(script: Script, offers: Offers, expr: ast.expr, depth: int = 0) -> list[ObjectClass]:
    """Every class that the object may have; empty when one of them is not certain."""
    if depth > _FAR:
        return []
    if isinstance(expr, ast.Name):
        collected: list[ObjectClass] = []
        for binding in reaching(script, expr):
            if binding.kind != "assign" or not isinstance(binding.value, ast.expr):
                return []
            if isinstance(binding.value, ast.Constant) and binding.value.value is None:
                continue
            classes = _classes_of(script, offers, binding.value, depth + 1)
            if not classes:
                return []
            collected += classes
        return list(dict.fromkeys(collected))
    if isinstance(expr, ast.Call):
        target = dotted(script, expr.func)
        if target is not None:
            return _constructed(script, offers, expr, target)
        return _returned(script, offers, expr.func, depth) if isinstance(expr.func, ast.Attribute) else []
    if isinstance(expr, ast.Subscript):  # `splits["train"]`
        names = {offers.shown_name(origin) for origin, _ in _classes_of(script, offers, expr.value, depth + 1)}
        return _indexed(offers, *(_ROWS[_SPLITS.index(name)] for name in sorted(names))) if names <= set(_SPLITS) else []
    return []


def _constructed(script: Script, offers: Offers, call: ast.Call, target: Target) -> list[ObjectClass]:
    """The classes of the object that a call of a class, or of a function of datasets, returns."""
    if isinstance(target.definition, ast.ClassDef):
        subclass = subclass_of(script, offers, target.definition)
        return [(subclass.origin, subclass.methods)] if subclass else []
    walked = offers.walk(target.name) if target.definition is None else None
    if walked is None or walked.state != "found":
        return []
    if not walked.rest and offers.is_class(walked.origin):
        return [(walked.origin, frozenset())]
    name = ".".join([offers.shown_name(walked.origin), *walked.rest])
    if name.startswith("datasets.Dataset.from_"):
        return _indexed(offers, "datasets.Dataset")
    words = {word.arg: word.value for word in call.keywords}
    if name != "datasets.load_dataset" or None in words:
        return []
    if "split" not in words:
        return _indexed(offers, *_SPLITS)
    split = value_of(script, words["split"])
    return _indexed(offers, *_ROWS) if split.state == "known" and isinstance(split.value, str) else []


def _returned(script: Script, offers: Offers, method: ast.Attribute, depth: int) -> list[ObjectClass]:
    """The classes of the object that a method of a dataset returns."""
    classes = _classes_of(script, offers, method.value, depth + 1)
    names = [offers.shown_name(origin) for origin, _ in classes]
    if names and set(names) <= {*_ROWS, *_SPLITS} and method.attr in _SAME:
        return classes
    if names == ["datasets.Dataset"] and method.attr == "train_test_split":
        return _indexed(offers, "datasets.DatasetDict")
    return []


def _indexed(offers: Offers, *names: str) -> list[ObjectClass]:
    origins = [offers.origin(name) for name in names]
    return [(origin, frozenset()) for origin in origins if origin] if all(origins) else []
