"""Defines the records that an index stores: one per class or function statement, without what its bases add."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

#: The module of huggingface_hub's decorator that translates or drops arguments, and the functions that the decorator calls: the
#: first one up to release 0.36, the second one since.
HANDLERS_MODULE = "huggingface_hub.utils._validators"
HANDLERS = ("smoothly_deprecate_use_auth_token", "smoothly_deprecate_legacy_arguments")


class Argument(NamedTuple):
    """One argument.

    Attributes:
        name: the name as a call writes it.
        default: the source text of the default; None when the argument is required.
        type: the annotation's source text, or None.
        doc: the first sentence of its documentation, or None.
        keyword_only: it cannot be given by position.
    """

    name: str
    default: str | None = None
    type: str | None = None
    doc: str | None = None
    keyword_only: bool = False


class FunctionRecord(NamedTuple):
    """A function, or a method without `self`.

    Attributes:
        arguments: the arguments in order.
        open: it takes `**kwargs`.
        variadic: it takes `*args`.
        popped: the names that the body takes out of `**kwargs` by `pop` or `get`; they are legal arguments, too.
    """

    arguments: tuple[Argument, ...] = ()
    open: bool = False
    variadic: bool = False
    popped: tuple[str, ...] = ()

    @property
    def known(self) -> frozenset[str]:
        """Every name that a call may pass."""
        return frozenset(argument.name for argument in self.arguments) | frozenset(self.popped)


class ClassRecord(NamedTuple):
    """A class.

    Attributes:
        bases: the origins (`module:name`) of its bases, nearest first, without `object` and those of typing.
        is_dataclass: it is decorated as a dataclass; `fields` then form the constructor unless there is an `init`.
        fields: its annotated fields with their own defaults.
        dropped: the fields declared with `init=False`, which removes an argument of a parent.
        docs: argument name -> first sentence, from the class's docstring.
        init: the constructor that it defines itself.
        methods: its other public methods.
    """

    bases: tuple[str, ...] = ()
    is_dataclass: bool = False
    fields: tuple[Argument, ...] = ()
    dropped: tuple[str, ...] = ()
    docs: Mapping[str, str] = MappingProxyType({})
    init: FunctionRecord | None = None
    methods: Mapping[str, FunctionRecord] = MappingProxyType({})


Record = ClassRecord | FunctionRecord


class Announced(NamedTuple):
    """A deprecation: something that still works and will be removed.

    Attributes:
        name: the argument; "" for the class, function or method itself; `args.x` for a setting that a trainer reads.
        value: the source of the one value that is deprecated; "" for every value.
        until: the release (or date) of the removal; "" when none is named.
        advice: the sentence that says what to do; "" when there is none.
    """

    name: str
    value: str = ""
    until: str = ""
    advice: str = ""


def to_json(record: Record) -> dict[str, object]:
    """The stored form, with short keys and without empty parts."""
    if isinstance(record, FunctionRecord):
        return {"f": _function_to_json(record)}
    stored: dict[str, object] = {
        "b": list(record.bases),
        "d": record.is_dataclass,
        "a": [_argument_to_json(item) for item in record.fields],
        "x": list(record.dropped),
        "t": record.docs,
        "i": None if record.init is None else _function_to_json(record.init),
        "m": {name: _function_to_json(method) for name, method in record.methods.items()},
    }
    return {key: value for key, value in stored.items() if value}


def from_json(raw: dict[str, Any]) -> Record:
    """The inverse of `to_json`."""
    if "f" in raw:
        return _function_from_json(raw["f"])
    return ClassRecord(
        bases=tuple(raw.get("b", ())),
        is_dataclass=bool(raw.get("d")),
        fields=tuple(Argument(*row) for row in raw.get("a", ())),
        dropped=tuple(raw.get("x", ())),
        docs=dict(raw.get("t", {})),
        init=_function_from_json(raw["i"]) if raw.get("i") else None,
        methods={name: _function_from_json(item) for name, item in raw.get("m", {}).items()},
    )


def _argument_to_json(item: Argument) -> list[object]:
    """The stored row, without trailing values of None or False, which are the defaults."""
    row: list[object] = list(item)
    while len(row) > 1 and not row[-1] and row[-1] != "":
        row.pop()
    return row


def _function_to_json(record: FunctionRecord) -> list[object]:
    flags = (1 if record.open else 0) | (2 if record.variadic else 0)
    return [[_argument_to_json(item) for item in record.arguments], flags, list(record.popped)]


def _function_from_json(raw: list[Any]) -> FunctionRecord:
    arguments, flags, popped = raw
    return FunctionRecord(tuple(Argument(*row) for row in arguments), bool(flags & 1), bool(flags & 2), tuple(popped))
