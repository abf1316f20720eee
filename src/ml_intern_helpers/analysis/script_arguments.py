"""A script's arguments as its own argparse parser would take them: values by attribute, and what it would refuse."""

from __future__ import annotations

import ast
import re
from typing import Any, NamedTuple

from ml_intern_helpers.analysis.evaluate import value_of
from ml_intern_helpers.analysis.names import dotted
from ml_intern_helpers.analysis.script import Script
from ml_intern_helpers.analysis.values import Value, known, runtime
from ml_intern_helpers.core.text import clean

_TYPES: dict[str, Any] = {"int": int, "float": float, "str": str, "pathlib.Path": str, "": str}
_NEGATIVE = re.compile(r"-\d+$|-\d*\.\d+$")
_FLAGS = {"store_true": True, "store_false": False}
_KNOWN_ACTIONS = frozenset({"store", "store_true", "store_false", "store_const", "append", "count", "extend", "help", "version"})


#: Argparse stops at the first; a few tell what is wrong.
_MOST_PROBLEMS = 5


class Declared(NamedTuple):
    """One `add_argument`: its flags (a name without dashes: positional), attribute, action, nargs, converter, choices."""

    flags: tuple[str, ...]
    dest: str
    action: str
    nargs: object
    convert: str | None
    choices: tuple[Any, ...] | None
    required: bool


class Parsed:
    """The script's arguments.

    Attributes:
        values: attribute -> value, for those that were given.
        complete: what is not in `values` has its default.
        problems: (message, fix) for what the parser ends with an error.
    """

    def __init__(self, *, complete: bool = False) -> None:
        self.values: dict[str, Value] = {}
        self.complete = complete
        self.problems: list[tuple[str, str]] = []


def parsed(script: Script) -> Parsed:
    """The arguments that the launch gives, by the parser that the script declares; nothing is complete without a launch."""
    key = ("script_args.parsed", script.source.tree)
    if key not in script.memo:
        script.memo[key] = Parsed()  # the defaults of the parser may ask back
        script.memo[key] = _parsed(script)
    found: Parsed = script.memo[key]
    return found


def declared_flags(script: Script) -> set[str]:
    """Every option that the script declares with argparse, whether or not the parser can be followed."""
    return {flag for one in _declarations(script)[0] for flag in one.flags if flag.startswith("-")}


def own_parser(script: Script) -> bool:
    """The script reads its arguments in some way: argparse, click, typer, HfArgumentParser, sys.argv."""
    tops = ("argparse", "click", "typer", "fire", "tyro", "jsonargparse", "absl", "docopt")
    imported = {alias.name.split(".")[0] for node in script.imports for alias in node.names}
    imported |= {(getattr(node, "module", "") or "").split(".")[0] for node in script.imports}
    return bool(imported & set(tops)) or any(word in script.source.text for word in ("ArgumentParser", "TrlParser", "sys.argv"))


def _parsed(script: Script) -> Parsed:
    arguments = script.given.arguments
    declared, simple = _declarations(script)
    if arguments is None or not simple or not declared:
        return Parsed()
    found = Parsed(complete=True)
    _take(list(arguments), declared, found)
    return found


def _declarations(script: Script) -> tuple[list[Declared], bool]:
    """(the declarations, whether they are all there is): one parser, one `parse_args()`, nothing made in a loop."""
    found: list[Declared] = []
    parsers, simple = 0, True
    for call in script.calls:
        name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
        if name == "add_argument":
            one = _declared(script, call)
            simple = simple and one is not None and not any(guard.kind == "loop" for guard in script.places[call].guards)
            found += [one] if one else []
        elif name == "ArgumentParser":
            target = dotted(script, call.func)
            parsers += 1
            simple = simple and bool(target and target.name == "argparse.ArgumentParser") and not _odd_parser(call)
        elif name in (
            "parse_known_args",
            "add_subparsers",
            "set_defaults",
            "HfArgumentParser",
            "TrlParser",
            "add_argument_group",
        ):
            simple = simple and name == "add_argument_group"
        elif name == "parse_args":
            simple = simple and not call.args and not call.keywords
    return found, simple and parsers == 1


def _odd_parser(call: ast.Call) -> bool:
    return any(word.arg in (None, "parents", "fromfile_prefix_chars", "prefix_chars", "allow_abbrev") for word in call.keywords)


def _declared(script: Script, call: ast.Call) -> Declared | None:
    words = {word.arg: word.value for word in call.keywords}
    flags = [value.value for value in (value_of(script, part) for part in call.args) if value.settled]
    if None in words or len(flags) != len(call.args) or not flags or not all(isinstance(flag, str) for flag in flags):
        return None
    action, nargs, dest = (_constant(script, words.get(name)) for name in ("action", "nargs", "dest"))
    if "action" in words and action not in _KNOWN_ACTIONS:
        return None
    target = dotted(script, words["type"]) if "type" in words else None
    convert = (target.name if target and target.name in _TYPES else None) if "type" in words else ""
    choices = _constant(script, words.get("choices"))
    long = next((flag for flag in flags if flag.startswith("--")), flags[0])
    required = _constant(script, words.get("required")) is True
    name = str(dest) if isinstance(dest, str) else long.lstrip("-").replace("-", "_")
    listed = tuple(choices) if isinstance(choices, (list, tuple)) else None
    return Declared(tuple(flags), name, str(action or "store"), nargs, convert, listed, required)


def _constant(script: Script, expr: ast.expr | None) -> Any:
    value = value_of(script, expr) if expr is not None else None
    return value.value if value is not None and value.settled else None


def _take(arguments: list[str], declared: list[Declared], found: Parsed) -> None:
    options = {flag: one for one in declared for flag in one.flags if flag.startswith("-")}
    positional = [one for one in declared if not one.flags[0].startswith("-")]
    left: list[str] = []
    arguments.reverse()  # taken from the end
    while arguments and len(found.problems) < _MOST_PROBLEMS:
        text = arguments.pop()
        if text == "--":
            left += reversed(arguments)
            break
        if not text.startswith("-") or text == "-" or _NEGATIVE.match(text) or " " in text:
            left.append(text)
            continue
        flag, mark, value = text.partition("=")
        one = _option(flag, options)
        if one is None:
            _unknown(flag, options, found)
            continue
        _given(one, flag, [value] if mark else None, arguments, found)
    if found.complete:  # a word behind an unknown option may have been meant as its value
        _leftover(left, positional, found)
    _missing([*positional, *options.values()], found)


def _option(flag: str, options: dict[str, Declared]) -> Declared | None:
    if flag in options:
        return options[flag]
    longer = {one for name, one in options.items() if flag.startswith("--") and name.startswith(flag)}
    short = options.get(flag[:2]) if not flag.startswith("--") else None
    return next(iter(longer)) if len(longer) == 1 else short


def _unknown(flag: str, options: dict[str, Declared], found: Parsed) -> None:
    if flag in ("-h", "--help"):
        found.problems.append(("--help ends the script before it trains", "leave it out"))
        return
    import difflib

    near = difflib.get_close_matches(flag, options, n=2, cutoff=0.6)
    fix = f"did you mean {' or '.join(near)}?" if near else f"its options: {' '.join(sorted(options))[:200]}"
    found.problems.append((f"the script has no option {clean(flag, limit=60)}: it ends with a usage error", fix))
    found.complete = False


def _given(one: Declared, flag: str, value: list[str] | None, arguments: list[str], found: Parsed) -> None:
    if flag not in one.flags and not flag.startswith("--"):
        value = [flag[2:]]  # `-n5`
    if one.action in _FLAGS:
        found.values[one.dest] = known(_FLAGS[one.action])
        return
    if one.action != "store" or one.nargs is not None:
        while arguments and not arguments[-1].startswith("-") and not (one.nargs in (None, "?") and value):
            value = [arguments.pop()]
        found.values[one.dest] = runtime(f"{flag} of the launch")
        return
    if value is None and arguments and _is_value(arguments[-1]):
        value = [arguments.pop()]
    if value is None:
        found.problems.append((f"{flag} of the script needs a value: it ends with a usage error", f"write {flag} VALUE"))
        return
    found.values[one.dest] = _converted(one, flag, value[0], found)


def _is_value(text: str) -> bool:
    return not text.startswith("-") or text == "-" or bool(_NEGATIVE.match(text)) or " " in text


def _converted(one: Declared, flag: str, text: str, found: Parsed) -> Value:
    if one.convert is None:
        return runtime(f"{flag} of the launch, converted by the script")
    try:
        value = _TYPES[one.convert](text)
    except (ValueError, OverflowError):
        wanted = one.convert.rpartition(".")[2]
        found.problems.append(
            (f"{flag} {clean(text, limit=40)}: the script wants {wanted}, and ends with a usage error", "correct it")
        )
        return runtime(f"{flag} of the launch")
    if one.choices is not None and value not in one.choices:
        listed = ", ".join(str(choice) for choice in one.choices)[:200]
        found.problems.append((f"{flag} {clean(text, limit=40)}: the script takes only {listed}", "choose one of them"))
    return known(value)


def _leftover(left: list[str], positional: list[Declared], found: Parsed) -> None:
    if any(one.nargs is not None or one.action != "store" for one in positional):
        found.values |= {one.dest: runtime("an argument of the launch") for one in positional}
        return
    for one, text in zip(positional, left, strict=False):
        found.values[one.dest] = _converted(one, one.flags[0], text, found)
    for text in left[len(positional) :]:
        found.problems.append(
            (f"the script takes no argument {clean(text, limit=60)!r}: it ends with a usage error", "leave it out")
        )
        return


def _missing(declared: list[Declared], found: Parsed) -> None:
    for one in dict.fromkeys(declared):
        positional = not one.flags[0].startswith("-") and one.nargs is None and one.action == "store"
        if (one.required or positional) and one.dest not in found.values and not found.problems:
            found.problems.append(
                (f"the script demands {one.flags[0]}: without it it ends with a usage error", f"give {one.flags[0]}")
            )
