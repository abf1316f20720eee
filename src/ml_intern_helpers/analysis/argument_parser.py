"""Reads the options that a script declares with argparse, and parses the launch's arguments as its parser would.

`value_of` is passed in where the value of an expression is needed, because a value may itself be an argument of the script.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from ml_intern_helpers.analysis.names import dotted
from ml_intern_helpers.analysis.script import Script
from ml_intern_helpers.analysis.values import Value, known, runtime
from ml_intern_helpers.core.text import clean

ValueOf = Callable[[Script, ast.expr], Value]

_TYPES: dict[str, Any] = {"int": int, "float": float, "str": str, "pathlib.Path": str, "": str}
_NEGATIVE = re.compile(r"-\d+$|-\d*\.\d+$")
_SWITCHES = {"store_true": True, "store_false": False}
_KNOWN_ACTIONS = frozenset({"store", "store_true", "store_false", "store_const", "append", "count", "extend", "help", "version"})
#: Calls that make the readable declarations incomplete.
_NOT_SIMPLE = frozenset({"parse_known_args", "add_subparsers", "set_defaults", "HfArgumentParser", "TrlParser"})
#: Arguments of `ArgumentParser` that change how a command line is read.
_CHANGES_READING = frozenset({None, "parents", "fromfile_prefix_chars", "prefix_chars", "allow_abbrev"})
#: The most problems reported; argparse itself stops at the first.
_MOST_PROBLEMS = 5


class Declared(NamedTuple):
    """One `add_argument("--batch", type=int, default=4)`.

    Attributes:
        flags: the flags that can be read; a name without dashes is a positional argument.
        dest: the attribute that gets the value.
        action: the name of the action, `store` when none is given.
        nargs: the value of `nargs=`, None when there is none.
        convert: the name of the type; "" without one, None for an unknown type.
        choices: the accepted values; None when every value is accepted.
        required: it must be given, or `**` arguments may require it.
        default: the expression of `default=`; None when there is none.
        readable: the whole call can be read, and the action is one of argparse's own.
    """

    flags: tuple[str, ...]
    dest: str
    action: str
    nargs: object
    convert: str | None
    choices: tuple[Any, ...] | None
    required: bool
    default: ast.expr | None
    readable: bool

    @property
    def positional(self) -> bool:
        return not self.flags[0].startswith("-")

    @property
    def takes_one_value(self) -> bool:
        return self.action == "store" and self.nargs is None

    @property
    def flag(self) -> str:
        """The flag used in messages: the first with two dashes, else the first."""
        return next((flag for flag in self.flags if flag.startswith("--")), self.flags[0])

    @property
    def default_type(self) -> str:
        """The type with which argparse converts a default that is a string; "" for none."""
        return self.convert if self.convert in ("int", "float", "str") else ""

    @property
    def implied_default(self) -> bool | None:
        """The default of the action itself, when `default=` is not given."""
        return not _SWITCHES[self.action] if self.action in _SWITCHES else None


class ParsedArguments:
    """The script's arguments.

    Attributes:
        values: attribute -> value, for the arguments that were given.
        complete: attributes missing from `values` have their defaults.
        problems: (message, fix) of each usage error that the parser would report.
    """

    def __init__(self, *, complete: bool = False) -> None:
        self.values: dict[str, Value] = {}
        self.complete = complete
        self.problems: list[tuple[str, str]] = []


class Declarations(NamedTuple):
    """The options that a script declares.

    Attributes:
        options: the options with a readable flag.
        simple: `options` is complete: one parser, one `parse_args()`, and no option declared in a loop.
        set_elsewhere: the attributes whose default `set_defaults` sets.
    """

    options: tuple[Declared, ...] = ()
    simple: bool = False
    set_elsewhere: frozenset[str | None] = frozenset()

    def default(self, name: str) -> Declared | None:
        """The option whose default the attribute `name` gets when it is not given; None where that default cannot be read."""
        named = [option for option in self.options if option.dest == name]
        if len(named) != 1 or named[0].positional or named[0].required or name in self.set_elsewhere:
            return None
        return named[0]


def parsed(script: Script, value_of: ValueOf) -> ParsedArguments:
    """The launch's arguments as parsed by the script's parser; empty and incomplete without a launch."""

    def answer() -> ParsedArguments:
        declared, arguments = declarations(script, value_of), script.given.arguments
        if arguments is None or not declared.simple or not declared.options:
            return ParsedArguments()
        return _parse(list(arguments), declared.options)

    # A default may refer to a parsed argument.
    return script.once("parsed arguments", script.source.tree, answer, meanwhile=ParsedArguments())


def declarations(script: Script, value_of: ValueOf) -> Declarations:
    return script.once("argparse", script.source.tree, lambda: _declarations(script, value_of), meanwhile=Declarations())


def _declarations(script: Script, value_of: ValueOf) -> Declarations:
    options: list[Declared] = []
    set_elsewhere: set[str | None] = set()
    parsers, simple = 0, True
    for call in script.calls:
        name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
        if name == "add_argument":
            option = _declared(script, call, value_of)
            in_loop = any(guard.kind == "loop" for guard in script.places[call].guards)
            simple = simple and option is not None and option.readable and not in_loop
            options += [option] if option else []
        elif name == "ArgumentParser":
            target = dotted(script, call.func)
            parsers += 1
            odd = any(word.arg in _CHANGES_READING for word in call.keywords)
            simple = simple and bool(target and target.name == "argparse.ArgumentParser") and not odd
        elif name in _NOT_SIMPLE:
            simple = False
            set_elsewhere |= {word.arg for word in call.keywords} if name == "set_defaults" else set()
        elif name == "parse_args":
            simple = simple and not call.args and not call.keywords
    return Declarations(tuple(options), simple and parsers == 1, frozenset(set_elsewhere))


def _declared(script: Script, call: ast.Call, value_of: ValueOf) -> Declared | None:
    """The option that an `add_argument` call declares; None when no flag can be read."""
    words = {word.arg: word.value for word in call.keywords}

    def constant(name: str) -> Any:
        value = value_of(script, words[name]) if name in words else None
        return value.value if value is not None and value.settled else None

    flags = tuple(value.value for value in (value_of(script, part) for part in call.args) if isinstance(value.value, str))
    if not flags:
        return None
    action, dest, choices = constant("action"), constant("dest"), constant("choices")
    target = dotted(script, words["type"]) if "type" in words else None
    declared = Declared(
        flags=flags,
        dest=dest if isinstance(dest, str) else "",
        action=str(action or "store"),
        nargs=constant("nargs"),
        convert=(target.name if target and target.name in _TYPES else None) if "type" in words else "",
        choices=tuple(choices) if isinstance(choices, (list, tuple)) else None,
        required=None in words or constant("required") is True,
        default=words.get("default"),
        readable=None not in words and len(flags) == len(call.args) and ("action" not in words or action in _KNOWN_ACTIONS),
    )
    return declared if declared.dest else declared._replace(dest=declared.flag.lstrip("-").replace("-", "_"))


def _parse(arguments: list[str], declared: Sequence[Declared]) -> ParsedArguments:
    """Parse `arguments` as argparse would."""
    parsed = ParsedArguments(complete=True)
    options = {flag: option for option in declared for flag in option.flags if flag.startswith("-")}
    positional = [declaration for declaration in declared if declaration.positional]
    words: list[str] = []
    arguments.reverse()  # so that the next one can be popped from the end
    while arguments and len(parsed.problems) < _MOST_PROBLEMS:
        text = arguments.pop()
        if text == "--":
            words += reversed(arguments)
            break
        if _is_value(text):
            words.append(text)
            continue
        flag, mark, value = text.partition("=")
        option = _option(flag, options)
        if option is None:
            _report_unknown(flag, options, parsed)
        else:
            _take_values(option, flag, value if mark else None, arguments, parsed)
    if parsed.complete:  # otherwise a word after an unknown option may be its value
        _take_positional(words, positional, parsed)
    for declaration in dict.fromkeys([*positional, *options.values()]):
        needed = declaration.required or (declaration.positional and declaration.takes_one_value)
        if needed and declaration.dest not in parsed.values and not parsed.problems:
            message = f"the script requires {declaration.flags[0]}: without it, it ends with a usage error"
            parsed.problems.append((message, f"give {declaration.flags[0]}"))
    return parsed


def _is_value(text: str) -> bool:
    return not text.startswith("-") or text == "-" or bool(_NEGATIVE.match(text)) or " " in text


def _option(flag: str, options: dict[str, Declared]) -> Declared | None:
    """The option that a flag selects: by its full name, an unambiguous prefix of a long one, or `-n5`."""
    if flag in options:
        return options[flag]
    if not flag.startswith("--"):
        return options.get(flag[:2])
    longer = {option for name, option in options.items() if name.startswith(flag)}
    return next(iter(longer)) if len(longer) == 1 else None


def _report_unknown(flag: str, options: dict[str, Declared], parsed: ParsedArguments) -> None:
    if flag in ("-h", "--help"):
        parsed.problems.append(("--help ends the script before it trains", "remove it"))
        return
    import difflib

    similar = difflib.get_close_matches(flag, options, n=2, cutoff=0.6)
    fix = f"did you mean {' or '.join(similar)}?" if similar else f"its options: {' '.join(sorted(options))[:200]}"
    parsed.problems.append((f"the script has no option {clean(flag, limit=60)}: it ends with a usage error", fix))
    parsed.complete = False


def _take_values(option: Declared, flag: str, value: str | None, arguments: list[str], parsed: ParsedArguments) -> None:
    """Record the value of `flag`: the attached `value` (`--n=5`), or the next of `arguments`."""
    if flag not in option.flags and not flag.startswith("--"):
        value = flag[2:]  # `-n5`
    if option.action in _SWITCHES:
        parsed.values[option.dest] = known(_SWITCHES[option.action])
    elif not option.takes_one_value:
        while arguments and not arguments[-1].startswith("-") and not (option.nargs in (None, "?") and value is not None):
            value = arguments.pop()
        parsed.values[option.dest] = runtime(f"{flag} of the launch")
    else:
        if value is None and arguments and _is_value(arguments[-1]):
            value = arguments.pop()
        if value is None:
            message = f"{flag} of the script needs a value: it ends with a usage error"
            parsed.problems.append((message, f"write {flag} VALUE"))
        else:
            parsed.values[option.dest] = _converted(option, flag, value, parsed)


def _converted(option: Declared, flag: str, text: str, parsed: ParsedArguments) -> Value:
    if option.convert is None:
        return runtime(f"{flag} of the launch, converted by the script")
    try:
        value = _TYPES[option.convert](text)
    except (ValueError, OverflowError):
        wanted = option.convert.rpartition(".")[2]
        message = f"{flag} {clean(text, limit=40)}: the script expects {wanted} and ends with a usage error"
        parsed.problems.append((message, f"pass a valid {wanted}"))
        return runtime(f"{flag} of the launch")
    if option.choices is not None and value not in option.choices:
        listed = ", ".join(str(choice) for choice in option.choices)[:200]
        message = f"{flag} {clean(text, limit=40)}: the script accepts only {listed}"
        parsed.problems.append((message, "choose one of them"))
    return known(value)


def _take_positional(words: list[str], positional: list[Declared], parsed: ParsedArguments) -> None:
    if not all(declaration.takes_one_value for declaration in positional):
        parsed.values |= {declaration.dest: runtime("an argument of the launch") for declaration in positional}
        return
    for declaration, text in zip(positional, words, strict=False):
        parsed.values[declaration.dest] = _converted(declaration, declaration.flags[0], text, parsed)
    if len(words) > len(positional):
        text = clean(words[len(positional)], limit=60)
        parsed.problems.append((f"the script takes no argument {text!r}: it ends with a usage error", "remove it"))
