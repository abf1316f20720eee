"""Class and function statements turned into records; the syntax half of an index."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from ml_intern_helpers.indexes.from_source.exports import flat_statements
from ml_intern_helpers.indexes.records import Argument, ClassRecord, FunctionRecord, Record

if TYPE_CHECKING:
    from ml_intern_helpers.indexes.from_source.source_tree import SourceTree

Function = ast.FunctionDef | ast.AsyncFunctionDef
_PLUMBING = frozenset({"object", "ABC", "Generic", "Protocol"})


def read_record(node: ast.ClassDef | Function, resolve: Callable[[str], str]) -> Record:
    """The record of one statement; `resolve` turns a base as written into its origin."""
    return read_class(node, resolve) if isinstance(node, ast.ClassDef) else read_function(node)


def read_class(node: ast.ClassDef, resolve: Callable[[str], str]) -> ClassRecord:
    functions = _functions(node)
    bases = (base.value if isinstance(base, ast.Subscript) else base for base in node.bases)
    written = [ast.unparse(base) for base in bases]
    return ClassRecord(
        bases=tuple(resolve(base) for base in written if base.rpartition(".")[2] not in _PLUMBING),
        is_dataclass=_is_dataclass(node),
        fields=tuple(_fields(node)) if _is_dataclass(node) else (),
        dropped=tuple(_not_in_init(node)),
        docs=documented(ast.get_docstring(node)),
        init=functions.get("__init__") or _made_open(node),
        methods={item.name: functions[item.name] for item in _public_methods(node)},
    )


def read_function(node: Function, *, method: bool = False) -> FunctionRecord:
    docs = documented(ast.get_docstring(node))
    plain = list(_positional(node.args))[1 if method else 0 :]
    plain += [
        Argument(item.arg, _source(default), _source(item.annotation), keyword_only=True)
        for item, default in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
    ]
    arguments = tuple(Argument(a.name, a.default, a.type, docs.get(a.name), a.keyword_only) for a in plain)
    popped = tuple(dict.fromkeys(taken_names(node)))
    return FunctionRecord(arguments, node.args.kwarg is not None, node.args.vararg is not None, popped)


def _functions(node: ast.ClassDef) -> dict[str, FunctionRecord]:
    """Every function in the body; what one hands on as `**kwargs` to another, that one's names are known to it, too."""
    nodes = {item.name: item for item in node.body if isinstance(item, (ast.FunctionDef, ast.AsyncFunctionDef))}
    alone = {name: read_function(item, method=not _is_static(item)) for name, item in nodes.items()}
    handed = {name: [other for other in handed_on(item) if other in nodes] for name, item in nodes.items()}
    return {name: _widened(name, alone, handed) if handed[name] else record for name, record in alone.items()}


def _widened(name: str, alone: dict[str, FunctionRecord], handed: dict[str, list[str]]) -> FunctionRecord:
    reached, waiting = {name}, list(handed[name])
    while waiting:
        other = waiting.pop()
        if other not in reached:
            reached.add(other)
            waiting += handed[other]
    own = [argument.name for argument in alone[name].arguments]
    known = sorted({known for other in reached - {name} for known in alone[other].known} - {*own, *alone[name].popped})
    return alone[name]._replace(popped=(*alone[name].popped, *known))


def _public_methods(node: ast.ClassDef) -> Iterator[Function]:
    for item in node.body:
        if isinstance(item, (ast.FunctionDef, ast.AsyncFunctionDef)) and not item.name.startswith("_"):
            decorators = {ast.unparse(decorator).rpartition(".")[2] for decorator in item.decorator_list}
            if not decorators & {"property", "cached_property", "setter", "overload"}:
                yield item


def _is_static(node: Function) -> bool:
    return any(ast.unparse(decorator) == "staticmethod" for decorator in node.decorator_list)


def _is_dataclass(node: ast.ClassDef) -> bool:
    called = (item.func if isinstance(item, ast.Call) else item for item in node.decorator_list)
    return any(ast.unparse(item).rpartition(".")[2] == "dataclass" for item in called)


def _made_open(node: ast.ClassDef) -> FunctionRecord | None:
    """The constructor of a dataclass under `@strict(accept_kwargs=True)`, which takes any keyword besides its fields.

    transformers made its configurations such dataclasses in 5.4: `PreTrainedConfig(num_labels=3)` stands in no field, and runs.
    """
    for item in node.decorator_list if _is_dataclass(node) else ():
        taken = _keyword(item, "accept_kwargs") if isinstance(item, ast.Call) else None
        if isinstance(taken, ast.Constant) and taken.value is True:
            return FunctionRecord(tuple(one._replace(keyword_only=True) for one in _fields(node)), open=True)
    return None


def _fields(node: ast.ClassDef) -> Iterator[Argument]:
    dropped, constants = set(_not_in_init(node)), _own_constants(node)
    for item in node.body:
        if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name) and item.target.id not in dropped:
            kind = ast.unparse(item.annotation)
            if "ClassVar" not in kind:
                default, doc = _field_default(item.value)
                default = constants.get(default or "", default)
                yield Argument(item.target.id, default, kind, doc)


def _own_constants(node: ast.ClassDef) -> dict[str, str]:
    """Names that the class's body binds for its own defaults, which nobody outside can read.

    `default_optim` is one text or another by the torch that is there: `'adamw_torch' or 'adamw_torch_fused'`.
    """
    found: dict[str, list[str]] = {}
    for item in flat_statements(node.body):
        if isinstance(item, ast.Assign) and isinstance(item.targets[0], ast.Name):
            found.setdefault(item.targets[0].id, []).append(ast.unparse(item.value))
    return {name: " or ".join(dict.fromkeys(values)) for name, values in found.items()}


def _not_in_init(node: ast.ClassDef) -> Iterator[str]:
    for item in node.body:
        if isinstance(item, ast.AnnAssign) and isinstance(item.value, ast.Call) and isinstance(item.target, ast.Name):
            off = _keyword(item.value, "init")
            if isinstance(off, ast.Constant) and off.value is False:
                yield item.target.id


def _field_default(value: ast.expr | None) -> tuple[str | None, str | None]:
    """(default, doc) of a dataclass field; `field(default_factory=list)` reads `list()`."""
    if not (isinstance(value, ast.Call) and ast.unparse(value.func).rpartition(".")[2] == "field"):
        return _source(value), None
    plain, factory = _keyword(value, "default"), _keyword(value, "default_factory")
    return (_source(plain) if plain is not None else _made(factory)), _help(_keyword(value, "metadata"))


def _made(factory: ast.expr | None) -> str | None:
    if factory is None:
        return None
    return ast.unparse(factory.body) if isinstance(factory, ast.Lambda) else f"{ast.unparse(factory)}()"


def _help(metadata: ast.expr | None) -> str | None:
    if isinstance(metadata, ast.Dict):
        for key, value in zip(metadata.keys, metadata.values, strict=True):
            if isinstance(key, ast.Constant) and key.value == "help":
                texts = [part.value for part in ast.walk(value) if isinstance(part, ast.Constant) and isinstance(part.value, str)]
                return first_sentence(" ".join("".join(texts).split())) or None
    return None


def _keyword(call: ast.Call, name: str) -> ast.expr | None:
    return next((item.value for item in call.keywords if item.arg == name), None)


def _positional(args: ast.arguments) -> Iterator[Argument]:
    items = [*args.posonlyargs, *args.args]
    defaults: list[ast.expr | None] = [None] * (len(items) - len(args.defaults))
    defaults += args.defaults
    for item, default in zip(items, defaults, strict=True):
        yield Argument(item.arg, _source(default), _source(item.annotation))


def _source(node: ast.expr | None) -> str | None:
    return None if node is None else ast.unparse(node)


# MERGED ml_intern_helpers.indexes.from_source.read_records: What a docstring says of each argument: the first sentence, in the style that these libraries share.

_ENTRY = re.compile(r"^(?P<indent> *)`?(?P<name>[*\w]+)`? ?\((?P<type>.*?)\):?(?P<rest>.*)$")
_LONGEST = 160
_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z\[`*(])")


def documented(docstring: str | None) -> dict[str, str]:
    """First sentences by argument name; empty without a docstring."""
    found: dict[str, str] = {}
    name, indent = "", 0
    lines: list[str] = []
    for line in inspect.cleandoc(docstring or "").splitlines():
        entry = _ENTRY.match(line)
        if entry:
            found.update(_finished(name, lines))
            name, indent, lines = entry["name"].lstrip("*"), len(entry["indent"]), [entry["rest"]]
        elif line.strip() and len(line) - len(line.lstrip()) <= indent:
            found.update(_finished(name, lines))
            name, lines = "", []
        else:
            lines.append(line.strip())
    return found | _finished(name, lines)


def _finished(name: str, lines: list[str]) -> dict[str, str]:
    text = " ".join(" ".join(lines).split())
    return {name: first_sentence(text)} if name and text else {}


def first_sentence(text: str) -> str:
    """At most about 160 characters, cut at a word."""
    first = _SENTENCE.split(text)[0]
    return first if len(first) <= _LONGEST else first[:_LONGEST].rpartition(" ")[0] + " …"


# MERGED ml_intern_helpers.indexes.from_source.read_records: Which names a function knows though its signature has only `**kwargs`.

Function_of_kwargs_taken = ast.FunctionDef | ast.AsyncFunctionDef
_TAKING = frozenset({"pop", "get", "setdefault"})


def taken_names(node: Function_of_kwargs_taken) -> Iterator[str]:
    """Names popped from `**kwargs`, one by one or in a loop over a literal list, and those a decorator still translates."""
    for decorator in node.decorator_list:
        yield from _translated(decorator)
    if node.args.kwarg is None:
        return
    kwargs = node.args.kwarg.arg
    loops: set[str] = set()
    for item in ast.walk(node):
        taken = _taken(item, kwargs)
        if isinstance(taken, ast.Constant) and isinstance(taken.value, str):
            yield taken.value
        elif isinstance(taken, ast.Name):
            loops.add(taken.id)
    if loops:
        yield from _looped(node, loops)


def handed_on(node: Function_of_kwargs_taken) -> Iterator[str]:
    """Methods of the same class that the function calls with its `**kwargs`."""
    if node.args.kwarg is None:
        return
    for item in ast.walk(node):
        if isinstance(item, ast.Call) and isinstance(item.func, ast.Attribute) and _passes(item, node.args.kwarg.arg):
            yield item.func.attr


def _passes(call: ast.Call, kwargs: str) -> bool:
    """`cls.method(…, **kwargs)`."""
    assert isinstance(call.func, ast.Attribute)
    spread = any(keyword.arg is None and _is_name(keyword.value, kwargs) for keyword in call.keywords)
    return spread and _is_name(call.func.value, "cls", "self")


def _translated(decorator: ast.expr) -> Iterator[str]:
    """`@deprecate_kwarg("tokenizer", new_name="processing_class")`: the old name is taken until the decorator goes."""
    if isinstance(decorator, ast.Call) and ast.unparse(decorator.func).rpartition(".")[2] == "deprecate_kwarg":
        first = decorator.args[0] if decorator.args else None
        if isinstance(first, ast.Constant) and isinstance(first.value, str):
            yield first.value


def _taken(item: ast.AST, kwargs: str) -> ast.expr | None:
    """`kwargs.pop(x)`, `kwargs.get(x)`, `kwargs[x]` and `x in kwargs`: the x."""
    if isinstance(item, ast.Call) and isinstance(item.func, ast.Attribute) and item.func.attr in _TAKING:
        return item.args[0] if item.args and _is_name(item.func.value, kwargs) else None
    if isinstance(item, ast.Subscript) and _is_name(item.value, kwargs):
        return item.slice
    if isinstance(item, ast.Compare) and _is_name(item.comparators[0], kwargs):
        return item.left
    return None


def _looped(node: Function_of_kwargs_taken, variables: set[str]) -> Iterator[str]:
    """The literal strings that the loops over these variables run through."""
    lists = {
        item.targets[0].id: item.value
        for item in ast.walk(node)
        if isinstance(item, ast.Assign) and isinstance(item.targets[0], ast.Name)
    }
    for item in ast.walk(node):
        if isinstance(item, (ast.For, ast.comprehension)) and _is_name(item.target, *variables):
            source = lists.get(item.iter.id) if isinstance(item.iter, ast.Name) else item.iter
            if isinstance(source, (ast.List, ast.Tuple, ast.Set)):
                yield from (part.value for part in source.elts if isinstance(part, ast.Constant) and isinstance(part.value, str))


def _is_name(node: ast.expr, *names: str) -> bool:
    return isinstance(node, ast.Name) and node.id in names


# MERGED ml_intern_helpers.indexes.from_source.read_records: Arguments that `validate_hf_hub_args` of huggingface_hub translates or drops before the function sees them.
#
# `hf_hub_download(resume_download=True)` stands in no signature of release 2, and runs: the decorator warns and drops it.

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
        return _legacy_arguments_widened(record, legacy) if _decorated(node) else record
    decorated = {item.name for item in getattr(node, "body", ()) if _decorated(item)}
    methods = {
        name: _legacy_arguments_widened(made, legacy) if name in decorated else made for name, made in record.methods.items()
    }
    init = _legacy_arguments_widened(record.init, legacy) if record.init and "__init__" in decorated else record.init
    return _same_or(record, record._replace(methods=methods, init=init))


def _same_or(old: ClassRecord, new: ClassRecord) -> ClassRecord:
    return old if old == new else new


def _legacy_arguments_widened(record: FunctionRecord, legacy: Mapping[str, str]) -> FunctionRecord:
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
