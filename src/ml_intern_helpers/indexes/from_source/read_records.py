"""Class and function statements turned into records; the syntax half of an index."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator

from ml_intern_helpers.indexes.from_source.argument_docs import documented, first_sentence
from ml_intern_helpers.indexes.from_source.kwargs_taken import handed_on, taken_names
from ml_intern_helpers.indexes.from_source.statements import flat_statements
from ml_intern_helpers.indexes.records import Argument, ClassRecord, FunctionRecord, Record

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
