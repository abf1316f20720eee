"""Words parsed as argparse parses them for a launcher whose first positional word is the script and takes all that follows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from ml_intern_helpers.launches.words import Word


class Split(NamedTuple):
    """A launcher's own options (flag -> values in order; None for a flag without one), and the words from the script on."""

    options: dict[str, list[Word | None]]
    rest: list[Word]
    unknown: list[str]
    error: str

    def value(self, *flags: str) -> Word | None:
        """The last value given with any of `flags`."""
        found = [value for flag in flags for value in self.options.get(flag, [])]
        return found[-1] if found else None

    def has(self, *flags: str) -> bool:
        return any(flag in self.options for flag in flags)


def split(words: list[Word], table: Mapping[str, bool], *, abbreviations: bool = False, clusters: bool = False) -> Split:
    """Take options off the front of `words`.

    Args:
        words: what follows the launcher's name.
        table: option -> it takes a value.
        abbreviations: a unique beginning of a long option stands for it.
        clusters: `-um` is `-u -m` (Python, uv), not an option of that name.
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
        for flag, inside in _parts(word, table, abbreviations, clusters):
            if flag not in table:
                unknown.append(flag)
                continue
            value, taken = _value(words, at, table[flag], inside)
            if taken < 0:
                return Split(options, [], unknown, f"option {flag} needs a value")
            options.setdefault(flag, []).append(value)
            at += taken
    return Split(options, words[at:], unknown, "")


def _value(words: list[Word], at: int, takes: bool, inside: Word | None) -> tuple[Word | None, int]:
    """(the value, how many words it takes from the list; -1 when there is none left)."""
    if not takes or inside is not None:
        return inside if takes else None, 0
    return (words[at], 1) if at < len(words) else (None, -1)


def _parts(word: Word, table: Mapping[str, bool], abbreviations: bool, clusters: bool) -> list[tuple[str, Word | None]]:
    """(flag, value attached to it) of one word."""
    pair = word.before("=") if word.text.startswith("--") else None
    flag, value = pair if pair else (word.text, None)
    if flag in table:
        return [(flag, value)]
    if flag.startswith("--"):
        long = [name for name in table if abbreviations and name.startswith(flag)]
        return [(long[0] if len(long) == 1 else flag, value)]
    return _cluster(word, table) if clusters or flag[:2] in table else [(flag, value)]


def _cluster(word: Word, table: Mapping[str, bool]) -> list[tuple[str, Word | None]]:
    parts: list[tuple[str, Word | None]] = []
    for at, char in enumerate(word.text[1:], start=2):
        flag = f"-{char}"
        takes = table.get(flag, False)
        parts.append((flag, word.after(at) if takes and at < len(word.text) else None))
        if takes:
            break
    return parts
