"""Words parsed as click parses them for a command that lets unknown options through, as all `hf jobs … run` do.

Options count wherever they stand, also behind the script: only `--` ends them. An unknown option becomes a positional word.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from ml_intern_helpers.launches.words import Word


class Given(NamedTuple):
    """One option as it was given.

    Attributes:
        name: the parameter's name (`timeout`).
        flag: how it was typed (`--timeout`, `-lr` for the cluster in which `-l` was found).
        value: its value; None for a flag.
        position: where among the words.
        off: the negative form (`--no-suspend`).
    """

    name: str
    flag: str
    value: Word | None
    position: int
    off: bool = False


@dataclass
class Parsed:
    """The words sorted.

    Attributes:
        given: options in the order given.
        positional: (position, word) of everything else.
        unknown: words among them that look like options, before any `--`.
        error: what ends the parsing, "" when nothing does.
    """

    given: list[Given] = field(default_factory=list)
    positional: list[tuple[int, Word]] = field(default_factory=list)
    unknown: list[tuple[int, Word]] = field(default_factory=list)
    error: str = ""

    def last(self, name: str) -> Given | None:
        """The one that counts of an option given once."""
        return next((one for one in reversed(self.given) if one.name == name), None)

    def all(self, name: str) -> list[Given]:
        return [one for one in self.given if one.name == name]

    def flag(self, name: str) -> bool:
        found = self.last(name)
        return found is not None and not found.off


class _Stop(Exception):
    """What click says when it gives up."""


def parse(words: list[Word], options: Mapping[str, tuple[str, str]]) -> Parsed:
    """Sort `words` by `options` (flag -> (name, kind), see `options_table`)."""
    parsed, rest = Parsed(), list(enumerate(words))
    rest.reverse()  # taken from the end
    try:
        while rest:
            position, word = rest.pop()
            if word.text == "--" and not word.unknown:
                break
            if word.text[:1] == "-" and len(word.text) > 1 and word.known > 0:
                _option(parsed, options, position, word, rest)
            else:
                parsed.positional.append((position, word))
    except _Stop as stop:
        parsed.error = str(stop)
    parsed.positional += reversed(rest)
    return parsed


_Rest = list[tuple[int, Word]]


def _option(parsed: Parsed, options: Mapping[str, tuple[str, str]], position: int, word: Word, rest: _Rest) -> None:
    split = word.before("=")
    flag, value = split if split else (word.text, None)
    if flag in options and flag[:2] == "--":
        _long(parsed, options, position, flag, value, rest)
    elif word.text[:2] != "--":
        _cluster(parsed, options, position, word, rest)
    else:
        parsed.positional.append((position, word))
        parsed.unknown.append((position, word))


def _long(
    parsed: Parsed, options: Mapping[str, tuple[str, str]], position: int, flag: str, value: Word | None, rest: _Rest
) -> None:
    name, kind = options[flag]
    if kind in ("flag", "off"):
        if value is not None:
            raise _Stop(f"option {flag} does not take a value")
        parsed.given.append(Given(name, flag, None, position, kind == "off"))
        return
    parsed.given.append(Given(name, flag, _value(flag, value, rest), position))


def _value(flag: str, value: Word | None, rest: _Rest) -> Word:
    if value is not None:
        return value
    if not rest:
        raise _Stop(f"option {flag} needs a value")
    return rest.pop()[1]


def _cluster(parsed: Parsed, options: Mapping[str, tuple[str, str]], position: int, word: Word, rest: _Rest) -> None:
    """`-dq`, `-eFOO=1`; what is unknown in it goes on as a word (`-bs` -> `-b`, and `-s` takes the next word)."""
    unknown = ""
    for at, char in enumerate(word.text[1:], start=2):
        name, kind = options.get(f"-{char}", ("", ""))
        if not kind:
            unknown += char
        elif kind in ("flag", "off"):
            parsed.given.append(Given(name, word.text, None, position))
        else:
            inside = word.after(at) if at < len(word.text) else None
            parsed.given.append(Given(name, word.text, _value(f"-{char}", inside, rest), position))
            break
    if unknown:
        left = (position, Word(f"-{unknown}"))
        parsed.positional.append(left)
        parsed.unknown.append(left)
