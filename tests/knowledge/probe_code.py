"""Python blocks against the real libraries: imports are executed, keywords of every resolvable call are looked up."""

from __future__ import annotations

import ast
import inspect
from collections import Counter
from collections.abc import Iterator
from typing import Any

#: Taken by from_pretrained's **kwargs without a word, and wrong there.
WRONG_FOR_FROM_PRETRAINED = {
    "load_in_4bit",
    "load_in_8bit",
    "torch_dtype",
    "use_auth_token",
    "use_flash_attention_2",
    "trust_remote_code",
}


def faults(text: str, checked: Counter[str]) -> list[str]:
    """Everything in a block that the installed libraries refuse."""
    tree = ast.parse(text)
    names: dict[str, Any] = {}
    found = []
    for node in tree.body:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            checked["imports"] += 1
            try:
                exec(compile(ast.Module([node], []), "block", "exec"), names)
            except (ImportError, AttributeError) as err:
                found.append(str(err))
    return found + [fault for call in _calls(tree) for fault in _call_faults(call, names, checked)]


def _calls(tree: ast.Module) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def _call_faults(call: ast.Call, names: dict[str, Any], checked: Counter[str]) -> list[str]:
    parts = _dotted(call.func)
    if not parts or parts[0] not in names:
        return []
    target = names[parts[0]]
    for part in parts[1:]:
        if not hasattr(target, part):
            return [f"{'.'.join(parts)} does not exist"]
        target = getattr(target, part)
    checked["calls"] += 1
    keywords = {k.arg for k in call.keywords if k.arg}
    return [f"{'.'.join(parts)} does not take {name}" for name in sorted(_refused(target, parts[-1], keywords))]


def _dotted(node: ast.expr) -> list[str]:
    """`a.b.c` as its parts; nothing for a call on the result of another call."""
    if isinstance(node, ast.Attribute):
        below = _dotted(node.value)
        return [*below, node.attr] if below else []
    return [node.id] if isinstance(node, ast.Name) else []


def _refused(target: Any, name: str, keywords: set[str]) -> set[str]:
    if name == "from_pretrained":
        return keywords & WRONG_FOR_FROM_PRETRAINED
    try:
        parameters = inspect.signature(target).parameters
    except ValueError:  # a builtin without a signature
        return set()
    if any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
        return set()
    return keywords - set(parameters)
