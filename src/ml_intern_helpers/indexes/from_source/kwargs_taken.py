"""Which names a function knows though its signature has only `**kwargs`."""

from __future__ import annotations

import ast
from collections.abc import Iterator

Function = ast.FunctionDef | ast.AsyncFunctionDef
_TAKING = frozenset({"pop", "get", "setdefault"})


def taken_names(node: Function) -> Iterator[str]:
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


def handed_on(node: Function) -> Iterator[str]:
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


def _looped(node: Function, variables: set[str]) -> Iterator[str]:
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
