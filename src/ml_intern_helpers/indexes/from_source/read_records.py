"""Turns class and function statements into the records of an index.

A record holds what the statement and its docstring say, and the names that a function takes out of its `**kwargs`.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Callable, Iterator, Mapping

from ml_intern_helpers.indexes.from_source.exports import flat_statements, string_of
from ml_intern_helpers.indexes.from_source.source_tree import SourceTree
from ml_intern_helpers.indexes.signatures import HANDLERS, HANDLERS_MODULE, Argument, ClassRecord, FunctionRecord, Record

Function = ast.FunctionDef | ast.AsyncFunctionDef
_PLUMBING = frozenset({"object", "ABC", "Generic", "Protocol"})
_NOT_CALLED = frozenset({"property", "cached_property", "setter", "overload"})


def read_record(node: ast.ClassDef | Function, resolve: Callable[[str], str]) -> Record:
    """The record of one statement; `resolve` maps a base as written to its origin."""
    if not isinstance(node, ast.ClassDef):
        return read_function(node)
    functions = _functions(node)
    bases = (base.value if isinstance(base, ast.Subscript) else base for base in node.bases)
    written = [ast.unparse(base) for base in bases]
    is_dataclass = "dataclass" in decorators(node)
    public = [item.name for item in _function_nodes(node) if not item.name.startswith("_") and not decorators(item) & _NOT_CALLED]
    return ClassRecord(
        bases=tuple(resolve(base) for base in written if base.rpartition(".")[2] not in _PLUMBING),
        is_dataclass=is_dataclass,
        fields=tuple(_fields(node)) if is_dataclass else (),
        dropped=tuple(_not_in_init(node)),
        docs=documented(ast.get_docstring(node)),
        init=functions.get("__init__") or (_open_init(node) if is_dataclass else None),
        methods={name: functions[name] for name in public},
    )


def read_function(node: Function, *, method: bool = False) -> FunctionRecord:
    docs = documented(ast.get_docstring(node))
    positional = [*node.args.posonlyargs, *node.args.args]
    defaults = [*[None] * (len(positional) - len(node.args.defaults)), *node.args.defaults]
    pairs = list(zip(positional, defaults, strict=True))[1 if method else 0 :]
    keyword_pairs = list(zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True))
    arguments = tuple(
        Argument(item.arg, _source(default), _source(item.annotation), docs.get(item.arg), keyword_only)
        for group, keyword_only in ((pairs, False), (keyword_pairs, True))
        for item, default in group
    )
    popped = tuple(dict.fromkeys(_taken_names(node)))
    return FunctionRecord(arguments, node.args.kwarg is not None, node.args.vararg is not None, popped)


def decorators(node: ast.ClassDef | Function) -> set[str]:
    """The last name of each decorator, whether or not it is called."""
    called = (item.func if isinstance(item, ast.Call) else item for item in node.decorator_list)
    return {ast.unparse(item).rpartition(".")[2] for item in called}


def _function_nodes(node: ast.ClassDef) -> Iterator[Function]:
    return (item for item in node.body if isinstance(item, (ast.FunctionDef, ast.AsyncFunctionDef)))


def _functions(node: ast.ClassDef) -> dict[str, FunctionRecord]:
    """Every function in the body; one that passes `**kwargs` on to another also accepts the names of the latter."""
    nodes = {item.name: item for item in _function_nodes(node)}
    alone = {name: read_function(item, method="staticmethod" not in decorators(item)) for name, item in nodes.items()}
    handed = {name: [other for other in _handed_on(item) if other in nodes] for name, item in nodes.items()}
    functions = {}
    for name, record in alone.items():
        reached, waiting = {name}, list(handed[name])
        while waiting:
            other = waiting.pop()
            if other not in reached:
                reached.add(other)
                waiting += handed[other]
        known = {known for other in reached - {name} for known in alone[other].known}
        functions[name] = record._replace(popped=(*record.popped, *sorted(known - record.known)))
    return functions


def _open_init(node: ast.ClassDef) -> FunctionRecord | None:
    """The constructor of a dataclass under `@strict(accept_kwargs=True)`, which accepts any keyword besides its fields.

    Configurations of transformers are such dataclasses since 5.4: `PreTrainedConfig(num_labels=3)` names no field, but works.
    """
    for item in node.decorator_list:
        taken = _keyword(item, "accept_kwargs") if isinstance(item, ast.Call) else None
        if isinstance(taken, ast.Constant) and taken.value is True:
            return FunctionRecord(tuple(field._replace(keyword_only=True) for field in _fields(node)), open=True)
    return None


def _fields(node: ast.ClassDef) -> Iterator[Argument]:
    dropped = set(_not_in_init(node))
    # Names that the class body binds for its own defaults, replaced by their values. The value of `default_optim` depends on the
    # installed torch: `'adamw_torch' or 'adamw_torch_fused'`.
    constants: dict[str, list[str]] = {}
    for statement in flat_statements(node.body):
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
            constants.setdefault(statement.targets[0].id, []).append(ast.unparse(statement.value))
    for item in node.body:
        if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name) and item.target.id not in dropped:
            kind = ast.unparse(item.annotation)
            if "ClassVar" not in kind:
                default, doc = _field_default(item.value)
                default = " or ".join(dict.fromkeys(constants[default])) if default in constants else default
                yield Argument(item.target.id, default, kind, doc)


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
    default, factory, metadata = (_keyword(value, name) for name in ("default", "default_factory", "metadata"))
    text = _source(default)
    if default is None and factory is not None:
        text = ast.unparse(factory.body) if isinstance(factory, ast.Lambda) else f"{ast.unparse(factory)}()"
    rows = zip(metadata.keys, metadata.values, strict=True) if isinstance(metadata, ast.Dict) else ()
    for key, help_ in rows:
        if string_of(key) == "help":
            parts = "".join(part for node in ast.walk(help_) if (part := string_of(node)) is not None)
            return text, _first_sentence(" ".join(parts.split())) or None
    return text, None


def _keyword(call: ast.Call, name: str) -> ast.expr | None:
    return next((item.value for item in call.keywords if item.arg == name), None)


def _source(node: ast.expr | None) -> str | None:
    return None if node is None else ast.unparse(node)


_ENTRY = re.compile(r"^(?P<indent> *)`?(?P<name>[*\w]+)`? ?\((?P<type>.*?)\):?(?P<rest>.*)$")
_LONGEST = 160
_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z\[`*(])")


def documented(docstring: str | None) -> dict[str, str]:
    """Argument name -> first sentence of its entry in the docstring; empty without a docstring."""
    entries: list[tuple[str, list[str]]] = []
    lines: list[str] = []
    indent = 0
    for line in inspect.cleandoc(docstring or "").splitlines():
        entry = _ENTRY.match(line)
        if entry:
            indent, lines = len(entry["indent"]), [entry["rest"]]
            entries.append((entry["name"].lstrip("*"), lines))
        elif line.strip() and len(line) - len(line.lstrip()) <= indent:
            lines = []
        else:
            lines.append(line.strip())
    texts = ((name, " ".join(" ".join(parts).split())) for name, parts in entries)
    return {name: _first_sentence(text) for name, text in texts if name and text}


def _first_sentence(text: str) -> str:
    """The first sentence of a text, cut at a word after about 160 characters."""
    first = _SENTENCE.split(text)[0]
    return first if len(first) <= _LONGEST else first[:_LONGEST].rpartition(" ")[0] + " …"


def _taken_names(node: Function) -> Iterator[str]:
    """The names taken from `**kwargs`, singly or in a loop over a literal list, and those that a decorator translates."""
    for decorator in node.decorator_list:
        # `@deprecate_kwarg("tokenizer", new_name="processing_class")`: the old name is accepted while the decorator is there.
        if isinstance(decorator, ast.Call) and ast.unparse(decorator.func).rpartition(".")[2] == "deprecate_kwarg":
            old = string_of(decorator.args[0]) if decorator.args else None
            yield from [old] if old is not None else []
    if node.args.kwarg is None:
        return
    loops: set[str] = set()
    for item in ast.walk(node):
        taken = _taken(item, node.args.kwarg.arg)
        name = string_of(taken)
        if name is not None:
            yield name
        elif isinstance(taken, ast.Name):
            loops.add(taken.id)
    if loops:
        yield from _looped(node, loops)


def _taken(item: ast.AST, kwargs: str) -> ast.expr | None:
    """The `x` of `kwargs.pop(x)`, `kwargs.get(x)`, `kwargs[x]` or `x in kwargs`."""
    if isinstance(item, ast.Call) and isinstance(item.func, ast.Attribute) and item.func.attr in ("pop", "get", "setdefault"):
        return item.args[0] if item.args and _is_name(item.func.value, kwargs) else None
    if isinstance(item, ast.Subscript) and _is_name(item.value, kwargs):
        return item.slice
    if isinstance(item, ast.Compare) and _is_name(item.comparators[0], kwargs):
        return item.left
    return None


def _looped(node: Function, variables: set[str]) -> Iterator[str]:
    """The literal strings that these loop variables take."""
    assigns = (item for item in ast.walk(node) if isinstance(item, ast.Assign))
    lists = {item.targets[0].id: item.value for item in assigns if isinstance(item.targets[0], ast.Name)}
    for item in ast.walk(node):
        if isinstance(item, (ast.For, ast.comprehension)) and _is_name(item.target, *variables):
            source = lists.get(item.iter.id) if isinstance(item.iter, ast.Name) else item.iter
            if isinstance(source, (ast.List, ast.Tuple, ast.Set)):
                yield from (text for part in source.elts if (text := string_of(part)) is not None)


def _handed_on(node: Function) -> Iterator[str]:
    """The methods of the same class to which the function passes its `**kwargs`: `cls.method(…, **kwargs)`."""
    kwargs = node.args.kwarg.arg if node.args.kwarg is not None else ""
    for item in ast.walk(node) if kwargs else ():
        called = item.func if isinstance(item, ast.Call) else None
        if not isinstance(item, ast.Call) or not isinstance(called, ast.Attribute) or not _is_name(called.value, "cls", "self"):
            continue
        if any(word.arg is None and _is_name(word.value, kwargs) for word in item.keywords):
            yield called.attr


def _is_name(node: ast.expr, *names: str) -> bool:
    return isinstance(node, ast.Name) and node.id in names


def legacy_arguments(tree: SourceTree) -> dict[str, str]:
    """Arguments that `validate_hf_hub_args` of huggingface_hub translates or drops before the function sees them.

    `hf_hub_download(resume_download=True)` is in no signature of release 2, but works: the decorator warns and drops it.

    Returns:
        Old name -> the argument that a function must have for it to be translated; "" when it is dropped in any case.
    """
    legacy: dict[str, str] = {}
    for node in _handlers(tree):
        # Up to 0.36, `has_token` tells whether the function has the `token` to which `use_auth_token` is translated.
        needs = "token" if any(item.arg == "has_token" for item in node.args.args) else ""
        legacy.update((name, needs) for name in _popped(node))
    return legacy


def translations(tree: SourceTree) -> Iterator[tuple[str, str]]:
    """(old, new) names, where a handler renames an argument: `new_kwargs["token"] = use_auth_token`."""
    for node in _handlers(tree):
        for item in ast.walk(node):
            target = item.targets[0] if isinstance(item, ast.Assign) else None
            if isinstance(target, ast.Subscript) and isinstance(target.slice, ast.Constant):
                yield from ((old, str(target.slice.value)) for old in _popped(node))


def _handlers(tree: SourceTree) -> list[ast.FunctionDef]:
    body = ast.parse(tree.text(HANDLERS_MODULE)).body if HANDLERS_MODULE in tree.modules else []
    return [node for node in body if isinstance(node, ast.FunctionDef) and node.name in HANDLERS]


def _popped(node: ast.FunctionDef) -> list[str]:
    """The names that a handler pops, also from a copy of the keywords: `new_kwargs.pop("resume_download", None)`."""
    calls = (item for item in ast.walk(node) if isinstance(item, ast.Call) and isinstance(item.func, ast.Attribute))
    first = (call.args[0] for call in calls if call.func.attr == "pop" and call.args)  # type: ignore[attr-defined]
    return [name for item in first if (name := string_of(item)) is not None]


def with_legacy(node: ast.ClassDef | Function, record: Record, legacy: Mapping[str, str]) -> Record:
    """The record with the arguments that the decorator accepts; for a class, in its decorated methods."""
    if isinstance(record, FunctionRecord):
        return _with_names(record, legacy) if "validate_hf_hub_args" in decorators(node) else record
    functions = _function_nodes(node) if isinstance(node, ast.ClassDef) else ()
    decorated = {item.name for item in functions if "validate_hf_hub_args" in decorators(item)}
    methods = {name: _with_names(method, legacy) if name in decorated else method for name, method in record.methods.items()}
    init = _with_names(record.init, legacy) if record.init and "__init__" in decorated else record.init
    return record._replace(methods=methods, init=init)


def _with_names(record: FunctionRecord, legacy: Mapping[str, str]) -> FunctionRecord:
    names = {argument.name for argument in record.arguments}
    more = [old for old, needs in legacy.items() if old not in names and (not needs or needs in names)]
    return record._replace(popped=tuple(dict.fromkeys((*record.popped, *more))))
