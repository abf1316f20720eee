"""The options that a script declares with argparse: their defaults are what a run without arguments uses."""

from __future__ import annotations

import ast
from typing import NamedTuple

from ml_intern_helpers.analysis.names import dotted
from ml_intern_helpers.analysis.script import Script

_CONVERTERS = frozenset({"int", "float", "str"})


class Option(NamedTuple):
    """One `add_argument("--batch", type=int, default=4)`.

    Attributes:
        flag: as typed, `--batch`.
        fallback: the expression of `default=`, None when there is none.
        plain: the default without `default=`: False for `store_true`, True for `store_false`, else None.
        convert: `int`, `float`, `str` or "": applied to a default that is a text, as argparse does.
    """

    flag: str
    fallback: ast.expr | None
    plain: bool | None
    convert: str


def options_of(script: Script) -> dict[str, Option]:
    """Attribute name -> option, for those whose default this file tells; one declared twice or required is left out."""
    key = ("options_of", script.source.tree)
    if key not in script.memo:
        script.memo[key] = _collected(script)
    found: dict[str, Option] = script.memo[key]
    return found


def _collected(script: Script) -> dict[str, Option]:
    found: dict[str, Option] = {}
    doubtful: set[str] = set()
    for call in script.calls:
        if isinstance(call.func, ast.Attribute) and call.func.attr == "set_defaults":
            doubtful.update(word.arg for word in call.keywords if word.arg)
        declared = _declared(script, call)
        if declared is not None:
            name, option = declared
            doubtful.update([name] if name in found or option is None else [])
            if option is not None:
                found[name] = option
    return {name: option for name, option in found.items() if name not in doubtful}


def _declared(script: Script, call: ast.Call) -> tuple[str, Option | None] | None:
    if not (isinstance(call.func, ast.Attribute) and call.func.attr == "add_argument"):
        return None
    flags = [part.value for part in call.args if isinstance(part, ast.Constant) and isinstance(part.value, str)]
    flag = next((flag for flag in flags if flag.startswith("--")), flags[0] if flags else "")
    words = {word.arg: word.value for word in call.keywords}
    dest = words.get("dest")
    name = str(dest.value) if isinstance(dest, ast.Constant) else flag.lstrip("-").replace("-", "_")
    return (name, _option(script, flag, words)) if name else None


def _option(script: Script, flag: str, words: dict[str | None, ast.expr]) -> Option | None:
    """None when no default applies: a positional, a required option, `**` arguments, an action of its own."""
    required = words.get("required")
    if not flag.startswith("-") or None in words or (isinstance(required, ast.Constant) and required.value is True):
        return None
    action = words.get("action")
    name = action.value if isinstance(action, ast.Constant) else None
    plain = {"store_true": False, "store_false": True}.get(name) if isinstance(name, str) else None
    target = dotted(script, words["type"]) if "type" in words else None
    convert = target.name if target and target.name in _CONVERTERS else ""
    return Option(flag, words.get("default"), plain, convert)
