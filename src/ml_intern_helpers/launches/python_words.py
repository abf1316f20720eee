"""What `python` is asked to run: a file, a module, a text, or standard input."""

from __future__ import annotations

import re
from typing import NamedTuple

from ml_intern_helpers.launches.words import Word

NAME = re.compile(r"(?:i?python|pypy)[0-9.]*t?|accelerate-python")


class Front(NamedTuple):
    """`file`, `module`, `code` or `stdin`, its word, and the arguments behind it; kind "" when nothing is run."""

    kind: str
    word: Word
    args: list[Word]


def front(words: list[Word]) -> Front:
    """Read the words behind `python`."""
    at = 0
    while at < len(words):
        word = words[at]
        at += 1
        if word.text == "-":
            return Front("stdin", word, words[at:])
        if word.text[:1] != "-" or word.known == 0:
            return Front("file", word, words[at:])
        if word.text in ("--help", "--version", "-h", "-V"):
            return Front("", word, [])
        found, at = _cluster(word, words, at)
        if found is not None:
            return found
    return Front("stdin", Word("-"), [])


def _cluster(word: Word, words: list[Word], at: int) -> tuple[Front | None, int]:
    """`-um module`: letters up to the first that takes the rest."""
    if word.text.startswith("--"):
        return None, at + (word.text == "--check-hash-based-pycs")
    for position, letter in enumerate(word.text[1:], start=2):
        if letter in "mc":
            inside = position < len(word.text)
            value = word.after(position) if inside else words[at] if at < len(words) else Word("")
            rest = words[at:] if inside else words[at + 1 :]
            return Front("module" if letter == "m" else "code", value, rest), at
        if letter in "WX":
            return None, at + (position == len(word.text))
    return None, at
