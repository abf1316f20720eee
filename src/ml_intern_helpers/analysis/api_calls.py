"""Finds the script's calls of indexed libraries: their arguments and signatures, and the classes of the objects called."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Literal, NamedTuple

from ml_intern_helpers.analysis.evaluate import keywords_of, value_of
from ml_intern_helpers.analysis.names import Target, dotted, reaching
from ml_intern_helpers.analysis.releases import Offers
from ml_intern_helpers.analysis.script import Script
from ml_intern_helpers.analysis.values import Entries, Setting
from ml_intern_helpers.indexes.signatures import Argument, Signature


class Given(NamedTuple):
    """The arguments of a call.

    Attributes:
        positional: the positional arguments in order, those bound by a partial first.
        starred: the call also passes `*args`.
        entries: the keyword arguments, including `**dict`, without those that an earlier partial bound.
        earlier: the keywords that an earlier partial bound.
        twice: the keywords that one call passes twice, each with its node.
    """

    positional: tuple[ast.expr, ...]
    starred: bool
    entries: Entries
    earlier: frozenset[str]
    twice: tuple[tuple[str, ast.AST], ...]


class ApiCall(NamedTuple):
    """One call of an indexed class, function or method.

    Attributes:
        call: the call, or the `functools.partial(…)` that prepares it.
        name: the name in the index and the removal history (`trl.SFTConfig`, `transformers.Trainer.train`).
        shown: the name used in messages.
        signature: the signature of what is called.
        given: the arguments of the call.
        whole: all arguments are visible; False for a partial and where `self` may be passed.
        extra: further argument names that a local subclass adds.
    """

    call: ast.Call
    name: str
    shown: str
    signature: Signature
    given: Given
    whole: bool = True
    extra: frozenset[str] = frozenset()

    @property
    def owner(self) -> str:
        """The origin without the method."""
        module, _, name = self.signature.origin.partition(":")
        return f"{module}:{name.partition('.')[0]}"


class Misfit(NamedTuple):
    """A call that Python cannot bind, independently of the names of its keywords."""

    kind: Literal["too many", "missing", "twice"]
    text: str
    node: ast.AST


def api_calls(script: Script, offers: Offers) -> Iterator[ApiCall]:
    """Every call that reaches an indexed callable, in source order."""
    for call in script.calls:
        target = dotted(script, call.func)
        if target is None:
            api_call = _method_called(script, offers, call, call.func) if isinstance(call.func, ast.Attribute) else None
        elif target.name == "functools.partial" and target.definition is None:
            api_call = _prepared(script, offers, call)
        else:
            api_call = _called(script, offers, call, target)
        if api_call is not None:
            yield api_call


def unknown_keywords(call: ApiCall) -> Iterator[tuple[str, Setting]]:
    """The keywords that the signature does not name: errors, or uncertain where it takes `**kwargs`."""
    names = call.signature.names if call.given.entries.items else frozenset()
    for name, setting in call.given.entries.items.items():
        if name not in names and name not in call.extra:
            yield name, setting


def misfits(call: ApiCall) -> Iterator[Misfit]:
    """The arguments that are missing, too many or given twice."""
    positional, keywords = call.given.positional, call.given.entries.items
    places = [argument.name for argument in call.signature.arguments if not argument.keyword_only]
    for name, node in call.given.twice:
        yield Misfit("twice", f"{name} is given twice", node)
    if not call.whole:
        return
    for name in places[: len(positional)] if not call.given.starred else ():
        if name in keywords and is_sure(keywords[name]):
            yield Misfit("twice", f"{name} is given by position and by keyword", keywords[name].node)
    if len(positional) > len(places) and not call.signature.variadic:
        by_keyword = [argument.name for argument in call.signature.arguments if argument.keyword_only]
        rest = f"; {', '.join(by_keyword[:3])}{'…' if len(by_keyword) > 3 else ''} must be given by keyword" if by_keyword else ""
        most = f"{len(places)} positional argument{'' if len(places) == 1 else 's'}"
        yield Misfit("too many", f"takes {most}, {len(positional)} are given{rest}", positional[len(places)])
    if call.given.starred or call.given.entries.open or any(unknown_keywords(call)):
        return  # an unknown keyword is probably a misspelling of the missing one
    bound = {*places[: len(positional)], *keywords, *call.given.earlier}
    missing = [argument.name for argument in call.signature.arguments if argument.default is None and argument.name not in bound]
    if missing:
        yield Misfit("missing", f"{', '.join(missing)} must be given", call.call)


def is_sure(setting: Setting) -> bool:
    """No condition in the script decides whether it is set, or its value."""
    return not setting.value.conditional


def _prepared(script: Script, offers: Offers, call: ast.Call) -> ApiCall | None:
    """The call that `partial(SFTConfig, …)` prepares."""
    target = dotted(script, call)
    if target is None or not target.partial or target.partial[-1] is not call:
        return None
    api_call = _called(script, offers, call, target._replace(partial=target.partial[:-1]))
    return api_call._replace(given=_given(script, target.partial, call.args[1:], call), whole=False) if api_call else None


def _called(script: Script, offers: Offers, call: ast.Call, target: Target) -> ApiCall | None:
    """A call of a class or function by its name, of a local subclass, or of a method by `Class.method(…)`."""
    given = _given(script, target.partial, call.args, call)
    if isinstance(target.definition, ast.ClassDef):
        return _subclass_called(script, offers, call, target.definition, given)
    walked = offers.walk(target.name) if target.definition is None else None
    if walked is None or walked.state != "found" or ":" not in walked.origin:
        return None
    name = offers.shown_name(walked.origin)
    if not walked.rest:
        signature = offers.call_of(walked.origin)
        return ApiCall(call, name, _short(target.name), signature, given) if signature else None
    if len(walked.rest) == 1 and offers.is_class(walked.origin):
        signature = offers.called_method(walked.origin, walked.rest[0])
        shown = ".".join(target.name.split(".")[-2:])
        return ApiCall(call, f"{name}.{walked.rest[0]}", shown, signature, given, whole=False) if signature else None
    return None


def _subclass_called(script: Script, offers: Offers, call: ast.Call, definition: ast.ClassDef, given: Given) -> ApiCall | None:
    subclass = subclass_of(script, offers, definition)
    signature = offers.call_of(subclass.origin) if subclass and not subclass.own_init else None
    if subclass is None or signature is None or (subclass.fields and not subclass.is_dataclass):
        return None
    name = offers.shown_name(subclass.origin)
    shown = f"{definition.name} ({_short(name)})"
    return ApiCall(call, name, shown, _with_fields(signature, subclass.fields), given, extra=frozenset(subclass.fields))


def _with_fields(signature: Signature, fields: dict[str, str | None]) -> Signature:
    """The signature with the fields of a local subclass: new ones are appended, redeclared ones keep their position."""
    kept = tuple(
        argument if fields.get(argument.name) is None else Argument(argument.name, fields[argument.name])
        for argument in signature.arguments
    )
    names = {argument.name for argument in kept}
    more = tuple(Argument(name, default) for name, default in fields.items() if name not in names)
    return Signature(signature.origin, (*kept, *more), signature.open, signature.variadic, signature.popped)


def _method_called(script: Script, offers: Offers, call: ast.Call, func: ast.Attribute) -> ApiCall | None:
    given = _given(script, (), call.args, call)
    origin = class_of_super(script, offers, func)
    if origin is not None:  # `super().__init__(…)`: only keywords are checked, since other bases may take some arguments
        method, name = "" if func.attr == "__init__" else f".{func.attr}", offers.shown_name(origin)
        inherited = offers.called_method(origin, func.attr) if method else offers.call_of(origin)
        return ApiCall(call, f"{name}{method}", f"{_short(name)}{method}", inherited, given, whole=False) if inherited else None
    methods = [(method.name, method.signature) for method in methods_called(script, offers, func) if method.signature]
    if not methods:  # no class has the method, so there is no signature to check
        return None
    name, signature = methods[0]
    if len(methods) > 1:  # accept what the method takes in any class that the object may have
        signatures = [signature for _, signature in methods]
        longest = max(signatures, key=lambda signature: len(signature.arguments))
        taken = frozenset(name for signature in signatures for name in signature.names)
        signature = Signature(longest.origin, longest.arguments, any(other.open for other in signatures), True, taken)
    return ApiCall(call, name, ".".join(name.split(".")[-2:]), signature, given)


def _given(script: Script, partials: tuple[ast.Call, ...], own: list[ast.expr], call: ast.Call) -> Given:
    """The arguments of `call`, and those that earlier partials bound."""
    before = [partial for partial in partials if partial is not call]
    positional = [*(argument for partial in before for argument in partial.args[1:]), *own]
    earlier = [word for partial in before for word in partial.keywords]
    seen: set[str] = set()
    twice = []
    for word in call.keywords:
        for name, setting in keywords_of(script, [word]).items.items():
            if is_sure(setting):
                if name in seen:
                    twice.append((name, setting.node))
                seen.add(name)
    return Given(
        positional=tuple(argument for argument in positional if not isinstance(argument, ast.Starred)),
        starred=any(isinstance(argument, ast.Starred) for argument in positional),
        entries=keywords_of(script, call.keywords),
        earlier=frozenset(keywords_of(script, earlier).items),
        twice=tuple(twice),
    )


def _short(name: str) -> str:
    return name.rpartition(".")[2]


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
