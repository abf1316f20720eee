"""Defines the records that an index stores, and builds from them the signatures of calls.

A record holds one class or function statement, without what its bases add; a signature includes what is inherited.

A config of TRL inherits most of its fields from transformers, so a signature is only right for a set of releases that run
together; `Library` is such a set.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

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


class Release(Protocol):
    """One release of one package, read from its files (`TreeRelease`) or from an index (`StoredRelease`)."""

    package: str
    version: str

    def has_module(self, module: str) -> bool:
        """Whether `import module` would find a file."""

    def names(self, module: str) -> Mapping[str, str]:
        """Importable name -> the origin (`module:name`, or a module) that the module itself knows for it."""

    def record(self, origin: str) -> Record | None:
        """The class or function defined at `module:name`."""

    def modules(self) -> list[str]:
        """Every module whose arguments are known."""

    def is_config_field(self, name: str) -> bool:
        """Whether some model's configuration holds `name`."""

    def may_hold(self, module: str, name: str) -> bool:
        """Whether `module` may offer a name that `names` does not list."""

    def deprecated(self, origin: str) -> tuple[Announced, ...]:
        """The deprecations that the release announces for a class, function or method (`module:Class.method`)."""

    def is_package(self, module: str) -> bool:
        """Whether `module` is a package (its file is an `__init__.py`)."""


class Signature(NamedTuple):
    """The arguments that a call may pass.

    Attributes:
        origin: the `module:name` of the class or function called.
        arguments: the arguments in order, without `self`.
        open: it takes `**kwargs`, so an unknown name is uncertain, not wrong.
        variadic: it takes `*args`.
        popped: the names that it is known to take out of `**kwargs`.
    """

    origin: str
    arguments: tuple[Argument, ...]
    open: bool = False
    variadic: bool = False
    popped: frozenset[str] = frozenset()

    @property
    def names(self) -> frozenset[str]:
        """Every name that may be passed."""
        return frozenset(argument.name for argument in self.arguments) | self.popped


class Library:
    """A set of releases that run together, by package name."""

    def __init__(self, *releases: Release) -> None:
        self.releases = {release.package: release for release in releases}

    def is_config_field(self, name: str) -> bool:
        """Whether the configuration of some model of transformers holds `name`."""
        release = self.releases.get("transformers")
        return release is not None and release.is_config_field(name)

    def release_of(self, reference: str) -> Release | None:
        return self.releases.get(reference.partition(":")[0].partition(".")[0])

    def follow(self, reference: str) -> str:
        """Follow `module:name` through re-exports, also into other packages, to where it is defined."""
        for _ in range(30):
            module, _, name = reference.partition(":")
            release = self.release_of(reference)
            target = release.names(module).get(name, reference) if release and name else reference
            if target == reference:
                return reference
            reference = target
        return reference

    def origin(self, dotted: str) -> str | None:
        """`trl.SFTConfig` -> `trl.trainer.sft_config:SFTConfig`; None when the releases offer no such name."""
        module, _, name = dotted.rpartition(".")
        release = self.release_of(dotted)
        if release is None:
            return None
        if module and name in release.names(module):
            return self.follow(f"{module}:{name}")
        return dotted if release.has_module(dotted) else None

    def public_name(self, origin: str) -> str:
        """The shortest dotted name of an origin: `trl.SFTConfig` where the package itself offers it."""
        module, _, name = origin.partition(":")
        release = self.release_of(origin)
        if release and name and self.follow(f"{release.package}:{name}") == origin:
            return f"{release.package}.{name}"
        while release and name and (shorter := module.rpartition(".")[0]):
            if release.names(shorter).get(name) is None or self.follow(f"{shorter}:{name}") != origin:
                break
            module = shorter
        return f"{module}.{name}" if name else module

    def owners(self, origin: str) -> dict[str, str]:
        """Argument of a class's constructor -> origin of the class that declares it last."""
        owner_of: dict[str, str] = {}
        for owner, record in self.line(origin):
            if record.init is not None:
                return owner_of | {argument.name: owner for argument in record.init.arguments if argument.name not in owner_of}
            for argument in record.fields:
                owner_of.setdefault(argument.name, owner)
        return owner_of

    def signature(self, reference: str) -> Signature | None:
        """The signature of `package.Name` or of an origin; None unless it is a class or function in the releases."""
        origin = self.follow(reference) if ":" in reference else self.origin(reference)
        record = self.record(origin) if origin else None
        if origin is None or record is None:
            return None
        return _of_function(origin, record) if isinstance(record, FunctionRecord) else self._constructor(origin)

    def method(self, reference: str, name: str) -> Signature | None:
        """The signature of a class's or its ancestors' method; an open one accepts what the overridden ones do, too."""
        origin = self.follow(reference) if ":" in reference else self.origin(reference)
        records = [record.methods[name] for _, record in self.line(origin or "") if name in record.methods]
        if not records or origin is None:
            return None
        first = _of_function(f"{origin}.{name}", records[0])
        return first._replace(popped=first.popped.union(*(record.known for record in records[1:]))) if first.open else first

    def line(self, origin: str) -> Iterator[tuple[str, ClassRecord]]:
        """The class and its ancestors in the releases, depth first and nearest first, each once."""
        seen: set[str] = set()
        waiting = [origin]
        while waiting:
            current = waiting.pop(0)
            record = self.record(current)
            if current in seen or not isinstance(record, ClassRecord):
                continue
            seen.add(current)
            yield current, record
            waiting = [*(self.follow(base) for base in record.bases), *waiting]

    def record(self, origin: str) -> Record | None:
        release = self.release_of(origin)
        return release.record(origin) if release else None

    def _constructor(self, origin: str) -> Signature:
        line = [record for _, record in self.line(origin)]
        for at, record in enumerate(line):
            if record.init is not None:
                docs = {name: doc for ancestor in reversed(line) for name, doc in ancestor.docs.items()}
                signature = _of_function(origin, record.init)
                arguments = tuple(item._replace(doc=item.doc or docs.get(item.name)) for item in signature.arguments)
                above = [ancestor.init for ancestor in line[at + 1 :] if ancestor.init] if signature.open else []
                popped = signature.popped.union(*(init.known for init in above))
                return signature._replace(arguments=arguments, popped=popped)
            if record.is_dataclass:
                # Fields from the oldest ancestor on; a redeclared one keeps its position, as in dataclasses.
                fields: dict[str, Argument] = {}
                for ancestor in reversed(line):
                    for argument in ancestor.fields:
                        older = fields.get(argument.name)
                        doc = argument.doc or ancestor.docs.get(argument.name) or (older.doc if older else None)
                        fields[argument.name] = argument._replace(doc=doc)
                    for name in ancestor.dropped:
                        fields.pop(name, None)
                return Signature(origin, tuple(fields.values()), open=False)
        return Signature(origin, (), open=any(self.record(self.follow(base)) is None for record in line for base in record.bases))


def _of_function(origin: str, record: FunctionRecord) -> Signature:
    return Signature(origin, record.arguments, record.open, record.variadic, frozenset(record.popped))
