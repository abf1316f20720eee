"""Reads the options of launchers, by the grammar of argparse or of click.

The tables of options are in `launcher_options.json`, which `scripts/gen_launch_options` generates from the launchers themselves.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import NamedTuple

from ml_intern_helpers.launches.words import Word

#: flag -> (the parameter's name, its kind: flag, off, text, texts, int, ints, or `choice a|b`).
ClickTable = Mapping[str, tuple[str, str]]


class Tables(NamedTuple):
    """The options of each launcher.

    Attributes:
        releases: distribution -> the release that its tables were read from.
        hf_arguments: command of `hf jobs` -> positional arguments (`...`: takes the rest, `?`: optional).
        hf_options: command of `hf jobs` -> its options.
        uv_run, accelerate, torchrun: flag -> it takes a value.
        trl: command -> option -> `config` (a field of the trainer's config) or `other`.
    """

    releases: dict[str, str]
    hf_arguments: dict[str, list[str]]
    hf_options: dict[str, ClickTable]
    uv_run: dict[str, bool]
    accelerate: dict[str, bool]
    torchrun: dict[str, bool]
    trl: dict[str, dict[str, str]]


@cache
def tables() -> Tables:
    """The stored tables, read on first use."""
    return Tables(**json.loads(Path(__file__).with_suffix(".json").read_bytes()))


class LeadingOptions(NamedTuple):
    """A launcher's own options (flag -> values in order, None for a flag without a value), and the words from the script on."""

    options: dict[str, list[Word | None]]
    rest: list[Word]
    unknown: list[str]
    error: str

    def value(self, *flags: str) -> Word | None:
        """The last value given with any of `flags`."""
        values = [value for flag in flags for value in self.options.get(flag, [])]
        return values[-1] if values else None

    def values(self, *flags: str) -> list[Word]:
        """Every value given with any of `flags`."""
        return [word for flag in flags for word in self.options.get(flag, []) if word is not None]

    def has(self, *flags: str) -> bool:
        return any(flag in self.options for flag in flags)


def leading_options(
    words: list[Word], table: Mapping[str, bool], *, abbreviations: bool = False, clusters: bool = False
) -> LeadingOptions:
    """Read the options before the first positional word, as argparse does where that word takes all that follow it.

    Args:
        words: what follows the launcher's name.
        table: option -> whether it takes a value.
        abbreviations: a unique prefix of a long option is accepted for it.
        clusters: `-um` means `-u -m` (Python, uv), not an option of that name.
    """
    options: dict[str, list[Word | None]] = {}
    unknown: list[str] = []
    at = 0
    while at < len(words):
        word = words[at]
        if word.text[:1] != "-" or word.text == "-" or word.known == 0:
            break
        at += 1
        if word.text == "--":
            break
        for flag, attached in _flags_in(word, table, abbreviations, clusters):
            if flag not in table:
                unknown.append(flag)
                continue
            value = attached if table[flag] else None
            if table[flag] and attached is None:
                if at == len(words):
                    return LeadingOptions(options, [], unknown, f"option {flag} needs a value")
                value = words[at]
                at += 1
            options.setdefault(flag, []).append(value)
    return LeadingOptions(options, words[at:], unknown, "")


def _flags_in(word: Word, table: Mapping[str, bool], abbreviations: bool, clusters: bool) -> list[tuple[str, Word | None]]:
    """The flags in one word, each with the value attached to it."""
    pair = word.before("=") if word.text.startswith("--") else None
    flag, value = pair if pair else (word.text, None)
    if flag in table:
        return [(flag, value)]
    if flag.startswith("--"):
        long = [name for name in table if abbreviations and name.startswith(flag)]
        return [(long[0] if len(long) == 1 else flag, value)]
    if not clusters and flag[:2] not in table:
        return [(flag, value)]
    flags: list[tuple[str, Word | None]] = []
    for at, char in enumerate(word.text[1:], start=2):
        takes = table.get(f"-{char}", False)
        flags.append((f"-{char}", word.after(at) if takes and at < len(word.text) else None))
        if takes:
            break
    return flags


class ClickOption(NamedTuple):
    """One option as it was given.

    Attributes:
        name: the parameter's name (`timeout`).
        flag: the option as typed (`--timeout`; the whole cluster `-lr` for its `-l`).
        value: its value; None for a flag.
        position: its index among the words.
        off: it was given in its negative form (`--no-suspend`).
    """

    name: str
    flag: str
    value: Word | None
    position: int
    off: bool = False


@dataclass
class ClickWords:
    """Words sorted as click sorts them for a command that passes unknown options on, as all `hf jobs … run` do.

    Options are recognised everywhere, even after the script; only `--` ends them. An unknown option becomes a positional word.

    Attributes:
        options: the options in the order given.
        positional: all other words, each with its position.
        unknown: those positional words before any `--` that look like options.
        error: the message with which click refuses the words; "" when it accepts them.
    """

    options: list[ClickOption] = field(default_factory=list)
    positional: list[tuple[int, Word]] = field(default_factory=list)
    unknown: list[tuple[int, Word]] = field(default_factory=list)
    error: str = ""

    def last(self, name: str) -> ClickOption | None:
        """The last occurrence of an option, which is the one that click uses."""
        return next((option for option in reversed(self.options) if option.name == name), None)

    def all(self, name: str) -> list[ClickOption]:
        return [option for option in self.options if option.name == name]

    def values(self, name: str) -> list[Word]:
        return [option.value for option in self.all(name) if option.value is not None]

    def flag(self, name: str) -> bool:
        last = self.last(name)
        return last is not None and not last.off


class _UsageError(Exception):
    """click refuses the words."""


def click_words(words: list[Word], table: ClickTable) -> ClickWords:
    """Sort `words` by the options of `table`."""
    parsed, rest = ClickWords(), list(enumerate(words))
    rest.reverse()  # so that the next word can be popped from the end
    try:
        while rest:
            position, word = rest.pop()
            if word.text == "--" and not word.unknown:
                break
            if word.text[:1] == "-" and len(word.text) > 1 and word.known > 0:
                flag, value = word.before("=") or (word.text, None)
                if flag in table and flag[:2] == "--":
                    name, kind = table[flag]
                    if kind not in ("flag", "off"):
                        parsed.options.append(ClickOption(name, flag, _value(flag, value, rest), position))
                    elif value is None:
                        parsed.options.append(ClickOption(name, flag, None, position, kind == "off"))
                    else:
                        raise _UsageError(f"option {flag} does not take a value")
                elif word.text[:2] != "--":
                    _take_cluster(parsed, table, position, word, rest)
                else:
                    parsed.positional.append((position, word))
                    parsed.unknown.append((position, word))
            else:
                parsed.positional.append((position, word))
    except _UsageError as error:
        parsed.error = str(error)
    parsed.positional += reversed(rest)
    return parsed


def _take_cluster(parsed: ClickWords, table: ClickTable, position: int, word: Word, rest: list[tuple[int, Word]]) -> None:
    """Read a cluster (`-dq`, `-eFOO=1`); its unknown letters stay as a word (`-bs` -> `-b`; `-s` takes the next word)."""
    unknown = ""
    for at, char in enumerate(word.text[1:], start=2):
        name, kind = table.get(f"-{char}", ("", ""))
        if not kind:
            unknown += char
        elif kind in ("flag", "off"):
            parsed.options.append(ClickOption(name, word.text, None, position))
        else:
            attached = word.after(at) if at < len(word.text) else None
            parsed.options.append(ClickOption(name, word.text, _value(f"-{char}", attached, rest), position))
            break
    if unknown:
        passed_on = (position, Word(f"-{unknown}"))
        parsed.positional.append(passed_on)
        parsed.unknown.append(passed_on)


def _value(flag: str, value: Word | None, rest: list[tuple[int, Word]]) -> Word:
    if value is not None:
        return value
    if not rest:
        raise _UsageError(f"option {flag} needs a value")
    return rest.pop()[1]
