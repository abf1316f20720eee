"""Which of the script's calls go to an indexed library, what each passes, and the signature it meets."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import NamedTuple

from ml_intern_helpers.analysis.evaluate import entries_of, keywords_of, value_of
from ml_intern_helpers.analysis.instances import Method, class_of_super, methods_called
from ml_intern_helpers.analysis.names import Target, dotted
from ml_intern_helpers.analysis.offers import Offers
from ml_intern_helpers.analysis.script import Script
from ml_intern_helpers.analysis.subclasses import Subclass, subclass_of
from ml_intern_helpers.analysis.values import Entries, Setting
from ml_intern_helpers.indexes.records import Argument
from ml_intern_helpers.indexes.signatures import Signature

_PARTIAL = "functools.partial"


class Given(NamedTuple):
    """What a call passes.

    Attributes:
        positional: in order, those bound by a partial first.
        starred: `*args` are among them.
        entries: by keyword, `**dict` included; of a partial only what the call itself adds.
        earlier: keywords that a partial has bound.
        twice: (keyword, node) given by two ways in one call.
    """

    positional: tuple[ast.expr, ...]
    starred: bool
    entries: Entries
    earlier: frozenset[str]
    twice: tuple[tuple[str, ast.AST], ...]


class ApiCall(NamedTuple):
    """One call of something that the index knows.

    Attributes:
        call: the call, or the `functools.partial(…)` that prepares it.
        name: `trl.SFTConfig`, `transformers.Trainer.train`: as the index and the history name it.
        shown: as a message names it.
        signature: what it meets.
        given: what it passes.
        whole: every argument is there; False for a partial and where `self` may be passed.
        extra: names that a local subclass takes besides.
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


def api_calls(script: Script, offers: Offers) -> Iterator[ApiCall]:
    """Every call that reaches an indexed callable, in source order."""
    for call in script.calls:
        target = dotted(script, call.func)
        if target is not None and target.name == _PARTIAL and target.definition is None:
            yield from _prepared(script, offers, call)
        elif target is not None:
            yield from _called(script, offers, call, target)
        elif isinstance(call.func, ast.Attribute):
            yield from _method_called(script, offers, call)


def _prepared(script: Script, offers: Offers, call: ast.Call) -> Iterator[ApiCall]:
    target = dotted(script, call)
    if target is None or not target.partial or target.partial[-1] is not call:
        return
    for found in _called(script, offers, call, target._replace(partial=target.partial[:-1])):
        given = _given(script, (*target.partial,), call.args[1:], call)
        yield ApiCall(call, found.name, found.shown, found.signature, given, whole=False, extra=found.extra)


def _called(script: Script, offers: Offers, call: ast.Call, target: Target) -> Iterator[ApiCall]:
    given = _given(script, target.partial, call.args, call)
    if isinstance(target.definition, ast.ClassDef):
        yield from _subclass_called(script, offers, call, target.definition, given)
    elif target.definition is None:
        yield from _named(offers, call, target.name, given)


def _named(offers: Offers, call: ast.Call, name: str, given: Given) -> Iterator[ApiCall]:
    found = offers.walk(name)
    if found.state != "found" or ":" not in found.origin:
        return
    if not found.rest:
        signature = offers.call_of(found.origin)
        if signature is not None:
            yield ApiCall(call, offers.shown_name(found.origin), _short(name), signature, given)
    elif len(found.rest) == 1 and offers.is_class(found.origin):
        signature = offers.called_method(found.origin, found.rest[0])
        if signature is not None:
            shown = ".".join(name.split(".")[-2:])
            yield ApiCall(call, f"{offers.shown_name(found.origin)}.{found.rest[0]}", shown, signature, given, whole=False)


def _subclass_called(script: Script, offers: Offers, call: ast.Call, definition: ast.ClassDef, given: Given) -> Iterator[ApiCall]:
    found = subclass_of(script, offers, definition)
    if found is None or found.own_init:
        return
    signature = offers.call_of(found.origin)
    if signature is not None and (found.is_dataclass or not found.fields):
        shown = f"{definition.name} ({_short(offers.shown_name(found.origin))})"
        adjusted = _with_fields(signature, found)
        yield ApiCall(call, offers.shown_name(found.origin), shown, adjusted, given, extra=frozenset(found.fields))


def _with_fields(signature: Signature, found: Subclass) -> Signature:
    """Fields of the subclass come last; one that it declares anew keeps its place."""
    known = {argument.name for argument in signature.arguments}
    more = tuple(Argument(name, default) for name, default in found.fields.items() if name not in known)
    anew = {name: default for name, default in found.fields.items() if name in known and default is not None}
    kept = tuple(Argument(a.name, anew[a.name]) if a.name in anew else a for a in signature.arguments)
    return Signature(signature.origin, (*kept, *more), signature.open, signature.variadic, signature.popped)


def _method_called(script: Script, offers: Offers, call: ast.Call) -> Iterator[ApiCall]:
    assert isinstance(call.func, ast.Attribute)
    given = _given(script, (), call.args, call)
    above = class_of_super(script, offers, call.func)
    if above is not None:
        yield from _super_called(offers, call, call.func.attr, above, given)
        return
    methods = [one for one in methods_called(script, offers, call.func) if one.signature]
    if methods:  # a class without the method fails in any case
        yield _of_method(call, methods[0] if len(methods) == 1 else _widest(methods), given)


def _of_method(call: ast.Call, method: Method, given: Given) -> ApiCall:
    assert method.signature is not None
    return ApiCall(call, method.name, ".".join(method.name.split(".")[-2:]), method.signature, given)


def _widest(methods: list[Method]) -> Method:
    """Of the same method of several classes the object may be of: what any of them takes counts as taken."""
    signatures = [one.signature for one in methods if one.signature]
    first = max(signatures, key=lambda signature: len(signature.arguments))
    taken = frozenset(name for signature in signatures for name in signature.names)
    wide = Signature(first.origin, first.arguments, any(s.open for s in signatures), True, taken)
    return Method(methods[0].name, wide)


def _super_called(offers: Offers, call: ast.Call, attr: str, origin: str, given: Given) -> Iterator[ApiCall]:
    """`super().__init__(…)`: only what it passes by keyword can be judged, other bases may take a part."""
    signature = offers.call_of(origin) if attr == "__init__" else offers.called_method(origin, attr)
    if signature is not None:
        name = offers.shown_name(origin)
        shown = f"{_short(name)}.{attr}" if attr != "__init__" else _short(name)
        yield ApiCall(call, name if attr == "__init__" else f"{name}.{attr}", shown, signature, given, whole=False)


def _given(script: Script, partials: tuple[ast.Call, ...], own: list[ast.expr], call: ast.Call) -> Given:
    before = [argument for made in partials if made is not call for argument in made.args[1:]]
    positional = (*before, *own)
    earlier = [word for made in partials if made is not call for word in made.keywords]
    return Given(
        positional=tuple(argument for argument in positional if not isinstance(argument, ast.Starred)),
        starred=any(isinstance(argument, ast.Starred) for argument in positional),
        entries=keywords_of(script, call.keywords),
        earlier=frozenset(keywords_of(script, earlier).items),
        twice=tuple(_twice(script, call.keywords)),
    )


def _twice(script: Script, keywords: list[ast.keyword]) -> Iterator[tuple[str, ast.AST]]:
    seen: set[str] = set()
    for word in keywords:
        one = entries_of(script, word.value) if word.arg is None else None
        items = one.items if one else {str(word.arg): Setting(value_of(script, word.value), word.value)}
        for name, setting in items.items():
            if name in seen and is_sure(setting):
                yield name, setting.node
            seen.update([name] if is_sure(setting) else [])


def is_sure(setting: Setting) -> bool:
    """No condition of the script decides whether, or to what, it is set."""
    return not setting.value.conditional


def _short(name: str) -> str:
    return name.rpartition(".")[2]
